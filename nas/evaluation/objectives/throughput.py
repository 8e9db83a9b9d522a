"""Images a second where the networks will run, at the batch size that the search names (`throughput_batch`)."""

from dataclasses import replace
from typing import TYPE_CHECKING

from nas.evaluation.objectives._base import Objective, Reading, Subject

if TYPE_CHECKING:
    from nas.costs.deployment import Deployment

SECONDS = 3.0


def _measure(subject: Subject) -> Reading:
    from nas.costs.latency.measure import measure

    assert subject.deployment is not None
    setting = replace(subject.deployment.setting, batch=subject.throughput_batch)
    measured = measure(subject.network, replace(subject.deployment, setting=setting), seconds=SECONDS)
    return Reading(1e3 * subject.throughput_batch / measured.median, measured.to_dict())


def _missing(deployment: "Deployment | None") -> str:
    return "" if deployment else "throughput: cannot be measured on a device that is elsewhere"


throughput = Objective(goal="maximize", unit="images/s", trained=False, measure=_measure, timed=True, missing=_missing)
