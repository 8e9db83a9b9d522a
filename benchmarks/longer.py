"""Networks that searches found, trained longer: a run of its own, which goes on where it stopped."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np

import nas
from nas.network.architecture import Architecture
from nas.record.folders import is_run
from nas.record.run import Run


def trained_longer(
    networks: Iterable[Architecture], run: Run, runs: Path, times: int, again: int, workers: int | str = 1
) -> dict[str, np.ndarray]:
    """Train networks of a run's space `times` as long as the run did, `again` times each, and return accuracies by key.

    Trainings that failed are told and left out. The run that does it lies in `runs`, one for each set of networks.
    """
    networks = {network.key(): network for network in networks}
    recipe = run.config.recipe.model_dump() | {"epochs": run.config.recipe.epochs * times}
    what = json.dumps([sorted(networks), run.config.data, recipe, again], sort_keys=True)
    folder = runs / f"longer-{hashlib.sha256(what.encode()).hexdigest()[:12]}"
    found = nas.resume(folder) if is_run(folder) else _search(networks, run, folder, recipe, again, workers)
    values, key_of = defaultdict[str, list[float]](list), {trial.number: trial.key for trial in found.trials}
    outcomes = [(trial.number, trial.outcome) for trial in found.trials]
    for number, outcome in outcomes + [(further.trial, further.outcome) for further in found.further]:
        if outcome.state == "complete":
            values[key_of[number]].append(outcome.metrics["accuracy"])
        else:
            print(f"{folder.name}: trial {number} failed: {outcome.reason}", flush=True)
    return {key: np.array(reached) for key, reached in values.items()}


def _search(
    networks: dict[str, Architecture], run: Run, folder: Path, recipe: dict[str, object], again: int,
    workers: int | str,
) -> Run:  # fmt: skip
    """Try these networks and no others, each from `again` seeds."""
    designs = [folder.parent / "designs" / f"{key}.yaml" for key in networks]
    (folder.parent / "designs").mkdir(exist_ok=True)
    for design, network in zip(designs, networks.values(), strict=True):
        network.save(design)
    return nas.search(
        run.folder / "space.yaml", data=run.config.data, resolution=run.config.resolution, recipe=recipe,
        objectives=("accuracy", "macs"), seed_with=tuple(map(str, designs)), budget=len(designs), sampler="random",
        promotion=1.0, confirm=again - 1, workers=workers, name=folder.name, runs=folder.parent,
    )  # fmt: skip
