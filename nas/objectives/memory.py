"""Peak bytes of classifying one image: weights and the maps alive at once (see `nas.memory` for what is counted)."""

from nas.objectives._base import Objective, Reading, Subject


def _measure(subject: Subject) -> Reading:
    from nas.memory import inference_memory

    return Reading(float(inference_memory(subject.architecture)))


memory = Objective(goal="minimize", unit="B", trained=False, measure=_measure)
