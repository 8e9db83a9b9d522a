"""A trained network with all that its user needs: its classes, its normalisation, and where it comes from."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from nas.data.pictures import Source, cause, planes, read_picture
from nas.errors import DataError, SettingError, type_name
from nas.files import Json
from nas.network.architecture import Architecture
from nas.network.build import Network
from nas.network.heads import Head
from nas.network.lowering import lower, lowered, queries_of
from nas.training.boxes.found import Box, Place, boxes_in, threshold_of

BOXES = "boxes"
"""The kind of outputs of a detector, by the task's name for it."""
ORDER = "order_of_queries"
"""The fact that lists a network's queries, those first that found most on the validation part."""
ANSWERING = ("test", "calibration_error", "latency")
"""Facts of what was measured as the network answered."""
MEASURED = (ORDER, "params", "macs", *ANSWERING)
"""Facts that are of the network as it is."""
Picture = Path | str | Image.Image | NDArray[np.uint8]
"""A file, or pixels `(height, width)` or `(height, width, 3)` in red, green and blue."""
GIVE = "paths, PIL images or arrays of uint8, (height, width, 3) in RGB, each as an argument of its own"
Division = tuple[str, int]
"""Data by the text that names them, and the seed that divided them."""


def gives(outputs: str, facts: Mapping[str, Any]) -> str:
    """Say what outputs of a kind are by the targets that were learnt: boxes and logits of classes by the kind alone."""
    targets = facts.get("targets") or "classes"
    return outputs if outputs != Head.outputs or targets == "classes" else f"{outputs} of {targets}"


def split_of(facts: Mapping[str, Any]) -> int | None:
    """Return the seed that divided a model's data by its facts, in earlier versions that of the training itself."""
    seed = facts.get("split_seed", facts.get("seed"))
    return seed if isinstance(seed, int) else None


def learnt_of(facts: Mapping[str, Any]) -> Iterator[Division]:
    """Yield what weights have learnt from by their facts, which in earlier versions name the last training alone."""
    seen = facts.get("seen")
    for division in seen if isinstance(seen, list) else [(facts.get("data"), split_of(facts))]:
        match division:
            case [str(data), int(seed)]:
                yield data, seed


@contextmanager
def judging(module: nn.Module) -> Iterator[None]:
    """Put a module in evaluation within the block, and afterwards each part of it back to how it was."""
    training = [part for part in module.modules() if part.training]
    module.eval()
    try:
        yield
    finally:
        for part in training:
            part.training = True


