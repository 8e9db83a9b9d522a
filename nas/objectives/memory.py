"""Peak bytes of classifying one image: weights and the maps alive at once (see `nas.memory` for what is counted)."""

from typing import TYPE_CHECKING

from nas.objectives._base import Objective, Reading, Subject

if TYPE_CHECKING:
    from nas.architecture import Architecture
    from nas.config import SearchConfig
    from nas.latency.predictor import Predictor


def _measure(subject: Subject) -> Reading:
    from nas.memory import inference_memory

    return Reading(float(inference_memory(subject.architecture)))


def _known(architecture: "Architecture", config: "SearchConfig", predictor: "Predictor | None") -> float:
    from nas.memory import inference_memory

    return float(inference_memory(architecture))


memory = Objective(goal="minimize", unit="B", trained=False, measure=_measure, known=_known, slow=True)
