"""nas latency: make a predictor of a device of one's own."""

from pathlib import Path
from typing import Annotated

import typer

latency = typer.Typer(
    help="Measure a device of your own: collect a package, run it there, fit a predictor.", no_args_is_help=True
)


@latency.command()
def collect(
    output: Annotated[Path, typer.Option("--output", "-o", help="The new folder.")],
    space: Annotated[str, typer.Option(help="A shipped space (nas spaces) or a YAML file.")] = "cvt_family",
    target: Annotated[str, typer.Option(help="What runs there: onnxruntime.")] = "onnxruntime",
    networks: Annotated[int, typer.Option("-n", help="Whole networks.")] = 60,
    blocks: Annotated[int, typer.Option(help="Single blocks.")] = 120,
    batch: Annotated[int, typer.Option(min=1, max=65_536, help="Images at once.")] = 1,
    resolution: Annotated[int | None, typer.Option(min=4, max=2048, help="Pixels; default: the space's.")] = None,
    classes: Annotated[int, typer.Option(min=2, help="Classes of your data.")] = 10,
    channels: Annotated[int, typer.Option(min=1, help="Channels of your images.")] = 3,
) -> None:
    """Write a folder of ONNX models with a small script that times them wherever onnxruntime runs."""
    from rich.console import Console

    from nas.errors import SettingError
    from nas.grammar import load_space
    from nas.latency.deployment import choose_deployment
    from nas.latency.package import collect as write

    if choose_deployment(target).target != "onnxruntime":
        raise SettingError(f"target {target}: a package is made for onnxruntime, which runs on any device")
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
    results: Annotated[Path, typer.Argument(help="results.csv, in its package's folder.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The device's file.")] = Path("mydevice.yaml"),
) -> None:
    """Make a device's file from what the package measured there, and say how well it predicts."""
    from rich.console import Console

    from nas.latency.device_file import write_device
    from nas.latency.package import fit as predictor_of

    predictor = predictor_of(results)
    write_device(output, predictor)
    error = predictor.error
    Console().print(
        f"{output}: {predictor.where['device']}, from {len(predictor.networks)} networks and {len(predictor.blocks)} "
        f"blocks.\nOn networks held out: median error {error.median:.1%}, nine of ten within {error.high:.1%}, "
        f"Kendall's tau {error.tau:.2f}\n\nNext:  nas search --space {predictor.space} --target file:{output} "
        "--max latency=5",
        highlight=False,
        soft_wrap=True,
    )
