"""Milliseconds for one image on the device of the search."""

from nas.objectives._base import Objective, Reading, Subject


def _measure(subject: Subject) -> Reading:
    from nas.latency import measure

    measured = measure(subject.network, subject.architecture, subject.device)
    return Reading(measured.median, measured.to_dict())


latency = Objective(goal="minimize", unit="ms", trained=False, measure=_measure)
