"""Millijoules for one image, of the whole processor package or card, while it classifies one batch after another."""

from typing import TYPE_CHECKING

from nas.evaluation.objectives._base import Objective, Reading, Subject

if TYPE_CHECKING:
    from nas.costs.deployment import Deployment

SECONDS = 2.0  # meters move in steps of up to 0.1 s


def _measure(subject: Subject) -> Reading:
    from nas.costs.latency.measure import run_for
    from nas.costs.meters import meter

    deployment = subject.deployment
    assert deployment is not None
    joules, batches = run_for(subject.network, deployment, SECONDS, meter(deployment.kind.device))
    return Reading(1e3 * joules / (batches * deployment.setting.batch), {"batches": batches} | deployment.to_dict())


def _missing(deployment: "Deployment | None") -> str:
    from nas.costs.meters import meter
    from nas.errors import SettingError

    if deployment is None:
        return "energy: cannot be measured on a device that is elsewhere"
    try:
        meter(deployment.kind.device)
    except SettingError as error:
        return str(error)
    return ""


energy = Objective(goal="minimize", unit="mJ", trained=False, measure=_measure, timed=True, missing=_missing)
