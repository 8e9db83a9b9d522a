"""Make the package that times networks on another device, and the predictor from its results, for `nas latency`."""

from dataclasses import asdict
from pathlib import Path

from nas.cli.spaces import task_flag
from nas.cli.terminal import Terminal, print_json
from nas.costs.deployment import choose_deployment
from nas.costs.latency import device_package
from nas.costs.latency.predictor import write_device
from nas.costs.latency.regression import check_number
from nas.errors import SettingError
from nas.files import quoted
from nas.space.library import shipped
from nas.space.space import SearchSpace
from nas.training.catalogue import task_of_head

POOR = 0.6  # Kendall's tau up to which a predictor hardly ranks


def write_package(
    space: SearchSpace, output: Path, target: str, *, networks: int, blocks: int, batch: int, as_json: bool
) -> None:
    """Write a package for a space, and say what to do with it. Raises SettingError for another target."""
    if choose_deployment(target).target != "onnxruntime":
        raise SettingError(f"target {target}: a package is made for onnxruntime, which runs on any device")
    console = Terminal(stderr=as_json)
    with console.doing("exporting") as status:

        def report(name: str) -> None:
            status.update(console.brief(f"exporting {name}"))

        folder = device_package.collect(space, output, networks=networks, blocks=blocks, batch=batch, progress=report)
    if as_json:
        print_json(
            {"folder": folder, "script": folder / "run.py", "space": space.name, "target": target, "batch": batch}
        )
        return
    there = f"pip install onnxruntime\n  python {quoted(folder.name)}/run.py"
    console.say(f"{folder}: carry it to the device, and there\n\n  {there}")
    console.following(f"nas latency fit {quoted(folder / 'results.csv')}")


def write_predictor(results: Path, output: Path, *, as_json: bool) -> None:
    """Write a device's file from the results of its package, and say how well it predicts.

    Raises SettingError for results that cannot stand, or of too few networks.
    """
    predictor = device_package.fit(results)
    check_number(len(predictor.networks))
    write_device(output, predictor)
    error = predictor.error
    middle = sorted(ms for _, ms in predictor.networks)[len(predictor.networks) // 2]
    side, channels = predictor.networks[0][0].resolution, predictor.networks[0][0].channels
    if not error.tau > POOR:
        warning = "It hardly ranks networks: collect more of them (-n), or measure on a quieter device."
        Terminal(stderr=True).say((warning, "yellow"))
    if as_json:
        counts = {"networks": len(predictor.networks), "blocks": len(predictor.blocks)}
        print_json({"file": output, **predictor.where, "space": predictor.space, **counts, "error": asdict(error)})
        return
    console = Terminal()
    console.say(
        f"{output}: {predictor.where['device']}, from {len(predictor.networks)} networks and {len(predictor.blocks)} "
        f"blocks.\nOn networks held out: median error {error.median:.1%}, nine of ten within {error.high:.1%}, "
        f"Kendall's tau {error.tau:z.2f}"
    )
    space = quoted(predictor.space) if predictor.space in shipped() else "FILE"
    data = " --data NAME[:PATH]" if channels > 1 else ""  # images that come with the package are grey
    learnt = task_flag(task_of_head(predictor.networks[0][0].head.kind))
    console.following(
        f"nas search --space {space}{learnt} --target {quoted(f'file:{output}')}{data} --resolution {side} "
        f"--max latency={middle:.2g}"
    )
