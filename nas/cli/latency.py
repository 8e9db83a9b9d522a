"""nas latency: make a predictor of a device of one's own."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from nas.cli.options import DEFAULTS, Plugins, SpaceName, argument, option, setting
from nas.errors import SettingError
from nas.evaluation.plugins import load_plugins
from nas.space.library import load_space

POOR = 0.6  # Kendall's tau below which a predictor hardly ranks

latency = typer.Typer(
    help="Predict latency on another device: collect a package, run it there, fit.",
    no_args_is_help=True,
    add_completion=False,
)


@latency.command()
def collect(
    output: Annotated[Path, option("DIR", "The new folder.", "--output", "-o")],
    space: SpaceName = DEFAULTS.space,
    target: Annotated[str, setting("target", "What runs there: onnxruntime.")] = "onnxruntime",
    networks: Annotated[int, option("N", "Whole networks to time.", "-n")] = 60,
    blocks: Annotated[int, option("N", "Single blocks to time.")] = 120,
    batch: Annotated[int, setting("latency_batch", "Images at once.", bounded=True)] = DEFAULTS.latency_batch,
    resolution: Annotated[int | None, setting("resolution", default="the space's", bounded=True)] = DEFAULTS.resolution,
    classes: Annotated[int, option("N", "Classes of your data.", min=2)] = 10,
    channels: Annotated[int, option("N", "Channels of your images.", min=1)] = 3,
    plugins: Plugins = [],  # noqa: B006
) -> None:
    """Write a folder of ONNX models and a script that times them on the device."""
    from nas.costs.deployment import choose_deployment  # both need torch
    from nas.costs.latency.device_package import collect as write

    if choose_deployment(target).target != "onnxruntime":
        raise SettingError(f"target {target}: a package is made for onnxruntime, which runs on any device")
    load_plugins(*plugins)
    fitted = load_space(space).fit(resolution=resolution, channels=channels, classes=classes)
    console = Console()
    with console.status("exporting") as status:

        def report(name: str) -> None:
            status.update(f"exporting {name}")

        folder = write(fitted, output, networks=networks, blocks=blocks, batch=batch, progress=report)
    console.print(
        f"{folder}: carry it to the device, and there\n\n  pip install onnxruntime\n  python {folder.name}/run.py\n\n"
        f"Next:  nas latency fit {folder / 'results.csv'}",
        highlight=False,
        soft_wrap=True,
    )


@latency.command()
def fit(
    results: Annotated[Path, argument("FILE", "results.csv, in the folder that was carried there.")],
    output: Annotated[Path, option("FILE", "For --target file:FILE.", "--output", "-o")] = Path("mydevice.yaml"),
) -> None:
    """Make the device's file from those times, and say how well it predicts."""
    from nas.costs.latency import device_package  # needs torch, as the next does
    from nas.costs.latency.predictor import write_device

    predictor = device_package.fit(results)
    write_device(output, predictor)
    error = predictor.error
    middle = sorted(ms for _, ms in predictor.networks)[len(predictor.networks) // 2]
    side = predictor.networks[0][0].resolution
    Console().print(
        f"{output}: {predictor.where['device']}, from {len(predictor.networks)} networks and {len(predictor.blocks)} "
        f"blocks.\nOn networks held out: median error {error.median:.1%}, nine of ten within {error.high:.1%}, "
        f"Kendall's tau {error.tau:.2f}\n\nNext:  nas search --space {predictor.space} --target file:{output} "
        f"--resolution {side} --max latency={middle:.2g}",
        highlight=False,
        soft_wrap=True,
    )
    if not error.tau > POOR:
        Console(stderr=True).print(
            "[yellow]It hardly ranks networks: collect more of them (-n), or measure on a quieter device.[/]"
        )
