"""Number of trainable parameters."""

from nas.objectives._base import Objective, Reading, Subject


def _measure(subject: Subject) -> Reading:
    return Reading(float(subject.cost.params))


params = Objective(goal="minimize", unit="", trained=False, measure=_measure)
