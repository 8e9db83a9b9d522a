"""Where a search's networks will run: its milliseconds predicted beforehand, those of the front measured afterwards."""

import json
from dataclasses import asdict
from pathlib import Path

from nas import files
from nas.config import SearchConfig
from nas.costs.latency.measure import measure
from nas.costs.latency.predictor import Predictor, read_device
from nas.costs.latency.sampling import Progress, predictor_for
from nas.errors import SettingError
from nas.evaluation.deployment import deployment_of
from nas.evaluation.limits import Feasibility, unmet
from nas.record.run import FRONT_LATENCY, PREDICTOR, Run
from nas.registry import FILE_TARGET
from nas.space.space import SearchSpace

MANY_TRIALS, MANY_SECONDS = 100, 1800.0  # from which budget on predicting pays back what it must measure first
GENEROUS = 0.7  # the share of the smallest network's latency below which no network is taken to be
FRONT_SECONDS = 5.0  # for one network of the front


def predicts(config: SearchConfig) -> bool:
    """Whether a new search predicts latency instead of measuring each candidate."""
    if "latency" not in (*config.objectives, *config.maximum, *config.minimum):
        return False
    if config.latency != "auto" or config.target.startswith(FILE_TARGET):
        return config.latency != "measured"
    if config.ray:  # what its nodes have is not what is here
        return False
    budget = config.budget
    return (budget.trials or 0) >= MANY_TRIALS or (budget.seconds or 0) >= MANY_SECONDS


def check_deployment(config: SearchConfig) -> None:
    """Raises SettingError for a target that is not here, or that is elsewhere and shall be measured."""
    deployment_of(config)
    if config.target.startswith(FILE_TARGET) and config.latency == "measured":
        raise SettingError(f"latency measured: the device of {config.target} is elsewhere; write predicted")


def check_limits(config: SearchConfig, space: SearchSpace) -> None:
    """Raises SettingError for a limit that nothing in the space meets, with the nearest value.

    A latency limit is held against the measured latency of the network with the fewest multiply-adds, generously;
    once there is a predictor it is judged again.
    """
    elsewhere = config.target.startswith(FILE_TARGET)
    feasibility = Feasibility(config, _device(config, space) if elsewhere else None)
    feasibility.check(space)
    deployment, limit = deployment_of(config), config.maximum.get("latency")
    if limit is None or deployment is None:
        return
    smallest = feasibility.extreme(space, "macs", "minimum")
    assert smallest is not None
    found = measure(smallest[1], deployment, seconds=FRONT_SECONDS).median
    if limit < GENEROUS * found:
        raise unmet(space, "--max", "latency", limit, found)


def predictor_of(run: Run, progress: Progress = lambda done, of: None) -> Predictor | None:
    """The predictor of a run, the same for all its trials; measures what it needs the first time.

    None where the run measures; one that began so goes on so, whatever its budget has become. Raises SettingError when
    a device's file is of another space.
    """
    path = run.folder / PREDICTOR
    if path.exists():
        return Predictor.from_dict(json.loads(path.read_text(encoding="utf-8")))
    if run.trials or not predicts(run.config):
        return None
    deployment = deployment_of(run.config)
    if deployment:
        predictor = predictor_for(run.space, deployment, progress=progress)
    else:
        predictor = _device(run.config, run.space)
    files.write(path, json.dumps(predictor.to_dict() | {"error": asdict(predictor.error)}) + "\n")
    return predictor


def _device(config: SearchConfig, space: SearchSpace) -> Predictor:
    """The predictor of a device that is elsewhere. Raises SettingError for that of another space."""
    predictor = read_device(Path(config.target.removeprefix(FILE_TARGET)))
    if predictor.space != space.name:
        raise SettingError(f"target {config.target}: was measured for the space {predictor.space}, not for "
                           f"{space.name}; collect and fit it anew")  # fmt: skip
    sides = {architecture.resolution for architecture, _ in predictor.networks}
    if not sides.issuperset(space.resolution):
        found, wanted = (", ".join(map(str, sorted(some))) for some in (sides, space.resolution))
        raise SettingError(f"target {config.target}: was measured at {found} pixels, the search has {wanted}; "
                           "collect it with --resolution")  # fmt: skip
    return predictor


def measure_front(run: Run) -> None:
    """Measure the networks of the front in full, where that was not done; the report shows both."""
    deployment = deployment_of(run.config)
    if deployment is None or "latency" not in run.config.objectives:
        return
    known = run.front_latency
    for trial in run.front():
        details = trial.details.get("latency", {})
        if trial.key not in known and not details.get("steady"):
            known[trial.key] = measure(trial.load(), deployment, seconds=FRONT_SECONDS).to_dict()
    if known:
        files.write(run.folder / FRONT_LATENCY, json.dumps(known, indent=1) + "\n")
