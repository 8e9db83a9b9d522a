"""nas predict: what a trained network says of images."""

from pathlib import Path
from typing import Annotated

from nas.cli.completion import trainings
from nas.cli.options import Plugins, Runs, argument, option
from nas.evaluation.plugins import load_plugins


def predict(
    model: Annotated[str, argument("MODEL", "A training, or what nas export wrote.", names=trainings)],
    images: Annotated[list[Path], argument("IMAGE", "Image files, or folders of them.")],
    top: Annotated[int, option("N", "The likeliest classes to print for each image.", min=1, max=1000)] = 3,
    form: Annotated[str, option("FORM", "table, json or csv.", "--format")] = "table",
    output: Annotated[Path | None, option("FILE", "Write there.", "--output", "-o", default="the terminal")] = None,
    as_json: Annotated[bool, option("", "The same as --format json.", "--json")] = False,
    runs: Runs = Path("runs"),
    plugins: Plugins = [],  # noqa: B006
) -> None:
    """Print the classes that a trained network gives images, with their probabilities."""
    load_plugins(*plugins)
    from nas.cli.predicting import print_predictions  # needs torch

    print_predictions(model, images, top, "json" if as_json else form, output, runs)
