"""Formats in which a network leaves, one a file: each writes, says what it checked, and perhaps reads back.

A format is a `Format` in a file of this folder, named like the file: `onnx_int8` is written `onnx-int8` in commands.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from nas.costs.deployment import choose_device
from nas.errors import SettingError
from nas.network.architecture import Architecture
from nas.network.heads import Head
from nas.training.boxes.found import THRESHOLD
from nas.training.model import Model


class Examples(NamedTuple):
    """Images of a data set, floats `(images, channels, height, width)` from 0 to 1, and class numbers `(images,)`."""

    images: Tensor
    labels: Tensor


@dataclass(frozen=True)
class Shipment:
    """A network to be written in some format, with all that a format may need.

    `model` has its weights, and is None where only an architecture was named. `training` and `validation` read images
    of the data that the model was trained on, and raise DataError or SettingError where they cannot. `tolerance` is
    the accuracy, from 0 to 1, that a format may lose at most. With `dynamic_size`, images of any size are to be taken.
    """

    architecture: Architecture
    model: Model | None = None
    training: Callable[[], Examples] | None = None
    validation: Callable[[], Examples] | None = None
    tolerance: float = 0.01
    dynamic_size: bool = False


@dataclass(frozen=True)
class Reader:
    """A written network that is ready to run here.

    `run` takes floats `(batch, channels, height, width)` from 0 to 1, normalisation is its own business, and gives the
    `outputs` of a head: logits `(batch, classes)`, or boxes `(batch, queries, 4 + classes)`, which are taken from a
    score of `threshold` on. `facts` say where the weights come from, as far as the file does. `to` moves it to another
    device, and is None where it stays on the processor.
    """

    classes: Sequence[str]
    channels: int
    resolution: int
    run: Callable[[Tensor], Tensor]
    outputs: str = Head.outputs
    threshold: float = THRESHOLD
    facts: Mapping[str, Any] = field(default_factory=dict)
    to: Callable[[torch.device], object] | None = None

    def place(self, device: str, source: str) -> None:
        """Move it to the device of a name, for `auto` to a GPU if there is one and it can.

        Raises SettingError for a device that is unknown or absent, or that what `source` names cannot use.
        """
        chosen = choose_device(device)
        if self.to:
            self.to(chosen)
        elif device == "cuda":
            raise SettingError(f"device: found cuda, but {source} runs on the processor; write cpu or auto")


@dataclass(frozen=True)
class Format:
    """A way of writing networks.

    `write(shipment, path)` writes a file of the name's `suffix`, or a folder where that is empty, and returns a line
    for each thing that it checked. It raises RunError when a check fails, and then leaves nothing behind. `reads`
    makes a written file ready to run; it raises SettingError for a damaged one. `weights` tells whether a format
    needs a trained model; `only` names the one kind of outputs that it can write, if it cannot write all. `heeds` names
    the options that it has a use for, of `data`, `split_seed`, `tolerance` and `dynamic_size`. `missing` says what must
    be installed first, or gives an empty text. `claims` tells a file of this format from others of its suffix.
    """

    about: str
    write: Callable[[Shipment, Path], list[str]]
    suffix: str = ""
    weights: bool = True
    only: str = ""
    heeds: Collection[str] = ()
    reads: Callable[[Path], Reader] | None = None
    missing: Callable[[], str] = lambda: ""
    claims: Callable[[Path], bool] = lambda path: False
