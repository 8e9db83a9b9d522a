"""Peak bytes of classifying one image: weights and the maps alive at once (`nas.costs.memory` says what is counted)."""

from typing import TYPE_CHECKING

from nas.evaluation.objectives._base import Objective, Reading, Subject

if TYPE_CHECKING:
    from nas.config import SearchConfig
    from nas.costs.latency.predictor import Predictor
    from nas.network.architecture import Architecture


def _measure(subject: Subject) -> Reading:
    from nas.costs.memory import inference_memory

    return Reading(float(inference_memory(subject.network)))


def _known(architecture: "Architecture", config: "SearchConfig", predictor: "Predictor | None") -> float:
    from nas.costs.memory import inference_memory

    return float(inference_memory(architecture))


memory = Objective(goal="minimize", unit="B", trained=False, measure=_measure, known=_known, slow=True)
