"""One readable Python file that needs torch alone, with the code of the parts in use and no other."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch

from nas import files
from nas.files import check_importable, is_module
from nas.network.heads import Head
from nas.report.formats import Format, Reader, Shipment
from nas.report.source.files import reader, run_file
from nas.report.source.modules import Key
from nas.report.source.program import NORMALISE, STAGE, Program
from nas.report.source.trial import compare
from nas.training.model import BOXES

TAKEN = (
    "CLASSES",
    "MEAN",
    "STD",
    "CHANNELS",
    "RESOLUTION",
    "OUTPUTS",
    "THRESHOLD",
    "WEIGHTS",
    "Network",
    "Stage",
    "build",
    "normalise",
)
USED = ("CLASSES", "build", "normalise")
IMPORTS = (
    Key("torch", ""), Key("torch", "Tensor"), Key("torch", "nn"), Key("dataclasses", "replace"),
    Key("collections.abc", "Iterator"), Key("pathlib", "Path"),
)  # fmt: skip

HEADER = '''"""{title}, {what} of {size} in one file that needs torch alone.

{table}

{usage}
"""
'''
TRAINED = """With its weights beside it in {stem}.pt:

{imports}

    network = build()
{answer}

`images` are floats (batch, {channels}, {side}, {side}) from 0 to 1: {square}. Other sizes work too."""
UNTRAINED = """It has new weights until some are loaded:

{imports}

    network = build()  # or build("weights.pt"), a state dict
    outputs = network(images)

`images` are floats (batch, {channels}, {side}, {side}), normalised as in the training of those weights: how, and the
names of the classes, are not known here, as no trained network was exported. Other sizes work too."""

WITH_TOKEN = """
    def forward(self, x: Tensor, token: Tensor | None = None) -> Tensor | tuple[Tensor, Tensor]:
        for block in self:
            if token is None:
                x = block(x)
            else:
                x, token = block(x, token)
        return x if token is None else (x, token)
"""
NETWORK = '''class Network(nn.Module):
    """Normalised images `(batch, channels, height, width)` -> {gives}.

    `drop_path` is the rate at which training drops the branches of the last block, rising from 0 at the first.
    """

    def __init__(self, classes: int = {classes}, channels: int = CHANNELS, drop_path: float = 0.0) -> None:
        super().__init__()
        rates = (drop_path * i / {last} for i in range({depth}))
        self.stem = {stem}
        self.stages = nn.ModuleList({stages})
        self.head = {head}

    def forward(self, x: Tensor) -> Tensor:
{forward}
'''
FORWARD = """        x = self.stem(x)
        for stage in self.stages:
            x = stage(x)
        return self.head(x)"""
FORWARD_TOKEN = """        x = self.stem(x)
        *stages, last = self.stages
        for stage in stages:
            x = stage(x)
        _, token = last(x, self.head.token.expand(x.shape[0], -1, -1))
        return self.head(token)"""
FORWARD_MAPS = """        x, maps = self.stem(x), []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return self.head(maps)"""
BUILD = '''def build(weights: Path | str | None = None) -> Network:
    """Build the network in evaluation mode with its weights, those beside this file unless another file is named."""
    network = Network()
    network.load_state_dict(torch.load(weights or WEIGHTS, "cpu", weights_only=True))
    return network.eval()
'''
BUILD_UNTRAINED = '''def build(weights: Path | str | None = None) -> Network:
    """Build the network in evaluation mode, with the weights in a file if one is named, or with new ones."""
    network = Network()
    if weights is not None:
        network.load_state_dict(torch.load(weights, "cpu", weights_only=True))
    return network.eval()
'''


class Words(NamedTuple):
    """What the file says of a kind of outputs: what gives them, how they are used, and how pictures become squares."""

    what: str
    gives: str
    answer: str
    square: str
    constant: str = ""


CLASSIFIER = Words(
    "an image classifier",
    "one number for each class, `(batch, classes)`",
    "    probabilities = network(normalise(images)).softmax(1)  # one for each of CLASSES",
    "the middle square of a picture whose\nshorter side is scaled to {side} pixels",
)
DETECTOR = Words(
    "an object detector",
    "boxes `(batch, queries, 4 + classes)`",
    """    boxes = network(normalise(images))  # (batch, queries, 4 + classes)

