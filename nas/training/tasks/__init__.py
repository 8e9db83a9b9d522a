"""Tasks to learn, one a file, found by the file's name.

A task alone holds its loss, its metrics, the kind of targets that a data set must hold and of outputs that a head must
give. A file of this folder imports torch inside its functions only, so that reading a run needs no torch.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from nas.registry import check_among

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Generator, Tensor


GOALS = ("maximize", "minimize")


class Loss(Protocol):
    """The quantity that training minimises, as a mean over a batch."""

    def __call__(self, outputs: Any, targets: "Tensor", label_smoothing: float = 0.0) -> "Tensor":
        """Return a tensor of one number, from what a network gives in training or in evaluation."""


class Predictions(NamedTuple):
    """A network's outputs for images held out from its training, with the data set's targets."""

    outputs: "Tensor"
    targets: "Tensor"


class Follow(Protocol):
    """What moves targets along with their images, where these are mirrored, shifted or cropped."""

    def __call__(self, targets: "Tensor", moves: "Tensor", /) -> "Tensor":
        """Return the targets as they are afterwards.

        `moves` `(batch, 2, 2)` holds for x and y of each image a scale and an offset by which a place moves, as shares
        of the sides: its new place is the scale times the old one, plus the offset.
        """


def check_goal(goal: str) -> None:
    """Raise SettingError for a goal that is none: what is not to be maximised would be minimised."""
    check_among("goal", goal, GOALS)


def _classes(images: int, classes: int, generator: "Generator") -> "Tensor":
    """Draw a class for each image."""
    import torch

    return torch.randint(classes, (images,), generator=generator)


@dataclass(frozen=True)
class Metric:
    """A measure of how well a network does its task, computed from its predictions.

    A `share` lies between 0 and 1 and is shown in percent, any other value in its `unit`. `title` heads a column
    where the name does not do. `counts` tells that it is a share of the images, each right or wrong by itself; else
    its interval takes so many `draws` of a bootstrap. It is `flattered` where images that occur twice raise it, as an
    average precision. `redrawn` makes of predictions what computes it for any rows of them, where that is quicker than
    to begin anew. Of data with at most `trivial` classes it says nothing. `guess` tells what a share to maximise comes
    to where a network knows nothing, of so many classes.
    """

    compute: Callable[[Predictions], float]
    goal: Literal["maximize", "minimize"] = "maximize"
    share: bool = True
    unit: str = ""
    title: str = ""
    counts: bool = False
    draws: int = 1000
    flattered: bool = False
    redrawn: "Callable[[Predictions], Callable[[NDArray[np.int64]], float]] | None" = None
    trivial: int = 0
    guess: Callable[[int], float] | None = None

    def __post_init__(self) -> None:
        check_goal(self.goal)

    @property
    def sign(self) -> int:
        """1 where more is better, -1 where less is."""
        return 1 if self.goal == "maximize" else -1

    def value(self, predictions: Predictions) -> float:
        """Compute it as a number of Python's, which records hold, whatever library's number it is."""
        return float(self.compute(predictions))


@dataclass(frozen=True)
class Task:
    """One thing to learn.

    `metrics` are objectives by name, measured after training; `objectives` are weighed unless a search names others.
    `targets` is the kind of targets a data set must hold, `outputs` the kind of outputs a head must give. `space` and
    `data` are what a search takes unless told, `recipe` the values of its recipe that differ from others', and
    `full_recipe` names that of a full training, or is empty where the size of the images decides.

    A `guided` network is shown the targets as it trains. Targets that are places in the image `follow` it where it
    moves. `drawn(images, classes, generator)` gives targets by chance, for counts and scores without data.
    """

    loss: Loss
    metrics: Mapping[str, Metric]
    objectives: tuple[str, ...]
    targets: str
    outputs: str
    space: str = "cvt_family"
    data: str = "cluttered_digits"
    guided: bool = False
    follow: Follow | None = None
    recipe: Mapping[str, Any] = field(default_factory=dict)
    full_recipe: str = ""
    drawn: "Callable[[int, int, Generator], Tensor]" = _classes

    def among(self, classes: int) -> "Task":
        """Return the same task with those metrics alone that say something of data with so many classes."""
        telling = {name: one for name, one in self.metrics.items() if not one.trivial or classes > one.trivial}
        return replace(self, metrics=telling)
