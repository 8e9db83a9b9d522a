"""Share of validation images classified rightly after the proxy training."""

from nas.evaluation.objectives._base import Objective, Reading, Subject


def _measure(subject: Subject) -> Reading:
    assert subject.accuracy is not None
    return Reading(subject.accuracy)


accuracy = Objective(goal="maximize", unit="", trained=True, measure=_measure)
