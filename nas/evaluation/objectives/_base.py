"""What an objective is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import torch

    from nas.config import SearchConfig
    from nas.costs.counts import Cost
    from nas.costs.deployment import Deployment
    from nas.costs.latency.predictor import Predictor
    from nas.network.architecture import Architecture
    from nas.network.build import Network


@dataclass(frozen=True)
class Subject:
    """What an objective looks at: the network on its device, and after training the share it classifies rightly.

    `deployment` is where it will run (None: on a device that is elsewhere), `predictor` what knows its milliseconds
    there without measuring; `batch_size` is that of a training step.
    """

    architecture: "Architecture"
    network: "Network"
    cost: "Cost"
    device: "torch.device"
    accuracy: float | None = None
    deployment: "Deployment | None" = None
    predictor: "Predictor | None" = None
    throughput_batch: int = 32
    batch_size: int = 16


@dataclass(frozen=True)
class Reading:
    """A value in the objective's unit, and what else is worth keeping of the measurement."""

    value: float
    details: dict[str, Any] | None = None


@dataclass(frozen=True)
class Objective:
    """`trained` tells that the value is known only after training; the others are known beforehand.

    `timed` ones are measured while other workers of the machine stand still. `known` gives the value from the
    decisions alone, where it can, within a millisecond unless `slow`. `missing` says why the objective cannot be
    measured where the networks will run, or gives an empty text.

    Modules of this folder import torch inside `measure` only, so that reading a run needs no torch.
    """

    goal: Literal["maximize", "minimize"]
    unit: str
    trained: bool
    measure: Callable[[Subject], Reading]
    timed: bool = False
    known: "Callable[[Architecture, SearchConfig, Predictor | None], float | None] | None" = None
    slow: bool = False
    missing: "Callable[[Deployment | None], str]" = lambda deployment: ""
