"""The text of a file that registers a network with timm."""

import ast
import builtins
import keyword
import re

from torch import nn

from nas.errors import SettingError
from nas.files import check_importable, is_module
from nas.report.formats import Shipment
from nas.report.source.layout import tidy
from nas.report.source.modules import Key
from nas.report.source.program import NORMALISE, STAGE, Program, literal
from nas.report.source.timm_network import CHECKPOINTS, network_text

TAKEN = (
    "CLASSES", "MEAN", "STD", "CHANNELS", "RESOLUTION", "WEIGHTS", "NAME", "Network", "Stage", "build", "normalise",
    "default_cfgs", "timm",
)  # fmt: skip
IMPORTS = (
    Key("torch", ""), Key("torch", "Tensor"), Key("torch", "nn"), Key("torch.utils.checkpoint", "checkpoint"),
    Key("dataclasses", "replace"), Key("collections.abc", "Iterator"), Key("pathlib", "Path"),
    Key("timm.models", "build_model_with_cfg"), Key("timm.models", "generate_default_cfgs"),
    Key("timm.models", "register_model"),
)  # fmt: skip

HEADER = '''"""{title}, an image classifier of {size} that registers itself with timm.

{table}

{imports}

    model = timm.create_model("{name}"{pretrained})
    backbone = timm.create_model("{name}"{pretrained}, features_only=True)

Images are floats (batch, {channels}, {side}, {side}), normalised as `default_cfg` says. Other sizes work too.
"""
'''
CONFIG = """default_cfgs = generate_default_cfgs({{NAME: {{{entries}}}}})
"""
ENTRY = '''@register_model
def {name}(pretrained: bool = False, **kwargs: object) -> Network:
    """Build the network, by `timm.create_model`."""
    features = {{"out_indices": {indices}, "feature_cls": "getter"}}
    return build_model_with_cfg(Network, NAME, pretrained, feature_cfg=features, **kwargs)
'''
BUILD = '''def build() -> Network:
    """Build the network in evaluation mode with the weights beside this file."""
    return {name}(pretrained=True).eval()
'''


def model_name(name: str, taken: set[str]) -> str:
    """Make an identifier of an architecture's name, as timm's names are, none of those that are `taken`."""
    found = re.sub(r"[^a-z0-9_]+", "_", name.lower())[:80].strip("_") or "network"
    if found[0].isdigit():
        found = f"net_{found}"
    known = {*taken, *TAKEN, *dir(builtins), *keyword.kwlist, *(key.name or key.module for key in IMPORTS)}
    while found in known:
        found += "_local"
    return found


def source(shipment: Shipment, stem: str, name: str) -> str:
    """Write the text of the file, whose weights lie beside it as STEM.safetensors.

    Raises SettingError where the code of a part cannot be written as a file of its own, for a head that does not end
    in a linear layer, and for a name that cannot be imported.
    """
    check_importable(stem)
    architecture, trained = shipment.architecture, shipment.model is not None
    program = Program(architecture, shipment.model, (*TAKEN, name), IMPORTS)
    head, classifier = _pooled(program)
    usage = HEADER.format(
        title=program.title, size=program.size, table=program.table(), name=name,
        imports=_imports(stem, ", with its weights beside it" if trained else ""),
        pretrained=", pretrained=True" if trained else "",
        channels=architecture.channels, side=architecture.resolution,
    )  # fmt: skip
    weights = 'WEIGHTS = Path(__file__).with_suffix(".safetensors")\n' if trained else ""
    indices = tuple(range(len(architecture.stages)))
    parts = [
        STAGE.format(site=program.site_name) + CHECKPOINTS,
        network_text(program, classifier),
        *([NORMALISE] if trained else []),
        CONFIG.format(entries=_config(program, classifier)),
        ENTRY.format(name=name, indices=indices),
        *([BUILD.format(name=name)] if trained else []),
    ]
    return program.text(usage, f"{program.constants()}{weights}NAME = {literal(name)}\n", parts, head)


def _imports(stem: str, beside: str) -> str:
    """Write how the file is imported, also where no import statement takes its name."""
    if is_module(stem):
        return f"    import timm\n    import {stem}  # this file{beside}"
    start = "    from importlib import import_module\n\n    import timm\n\n"
    return f'{start}    import_module("{stem}")  # this file{beside}'


def _config(program: Program, classifier: str) -> str:
    """Write the entries of timm's configuration: data, head and first convolution."""
    architecture = program.architecture
    side = -(-architecture.resolution // program.reductions()[-1])
    stem = program.network.stem.named_modules()
    first = next((f"stem.{name}" for name, module in stem if isinstance(module, nn.Conv2d)), None)
    entries = {
        "file": "str(WEIGHTS)", "num_classes": "len(CLASSES)", "label_names": "CLASSES", "mean": "MEAN", "std": "STD",
    } if program.model is not None else {"num_classes": str(architecture.classes)}  # fmt: skip
    entries |= {
        "input_size": "(CHANNELS, RESOLUTION, RESOLUTION)", "pool_size": f"({side}, {side})",
        "crop_pct": "1.0", "interpolation": '"bicubic"', "classifier": f'"head.{classifier}"',
    }  # fmt: skip
    if first:
        entries["first_conv"] = literal(first)
    return ", ".join(f'"{name}": {value}' for name, value in entries.items())


def _pooled(program: Program) -> tuple[str, str]:
    """Write the head's class with `pooled` in the place of `forward`, without the classifier, and name the classifier.

    Raises SettingError for a head that does not end in `return self.LAYER(...)` with a linear layer.
    """
    definition = program.names.sources.definitions[program.head.key]
    text = program.names.text(definition)
    owner = ast.parse(text).body[0]
    assert isinstance(owner, ast.ClassDef)
    for method in owner.body:
        match method:
            case ast.FunctionDef(
                "forward", body=[*_, ast.Return(ast.Call(ast.Attribute(ast.Name("self"), name), [given]))]
            ):
                if isinstance(getattr(program.network.head, name, None), nn.Linear):
                    lines = text.split("\n")
                    last = method.body[-1]
                    returned = " " * last.col_offset + f"return {ast.unparse(given)}"
                    lines[last.lineno - 1 : last.end_lineno] = [returned]
                    lines[method.lineno - 1] = lines[method.lineno - 1].replace("def forward(", "def pooled(", 1)
                    return tidy("\n".join(lines)), name
    raise SettingError(f"head '{program.architecture.head.kind}': timm needs one that ends in `return "
                       "self.classifier(...)`, a linear layer; take another head, or another format")  # fmt: skip
