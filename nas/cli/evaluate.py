"""nas evaluate: how good a trained network is on labelled images."""

from pathlib import Path
from typing import Annotated

from nas.cli.completion import NAMES, trainings
from nas.cli.options import AsJson, Plugins, Runs, argument, option
from nas.evaluation.plugins import load_plugins

OWN = "its training's"
PART = "train, validation, test or all."


def evaluate(
    model: Annotated[str, argument("MODEL", "A training, or what nas export wrote.", names=trainings)],
    data: Annotated[str | None, option("NAME[:PATH]", "Labelled images.", default=OWN, names=NAMES["data"])] = None,
    part: Annotated[str | None, option("PART", PART, default="test, all of other data", names=NAMES["part"])] = None,
    split_seed: Annotated[int | None, option("N", "Divides the images into parts.", min=0, default=OWN)] = None,
    out: Annotated[Path, option("FILE", "Write the page here.", "--out", "-o")] = Path("evaluation.html"),
    as_json: AsJson = False,
    runs: Runs = Path("runs"),
    plugins: Plugins = [],  # noqa: B006
) -> None:
    """Judge a trained network, or an exported file, on labelled images."""
    load_plugins(*plugins)
    from nas.cli.evaluating import judge  # needs torch

    judge(model, data or "", part or "", split_seed, out, runs, as_json=as_json)
