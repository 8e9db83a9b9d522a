"""nas export: write a network in a format that runs elsewhere, and say what was checked."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import nas
from nas.cli.completion import NAMES, networks
from nas.cli.options import AsJson, Plugins, Runs, argument, option, setting
from nas.cli.terminal import Terminal, print_json
from nas.cli.unfinished import tell_unfinished
from nas.evaluation.plugins import load_plugins, plugin_flags
from nas.files import module_name, quoted
from nas.record.folders import name_of
from nas.registry import FORMATS, format_name, target_text

if TYPE_CHECKING:
    from nas.report.export import Exported  # needs torch

FORM = "onnx, onnx-int8, pt2, safetensors, python, ..."
PICK = "Of a run: knee, accuracy, 'latency<=2', a trial."


def export(
    model: Annotated[str, argument("MODEL", "A training; for yaml, python and timm any network.", names=networks)],
    form: Annotated[str, option("FORMAT", FORM, "--format", names=NAMES["format"])] = "yaml",
    output: Annotated[
        Path | None, option("PATH", "What to write.", "--output", "-o", default="by name and format")
    ] = None,
    pick: Annotated[str | None, option("RULE", PICK, default="as best.yaml", names=NAMES["pick"])] = None,
    tolerance: Annotated[
        float | None, option("X", "Accuracy that it may lose, 0.01 a point (onnx-int8).", default="0.01")
    ] = None,
    dynamic_size: Annotated[bool, option("", "Take images of any size too (onnx, python).", "--dynamic-size")] = False,
    queries: Annotated[int | None, option("N", "Of a detector: find no more boxes than this.", min=1)] = None,
    resolution: Annotated[int | None, option("PIXELS", "Take images of this smaller side.", min=1)] = None,
    data: Annotated[
        str | None, setting("data", "Images to quantise with (onnx-int8).", default="the training's")
    ] = None,
    force: Annotated[bool, option("", "Overwrite what is there.", "--force")] = False,
    as_json: AsJson = False,
    runs: Runs = Path("runs"),
    plugins: Plugins = [],  # noqa: B006
) -> None:
    """Write a network in a format that runs elsewhere, and say what was checked."""
    load_plugins(*plugins)
    tell_unfinished(runs, model)
    kind = FORMATS.get(format_name(form))
    source = f"{model}:{pick}" if pick else model
    name = module_name(_stem(model)) if kind.suffix == ".py" else _stem(model)
    path = output or Path(f"{name}{kind.suffix or '_' + target_text(form)}")
    console = Terminal(stderr=as_json)
    with console.doing(f"writing {path}"):
        written = nas.export(
            source, form, path, force=force, tolerance=tolerance, dynamic_size=dynamic_size, queries=queries,
            resolution=resolution, data=data, runs=runs,
        )  # fmt: skip
    if as_json:
        print_json({"path": written.path, "format": form, "checks": written.checks, "plugins": written.plugins})
        return
    console.say("\n".join([str(written.path), *(f"  {line}" for line in written.checks)]))
    if following := _following(form, written, plugin_flags(plugins or written.plugins)):
        console.following(*following)


def _following(form: str, written: "Exported", needed: str) -> list[str]:
    """List the commands that take what was written. One that trains it does so as here, and tests on as new images."""
    kind, place = FORMATS.get(format_name(form)), quoted(written.path)
    if format_name(form) == "yaml":
        return [f"nas show {place}{needed}", f"nas train {place}{needed}{written.options or ' --data NAME[:PATH]'}"]
    if not (kind.reads and written.trained):
        return []
    predicting = [f"nas predict {place} IMAGE...{needed}"] if written.predicts else []
    return [*predicting, f"nas evaluate {place} --data NAME[:PATH]{needed}"]


def _stem(model: str) -> str:
    """Name a file after what names a network: `first_latency_2.5` for `first:latency<=2.5`."""
    path = Path(model)
    name = path.stem if path.is_file() else path.name or "."
    name = re.sub(r"^\.{1,2}(?=:|$)", lambda here: name_of(Path(here[0])), name)
    return re.sub("[:<>=, ]+", "_", name) if ":" in name else name
