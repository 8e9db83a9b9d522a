"""nas latency: make a predictor of another device."""

from pathlib import Path
from typing import Annotated

import typer

from nas.cli.helping import Command, Group
from nas.cli.options import DEFAULTS, AsJson, Plugins, SpaceName, argument, option, setting
from nas.evaluation.plugins import load_plugins
from nas.files import check_place
from nas.space.library import load_space

latency = typer.Typer(
    cls=Group,
    help="Predict latency on another device: collect a package, run it there, fit.",
    no_args_is_help=True,
    add_completion=False,
)


@latency.command(cls=Command)
def collect(
    output: Annotated[Path, option("DIR", "The new folder.", "--output", "-o")],
    space: SpaceName = DEFAULTS.space,
    target: Annotated[str, setting("target", "What runs there: onnxruntime.")] = "onnxruntime",
    networks: Annotated[int, option("N", "Whole networks to time.", "-n")] = 60,
    blocks: Annotated[int, option("N", "Single blocks to time.")] = 120,
    batch: Annotated[
        int, setting("latency_batch", default=str(DEFAULTS.latency_batch), bounded=True)
    ] = DEFAULTS.latency_batch,
    resolution: Annotated[int | None, setting("resolution", default="the space's", bounded=True)] = DEFAULTS.resolution,
    classes: Annotated[int, option("N", "Classes of your data.", min=2)] = 10,
    channels: Annotated[int, option("N", "Channels of your images.", min=1)] = 3,
    as_json: AsJson = False,
    plugins: Plugins = [],  # noqa: B006
) -> None:
    """Write a folder of ONNX models and a script that times them on the device."""
    from nas.cli.device import write_package  # needs torch

    load_plugins(*plugins)
    fitted = load_space(space).fit(resolution=resolution, channels=channels, classes=classes)
    write_package(fitted, output, target, networks=networks, blocks=blocks, batch=batch, as_json=as_json)


@latency.command(cls=Command)
def fit(
    results: Annotated[Path, argument("FILE", "results.csv, in the folder that was carried there.")],
    output: Annotated[Path, option("FILE", "For --target file:FILE.", "--output", "-o")] = Path("mydevice.yaml"),
    force: Annotated[bool, option("", "Overwrite what is there.", "--force")] = False,
    as_json: AsJson = False,
    plugins: Plugins = [],  # noqa: B006
) -> None:
    """Make the device's file from those times, and say how well it predicts."""
    from nas.cli.device import write_predictor  # needs torch

    load_plugins(*plugins)
    check_place(output, force, "mydevice.yaml")
    write_predictor(results, output, as_json=as_json)
