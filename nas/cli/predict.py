"""nas predict: what a trained network says of images."""

from pathlib import Path
from typing import Annotated

from nas.cli.completion import NAMES, trainings
from nas.cli.options import Plugins, Runs, argument, option
from nas.cli.unfinished import tell_unfinished
from nas.errors import SettingError
from nas.evaluation.plugins import load_plugins

BOXES = "Boxes of a detector"


def predict(
    model: Annotated[str, argument("MODEL", "A training, or what nas export wrote.", names=trainings)],
    images: Annotated[list[Path], argument("IMAGE", "Image files, or folders of them.")],
    top: Annotated[
        int | None, option("N", "The likeliest classes to print for each image.", min=1, max=1000, default="3")
    ] = None,
    threshold: Annotated[
        float | None, option("X", "The least score of a box, from 0 to 1.", panel=BOXES, default="the training's")
    ] = None,
    draw: Annotated[Path | None, option("DIR", "Write the images with boxes there.", panel=BOXES)] = None,
    form: Annotated[str | None, option("FORM", "table, json or csv.", "--format", default="table")] = None,
    output: Annotated[Path | None, option("FILE", "Write there.", "--output", "-o", default="the terminal")] = None,
    device: Annotated[str, option("NAME", "cpu, cuda or auto.", names=NAMES["device"])] = "auto",
    force: Annotated[bool, option("", "Overwrite what is there.", "--force")] = False,
    as_json: Annotated[bool, option("", "The same as --format json.", "--json")] = False,
    runs: Runs = Path("runs"),
    plugins: Plugins = [],  # noqa: B006
) -> None:
    """Print what a trained network finds in images: classes or boxes, with scores."""
    if as_json and form not in (None, "json"):
        raise SettingError(f"--format {form}: --json is the same as --format json; leave one of the two out")
    load_plugins(*plugins)
    tell_unfinished(runs, model)
    from nas.cli.predicting import Asked, print_predictions  # needs torch

    form = "json" if as_json else "table" if form is None else form
    print_predictions(model, images, Asked(top, threshold, draw, device), form, output, runs, force)
