"""Milliseconds for one batch where the networks will run."""

from nas.objectives._base import Objective, Reading, Subject

SECONDS = 2.0  # for one network of a search; the final front is measured longer


def _measure(subject: Subject) -> Reading:
    if subject.predictor is not None:
        return Reading(subject.predictor.predict(subject.architecture), {"source": "predicted"})
    from nas.latency.measure import measure

    assert subject.deployment is not None
    measured = measure(subject.architecture, subject.deployment, seconds=SECONDS)
    return Reading(measured.median, {"source": "measured"} | measured.to_dict())


latency = Objective(goal="minimize", unit="ms", trained=False, measure=_measure, timed=True)
