"""What an exported file says of itself, in words and JSON, so that nobody guesses classes or normalisation."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nas.data.pictures import SURROUND
from nas.errors import SettingError
from nas.network.architecture import Architecture
from nas.network.heads import Head
from nas.report.formats import Reader
from nas.training.boxes.found import threshold_of
from nas.training.model import ANSWERING, BOXES, Model, gives, judging

INPUT = "images"
IMAGES = "float32 (batch, channels, height, width), values from 0 to 1; the network normalises them itself"
DECODED = "; a JPEG is decoded at a fraction of its size, no less than twice what it is scaled to"
SCALED = "a picture, upright and on white where it is transparent, is scaled (bicubic) "
CROPPED = SCALED + "by its shorter side and cropped to the middle square" + DECODED
WHOLE = SCALED + f"to fit the square and laid in its upper left corner, on grey ({SURROUND[0]} of 255)" + DECODED
OUTPUTS = {
    Head.outputs: "float32 (batch, classes); softmax over the classes gives probabilities",
    BOXES: "float32 (batch, queries, 4 + classes): centre x, centre y, width and height of a box as shares of the "
    "square's sides, then its score from 0 to 1 for each class; boxes do not double, so none need be suppressed",
}
LARGEST = 4096  # pixels on a side


@dataclass(frozen=True)
class Described:
    """What a reader needs of a file's metadata: classes, channels and side of the images, outputs and facts."""

    classes: tuple[str, ...]
    channels: int
    resolution: int
    outputs: str = Head.outputs
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many numbers the network gives for an image, or for each of its boxes."""
        return len(self.classes) + 4 * (self.outputs == BOXES)

    @property
    def rank(self) -> int:
        """The number of dimensions of the outputs."""
        return 3 if self.outputs == BOXES else 2

    def reader(self, run: Callable[[Tensor], Tensor]) -> Reader:
        """Make a reader of the function that runs the network."""
        given, threshold = gives(self.outputs, self.facts), threshold_of(self.facts)
        return Reader(self.classes, self.channels, self.resolution, run, given, threshold, self.facts)


def laid(model: Model) -> str:
    """Say in words how a picture becomes the square that a model sees."""
    return WHOLE if model.outputs == BOXES else CROPPED


def metadata_of(model: Model, *, measured: bool = True) -> dict[str, str]:
    """Describe a model: architecture, classes, mean, std and facts as JSON, input and output in words.

    The facts are without what was `measured` of the model where that is not true of the file.
    """
    facts = {name: value for name, value in model.facts.items() if measured or name not in ANSWERING}
    plain = {name: json.dumps(value) for name, value in (model.to_dict() | {"facts": facts}).items()}
    said = OUTPUTS.get(model.gives, "float32 (batch, classes)")
    return plain | {"input": f"{INPUT}: {IMAGES}; {laid(model)}", "output": f"{model.outputs}: {said}"}


def described(metadata: Mapping[str, str], source: Path) -> Described:
    """Read what `metadata_of` wrote. Raises SettingError, naming `source`, where that is missing or damaged."""
    for name in ("architecture", "classes"):
        if name not in metadata:
            raise SettingError(f"{source}: its metadata hold no {name}, so it is not a file that nas exported")
    try:
        # its blocks may be from outside nas and need not be known, as the file holds what they compute
        architecture = Architecture.from_dict(json.loads(metadata["architecture"]))
        classes: Any = json.loads(metadata["classes"])
        facts = json.loads(metadata.get("facts", "{}"))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise SettingError(f"{source}: its metadata are damaged ({type(error).__name__}: {error})") from None
    for name, most in (("channels", 3), ("resolution", LARGEST), ("classes", LARGEST**2)):
        value = getattr(architecture, name)
        if type(value) is not int or not 1 <= value <= most:
            raise SettingError(f"{source}: its metadata are damaged: {name} {value!r}")
    if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes):
        raise SettingError(f"{source}: its metadata are damaged: classes are a list of names")
    if len(classes) != architecture.classes:
        raise SettingError(f"{source}: names {len(classes)} classes for a head of {architecture.classes}")
    outputs = metadata.get("output", Head.outputs).partition(":")[0]
    return Described(
        tuple(classes),
        architecture.channels,
        architecture.resolution,
        outputs,
        facts if isinstance(facts, dict) else {},
    )


def check_outputs(found: int, said: Described, source: Path) -> None:
    """Raise SettingError, naming `source`, where a network's outputs are not as many as its classes ask for."""
    if found != said.count:
        classes = f"{len(said.classes)} classes"
        raise SettingError(f"{source}: gives {found} outputs, but its metadata name {classes}; export it again")


def reader_of(model: Model) -> Reader:
    """Make a model ready to run, where its weights are; it stays in training if it is."""

    def run(images: Tensor) -> Tensor:
        with judging(model), torch.inference_mode():
            found: Tensor = model(images.to(model.mean.device))
            return found.cpu()

    side, channels = model.architecture.resolution, model.architecture.channels
    return Reader(model.classes, channels, side, run, model.gives, model.threshold, model.facts, model.to)
