"""Make the package that times networks on another device, and the predictor from its results, for `nas latency`."""

from pathlib import Path

from rich.console import Console

from nas.costs.deployment import choose_deployment
from nas.costs.latency import device_package
from nas.costs.latency.predictor import write_device
from nas.errors import SettingError
from nas.space.space import SearchSpace

POOR = 0.6  # Kendall's tau up to which a predictor hardly ranks


def write_package(space: SearchSpace, output: Path, target: str, *, networks: int, blocks: int, batch: int) -> None:
    """Write a package for a space, and say what to do with it. Raises SettingError for another target."""
    if choose_deployment(target).target != "onnxruntime":
        raise SettingError(f"target {target}: a package is made for onnxruntime, which runs on any device")
    console = Console()
    with console.status("exporting") as status:

        def report(name: str) -> None:
            status.update(f"exporting {name}")

        folder = device_package.collect(space, output, networks=networks, blocks=blocks, batch=batch, progress=report)
    console.print(
        f"{folder}: carry it to the device, and there\n\n  pip install onnxruntime\n  python {folder.name}/run.py\n\n"
        f"Next:  nas latency fit {folder / 'results.csv'}",
        highlight=False,
        soft_wrap=True,
    )


def write_predictor(results: Path, output: Path) -> None:
    """Write a device's file from the results of its package, and say how well it predicts."""
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