Of each box these are centre x, centre y, width and height, as shares of the square's sides, and its score from 0 to 1
for each of CLASSES. Those from THRESHOLD on are taken; boxes do not double, so none need be suppressed.""",
    "a picture scaled to fit\n{side} x {side} pixels, in the upper left of the square, the rest grey (114 of 255)",
    f'OUTPUTS = "{BOXES}"\n',
)


def _words(outputs: str) -> Words:
    """Say what a kind of outputs is, of a head from outside no more than its name."""
    known = {Head.outputs: CLASSIFIER, BOXES: DETECTOR}
    usage, constant = "    answers = network(normalise(images))", f"OUTPUTS = {outputs!r}\n"
    return known.get(outputs) or Words("a network", f"its {outputs}", usage, CLASSIFIER.square, constant)


def source(shipment: Shipment, stem: str) -> str:
    """Write the text of the file, whose weights lie beside it as STEM.pt.

    Raises SettingError where the code of a part cannot be written as a file of its own, and for a name that cannot be
    imported.
    """
    check_importable(stem)
    architecture, trained = shipment.architecture, shipment.model is not None
    program = Program(architecture, shipment.model, TAKEN, IMPORTS)
    words = _words(shipment.model.gives if shipment.model else program.outputs)
    usage = (TRAINED if trained else UNTRAINED).format(
        stem=stem, imports=_imports(stem, USED if trained else USED[1:2]),
        channels=architecture.channels, side=architecture.resolution,
        answer=words.answer, square=words.square.format(side=architecture.resolution),
    )  # fmt: skip
    network = NETWORK.format(
        classes="len(CLASSES)" if trained else architecture.classes,
        last=max(program.depth - 1, 1),
        depth=program.depth,
        stem=program.part_call(
            program.stem, "channels", str(architecture.stem.width), options=architecture.stem.options
        ),
        stages=program.stage_calls(),
        head=program.part_call(program.head, program.head_width, "classes", options=architecture.head.options),
        forward=FORWARD_MAPS if program.wants_maps else FORWARD_TOKEN if program.wants_token else FORWARD,
        gives=words.gives,
    )
    stage = STAGE.format(site=program.site_name) + (WITH_TOKEN if program.wants_token else "")
    told = f"THRESHOLD = {shipment.model.threshold}\n" if shipment.model and words is DETECTOR else ""
    weights = words.constant + told + ('WEIGHTS = Path(__file__).with_suffix(".pt")\n' if trained else "")
    tail = [stage, network, *([NORMALISE, BUILD] if trained else [BUILD_UNTRAINED])]
    header = HEADER.format(title=program.title, what=words.what, size=program.size, table=program.table(), usage=usage)
    return program.text(header, program.constants() + weights, tail)


def _imports(stem: str, names: Sequence[str]) -> str:
    """Write how names are taken from the file, also where no import statement takes the file's own name."""
    if is_module(stem):
        return f"    from {stem} import {', '.join(names)}"
    taken = "\n".join(f"    {name} = module.{name}" for name in names)
    return f'    from importlib import import_module\n\n    module = import_module("{stem}")\n{taken}'


def _write(shipment: Shipment, path: Path) -> list[str]:
    files.write(path, source(shipment, path.stem))
    if shipment.model is not None:
        state = {name: value.detach().cpu() for name, value in shipment.model.network.state_dict().items()}
        with files.replacing(path.with_suffix(".pt")) as stream:
            torch.save(state, stream)
    return compare(path, shipment)


def _read(path: Path) -> Reader:
    """Run the file, whose code the user trusts by naming it."""
    return reader(run_file(path), path)


python = Format(
    "one readable file of Python that needs torch alone, its weights beside it as a state dict",
    _write,
    suffix=".py",
    weights=False,
    heeds=("dynamic_size",),
    reads=_read,
)
