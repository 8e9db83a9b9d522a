"""nas export: write a network in a format that runs elsewhere, and say what was checked."""

import shlex
from pathlib import Path
from typing import Annotated

from rich.console import Console
from rich.markup import escape

from nas.cli.options import Plugins, Runs, argument, option, plugin_flags, setting
from nas.evaluation.plugins import load_plugins
from nas.registry import FORMATS, format_name, target_text

RUNS_HERE = {"safetensors", "onnx", "onnx_int8", "pt2", "hub", "python"}


def export(
    model: Annotated[str, argument("MODEL", "A training; for yaml and python whatever names a network.")],
    form: Annotated[str, option("FORMAT", "onnx, onnx-int8, pt2, safetensors, python, ...", "--format")] = "yaml",
    output: Annotated[
        Path | None, option("PATH", "What to write.", "--output", "-o", default="by name and format")
    ] = None,
    pick: Annotated[str, option("WHICH", "Of a run: knee, an objective, a trial's number.")] = "knee",
    tolerance: Annotated[float, option("X", "Accuracy that onnx-int8 may lose.")] = 0.01,
    dynamic_size: Annotated[bool, option("", "Take images of any size too (onnx).", "--dynamic-size")] = False,
    data: Annotated[str | None, setting("data", "Images to quantise with.", default="the training's")] = None,
    force: Annotated[bool, option("", "Overwrite what is there.", "--force")] = False,
    runs: Runs = Path("runs"),
    plugins: Plugins = [],  # noqa: B006
) -> None:
    """Write a network in a format that runs elsewhere, and say what was checked."""
    load_plugins(*plugins)
    from nas.report.ship import ship  # needs torch

    kind = FORMATS.get(format_name(form))
    source = model if pick == "knee" else f"{model}:{pick}"
    path = output or Path(f"{Path(model).stem.replace(':', '_')}{kind.suffix or '_' + target_text(form)}")
    console = Console()
    with console.status(f"writing {escape(str(path))}"):
        shipped = ship(
            source, form, path, force=force, tolerance=tolerance, dynamic_size=dynamic_size, data=data, runs=runs
        )
    place = shlex.quote(str(shipped.path))
    console.print(f"{shipped.path}", *(f"  {line}" for line in shipped.checks), sep="\n", highlight=False,
                  soft_wrap=True, markup=False)  # fmt: skip
    needed = plugin_flags(plugins)
    following = [f"nas predict {place} IMAGE..."] if format_name(form) in RUNS_HERE and kind.weights else []
    if format_name(form) == "yaml":
        following = [f"nas show {place}{needed}", f"nas train {place}{needed} --data NAME[:PATH]"]
    if following:
        console.print("\nNext:  " + "\n       ".join(following), highlight=False, soft_wrap=True, markup=False)
