"""Number of trainable parameters."""

from typing import TYPE_CHECKING

from nas.evaluation.objectives._base import Objective, Reading, Subject

if TYPE_CHECKING:
    from nas.config import SearchConfig
    from nas.costs.latency.predictor import Predictor
    from nas.network.architecture import Architecture


def _measure(subject: Subject) -> Reading:
    return Reading(float(subject.cost.params))


def _known(architecture: "Architecture", config: "SearchConfig", predictor: "Predictor | None") -> float:
    from nas.costs.counts import count
    from nas.network.pieces import pieces

    return float(sum(count(piece).params for piece in pieces(architecture)))


params = Objective(goal="minimize", unit="", trained=False, measure=_measure, known=_known)
