"""Objectives measured where the networks will run, while nothing else does: latency, throughput and energy."""

from dataclasses import replace
from typing import TYPE_CHECKING

from nas.costs.meters import Meter, meter
from nas.errors import SettingError
from nas.evaluation.objectives import Candidate, Conditions, Effort, Objective, Reading
from nas.files import Json

if TYPE_CHECKING:
    from nas.costs.deployment import Deployment
    from nas.costs.latency.measure import Latency

__all__ = ["energy", "latency", "throughput"]

LATENCY_SECONDS: dict[Effort, float] = {"glance": 0.25, "search": 2.0, "full": 5.0}
THROUGHPUT_SECONDS = 3.0
ENERGY_SECONDS = 2.0  # meters move in steps of up to 0.1 s


def _latency(candidate: Candidate, effort: Effort) -> Reading:
    """Milliseconds for one batch, predicted in a search that predicts and measured in full for its front."""
    deployment, predictor = candidate.conditions.deployment, candidate.conditions.predictor
    if predictor and effort == "search":
        return Reading(predictor.predict(candidate.architecture), {"source": "predicted"})
    assert deployment
    measured = _measured(candidate, deployment, LATENCY_SECONDS[effort])
    return Reading(measured.median, {"source": "measured"} | measured.to_dict())


def _measured(candidate: Candidate, deployment: "Deployment", seconds: float) -> "Latency":
    from nas.costs.latency.measure import measure

    return measure(candidate.network or candidate.architecture, deployment, seconds=seconds)


def _unsteady(details: Json) -> bool:
    """Whether a reading was predicted, or ran out of time before it was steady."""
    return not details.get("steady")


def _doubt(conditions: Conditions) -> float:
    return conditions.predictor.error.above if conditions.predictor else 0.0


def _throughput(candidate: Candidate, effort: Effort) -> Reading:
    """Images a second at the batch size that the search names (`throughput_batch`)."""
    deployment, batch = candidate.conditions.deployment, candidate.conditions.throughput_batch
    assert deployment
    batched = replace(deployment, setting=replace(deployment.setting, batch=batch))
    measured = _measured(candidate, batched, THROUGHPUT_SECONDS)
    return Reading(1e3 * batch / measured.median, measured.to_dict())


def _energy(candidate: Candidate, effort: Effort) -> Reading:
    """Millijoules for one image, of the whole processor package or card, over one batch after another."""
    from nas.costs.latency.measure import run_for

    deployment = candidate.conditions.deployment
    assert deployment
    network = candidate.network or candidate.architecture
    joules, batches = run_for(network, deployment, ENERGY_SECONDS, _meter(deployment))
    return Reading(1e3 * joules / (batches * deployment.setting.batch), {"batches": batches} | deployment.to_dict())


def _meter(deployment: "Deployment") -> Meter:
    return meter(deployment.kind.device)


def _throughput_missing(deployment: "Deployment | None") -> str:
    return "" if deployment else "throughput: cannot be measured on a device that is elsewhere"


def _energy_missing(deployment: "Deployment | None") -> str:
    if deployment is None:
        return "energy: cannot be measured on a device that is elsewhere"
    try:
        _meter(deployment)
    except SettingError as error:
        return str(error)
    return ""


latency = Objective(
    "minimize",
    unit="ms",
    adds=lambda conditions: conditions.predictor,
    measure=_latency,
    timed=True,
    predictable=True,
    surveyed=True,
    doubt=_doubt,
    remeasured=_unsteady,
    like="macs",
)
throughput = Objective(
    "maximize", unit="images/s", measure=_throughput, timed=True, like="macs", missing=_throughput_missing
)
energy = Objective("minimize", unit="mJ", measure=_energy, timed=True, missing=_energy_missing)
