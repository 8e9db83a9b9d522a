"""What a network learns: one task a file, found by the file's name.

A task has its loss, its metrics, the kind of targets that a data set must hold and of outputs that a head must give.
Nothing else in the package knows them. A file of this folder imports torch inside its functions only, so that reading a
run needs no torch.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

from nas.errors import DataError, SpaceError

if TYPE_CHECKING:
    from torch import Tensor


class Loss(Protocol):
    """The quantity that training makes small, as a mean over a batch."""

    def __call__(self, outputs: "Tensor", targets: "Tensor", label_smoothing: float = 0.0) -> "Tensor":
        """A tensor of one number."""


class Predictions(NamedTuple):
    """A network's outputs for images that it was not trained on, beside the targets that the data set holds."""

    outputs: "Tensor"
    targets: "Tensor"


@dataclass(frozen=True)
class Metric:
    """How well a network does its task: a number computed from its predictions.

    A `share` lies between 0 and 1 and is shown in percent, any other value in its `unit`.
    """

    compute: Callable[[Predictions], float]
    goal: Literal["maximize", "minimize"] = "maximize"
    share: bool = True
    unit: str = ""


@dataclass(frozen=True)
class Task:
    """One kind of learning.

    `metrics` are the objectives that are known only after training, by name; `objectives` are weighed unless a search
    names others. `targets` is the kind of targets a data set must hold, `outputs` the kind of outputs a head must give.
    """

    loss: Loss
    metrics: Mapping[str, Metric]
    objectives: tuple[str, ...]
    targets: str
    outputs: str

    def check_targets(self, name: str, targets: str) -> None:
        """Raise DataError unless a data set called `name` holds the targets that this task needs."""
        if targets != self.targets:
            raise DataError(f"data set '{name}' holds {targets}; this task needs {self.targets}")

    def check_head(self, kind: str, outputs: str, fitting: list[str]) -> None:
        """Raise SpaceError, with the kinds that fit, unless a head's outputs are those that this task needs."""
        if outputs != self.outputs:
            raise SpaceError(f"head '{kind}' gives {outputs}; this task needs {self.outputs}: {', '.join(fitting)}")
