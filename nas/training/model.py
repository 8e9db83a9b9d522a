"""A trained network with all that its user needs: its classes, its normalisation, and where it comes from."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn

from nas.data.pictures import planes, read_picture
from nas.errors import DataError
from nas.files import Json
from nas.network.architecture import Architecture
from nas.network.build import Network


class Model(nn.Module):
    """A network that normalises its images itself: values from 0 to 1 -> logits.

    Takes floats `(batch, channels, height, width)` and gives `(batch, classes)`. `network` is the network alone, for
    normalised images. `mean` and `std` are those of the training images, a value a channel, on the scale of 0 to 1.
    `facts` say where the weights come from and what was measured with them, as plain data.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        network: Network,
        classes: Sequence[str],
        mean: Sequence[float],
        std: Sequence[float],
        facts: Mapping[str, object] | None = None,
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

    def normalise(self, x: Tensor) -> Tensor:
        """Standardise images of values from 0 to 1 as in training."""
        return (x - self.mean) / self.std

    def forward(self, x: Tensor, targets: Tensor | None = None, padding: Tensor | None = None) -> Any:
        return self.network(self.normalise(x), targets, padding)

    def preprocess(self, *images: Path | str | Image.Image) -> Tensor:
        """Read images as in training: floats `(images, channels, height, width)` from 0 to 1.

        Raises DataError, naming the file, for one that cannot be read.
        """
        return preprocess(images, self.architecture.resolution, self.architecture.channels)

    def to_dict(self) -> Json:
        """Return everything but the weights as plain data."""
        return {
            "architecture": self.architecture.to_dict(),
            "classes": list(self.classes),
            "mean": self.mean.flatten().tolist(),
            "std": self.std.flatten().tolist(),
            "facts": self.facts,
        }


def preprocess(images: Sequence[Path | str | Image.Image], side: int, channels: int) -> Tensor:
    """Read images as floats `(images, channels, side, side)` from 0 to 1.

    Raises DataError, naming the file, for one that cannot be read.
    """
    read = []
    for image in images:
        try:
            picture = read_picture(Path(image) if isinstance(image, str) else image, side)
        except Exception as error:  # Pillow's readers may raise anything on damaged files
            name = "image" if isinstance(image, Image.Image) else str(image)
            raise DataError(f"{name}: cannot be read as an image ({type(error).__name__}: {error})") from None
        read.append(torch.from_numpy(planes(picture.pixels, channels)))
    return scaled(torch.stack(read))


def scaled(x: Tensor) -> Tensor:
    """Turn uint8 images into floats from 0 to 1."""
    return x.to(torch.float32).div_(255)