class Model(nn.Module):
    """A network that normalises its images itself: values from 0 to 1 -> logits, or boxes.

    Takes floats `(batch, channels, height, width)` and gives logits `(batch, classes)`, or, of a detector, boxes
    `(batch, queries, 4 + classes)` as `Head` has them. `network` is the network alone, for normalised images. `mean`
    and `std` are those of the training images, a value a channel, on the scale of 0 to 1. `facts` say where the
    weights come from and what was measured with them, as plain data.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        network: Network,
        classes: Sequence[str],
        mean: Sequence[float],
        std: Sequence[float],
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.network = network
        self.classes, self.facts = tuple(classes), dict(facts or {})
        for name, values in (("mean", mean), ("std", std)):
            self.register_buffer(name, torch.tensor(values, dtype=torch.float32).view(-1, 1, 1), persistent=False)

    @property
    def architecture(self) -> Architecture:
        """The network's architecture."""
        return self.network.architecture

    @property
    def outputs(self) -> str:
        """The kind of outputs: `logits` of a classifier, `boxes` of a detector."""
        return self.network.head.outputs

    @property
    def gives(self) -> str:
        """What the outputs are, which the task decides: `logits` of classes, `boxes`, or `logits of tags`."""
        return gives(self.outputs, self.facts)

    def normalise(self, x: Tensor) -> Tensor:
        """Standardise images of values from 0 to 1 as in training."""
        return (x - self.mean) / self.std

    def forward(self, x: Tensor, targets: Tensor | None = None, padding: Tensor | None = None) -> Any:
        if not isinstance(x, Tensor):
            raise SettingError(f"images are a tensor, found {type_name(x)}; torch.from_numpy makes one of an array, "
                               "model.preprocess one of files")  # fmt: skip
        if x.ndim != 4:
            raise SettingError(f"images are (batch, channels, height, width), found {tuple(x.shape)}; x[None] makes a "
                               "batch of one")  # fmt: skip
        if not x.is_floating_point():
            raise SettingError(f"images are floats from 0 to 1, found {x.dtype}; of 0 to 255 give x / 255")
        if x.shape[1] != len(self.mean):
            raise SettingError(f"images have {len(self.mean)} channels, found {tuple(x.shape)}")
        return self.network(self.normalise(x), targets, padding)

    def preprocess(self, *images: Picture) -> Tensor:
        """Read images as in training: floats `(images, channels, height, width)` from 0 to 1.

        A classifier sees the middle square of a picture, a detector all of it, in the upper left of a grey square.
        Raises DataError, naming the file, for one that cannot be read.
        """
        return self._read(images)[0]

    @property
    def threshold(self) -> float:
        """The score from which on boxes are taken, which the training noted: that with the best F1 in validation."""
        return threshold_of(self.facts)

    def detect(self, *images: Picture, threshold: float | None = None) -> list[list[Box]]:
        """Find boxes with a score of `threshold` or more in each picture, in its own pixels, the surest first.

        The model's own `threshold` is taken unless another is named. Raises SettingError for a network that gives no
        boxes, and DataError as `preprocess` does.
        """
        if self.outputs != BOXES:
            raise SettingError(f"detect: {self.architecture.name} gives {self.outputs}, not boxes; call the model")
        x, places = self._read(images)
        with judging(self), torch.inference_mode():
            outputs = self(x.to(self.mean.device))
        return boxes_in(outputs, places, self.classes, self.threshold if threshold is None else threshold)

    def lowered(self, queries: int | None = None, resolution: int | None = None) -> "Model":
        """Copy the model with fewer queries or for smaller images, of `resolution` pixels on a side.

        Those queries stay that found most on the validation part, where the training noted them, else the first. What
        was measured of the model is not true of the copy and leaves its facts. Raises SettingError for more than the
        model has.
        """
        architecture = lowered(self.architecture, queries, resolution)
        network = lower(self.network, architecture, self.facts.get(ORDER) or ())
        same = architecture == self.architecture
        facts = {name: value for name, value in self.facts.items() if same or name not in MEASURED}
        if ORDER in self.facts and queries_of(architecture) == queries_of(self.architecture):
            facts[ORDER] = self.facts[ORDER]  # they lie as they did
        if not same:
            trained = {"queries": queries_of(self.architecture), "resolution": self.architecture.resolution}
            facts = {"lowered_from": trained} | facts
        mean, std = (values.flatten().tolist() for values in (self.mean, self.std))
        copy = Model(network, self.classes, mean, std, facts)
        return copy.train(self.training).to(self.mean.device)

    def _read(self, images: Sequence[Picture]) -> tuple[Tensor, list[Place]]:
        architecture = self.architecture
        return preprocess(images, architecture.resolution, architecture.channels, whole=self.outputs == BOXES)

    def to_dict(self) -> Json:
        """Return everything but the weights as plain data."""
        return {
            "architecture": self.architecture.to_dict(),
            "classes": list(self.classes),
            "mean": self.mean.flatten().tolist(),
            "std": self.std.flatten().tolist(),
            "facts": self.facts,
        }


def preprocess(
    images: Sequence[Picture], side: int, channels: int, *, whole: bool = False
) -> tuple[Tensor, list[Place]]:
    """Read images as floats `(images, channels, side, side)` from 0 to 1, and say where each lies in its square.

    Of a picture the middle square is read, or the `whole`, in the upper left of a grey one. Raises DataError, naming
    the file, for one that cannot be read, and where there are none.
    """
    if not images:
        raise DataError(f"preprocess: no images; give {GIVE}")
    read, places = [], []
    for source in [_source(image) for image in images]:
        try:
            picture = read_picture(source, side, whole=whole)
        except Exception as error:  # Pillow's readers may raise anything on damaged files
            name = source if isinstance(source, Path) else "image"
            raise DataError(f"{name}: cannot be read as an image ({cause(source, error)})") from None
        read.append(torch.from_numpy(planes(picture.pixels, channels)))
        places.append(Place(picture.size, picture.share))
    return scaled(torch.stack(read)), places


def _source(image: object) -> Source:
    """Return what a picture is read from. Raises DataError for what is none."""
    if isinstance(image, np.ndarray):
        if image.dtype != np.uint8 or image.shape[2:] not in ((), (1,), (3,), (4,)) or image.ndim < 2 or not image.size:
            raise DataError(f"preprocess: found an array of {image.dtype} {image.shape}; give {GIVE}")
        return Image.fromarray(image[..., 0] if image.shape[2:] == (1,) else image)
    if not isinstance(image, str | Path | Image.Image):
        raise DataError(f"preprocess: found {type_name(image)}; give {GIVE}")
    return Path(image) if isinstance(image, str) else image


def resized(x: Tensor, side: int) -> Tensor:
    """Scale images of values from 0 to 1 to squares of `side` pixels, as pictures are scaled when read."""
    if x.shape[2:] == (side, side):
        return x
    return F.interpolate(x, (side, side), mode="bicubic", antialias=True).clamp(0, 1)


def scaled(x: Tensor) -> Tensor:
    """Turn uint8 images into floats from 0 to 1."""
    return x.to(torch.float32).div_(255)
