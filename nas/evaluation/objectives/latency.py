"""Milliseconds for one batch where the networks will run."""

from typing import TYPE_CHECKING

from nas.evaluation.objectives._base import Objective, Reading, Subject

if TYPE_CHECKING:
    from nas.config import SearchConfig
    from nas.costs.latency.predictor import Predictor
    from nas.network.architecture import Architecture

SECONDS = 2.0  # for one network of a search; the final front is measured longer


def _measure(subject: Subject) -> Reading:
    if subject.predictor is not None:
        return Reading(subject.predictor.predict(subject.architecture), {"source": "predicted"})
    from nas.costs.latency.measure import measure

    assert subject.deployment is not None
    measured = measure(subject.network, subject.deployment, seconds=SECONDS)
    return Reading(measured.median, {"source": "measured"} | measured.to_dict())


def _known(architecture: "Architecture", config: "SearchConfig", predictor: "Predictor | None") -> float | None:
    return predictor.predict(architecture) if predictor else None


latency = Objective(goal="minimize", unit="ms", trained=False, measure=_measure, timed=True, known=_known)
