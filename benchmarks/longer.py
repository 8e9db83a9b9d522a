"""Networks that searches found, trained longer: a run of its own, so that each training is kept and none done twice."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import nas
from nas.network.architecture import Architecture
from nas.record.folders import is_run
from nas.record.run import Run


def trained_longer(
    networks: Sequence[Architecture], run: Run, runs: Path, times: int, again: int, workers: int | str = 1
) -> dict[str, np.ndarray]:
    """Train networks of a run's space `times` as long as the run did, `again` times each, and return accuracies by key.

    The run that does it lies in `runs`, under a name of its own for these networks, and goes on where it stopped.
    """
    keys = sorted({network.key() for network in networks})
    folder = runs / f"longer-{times}-{again}-{hashlib.sha256(' '.join(keys).encode()).hexdigest()[:12]}"
    found = nas.resume(folder) if is_run(folder) else _search(networks, run, folder, times, again, workers)
    values = defaultdict[str, list[float]](list)
    key_of = {trial.number: trial.key for trial in found.trials}
    for trial in found.trials:
        values[trial.key].append(trial.metrics["accuracy"])
    for further in found.further:
        values[key_of[further.trial]].append(further.outcome.metrics["accuracy"])
    return {key: np.array(values[key]) for key in keys}


def _search(
    networks: Sequence[Architecture], run: Run, folder: Path, times: int, again: int, workers: int | str
) -> Run:
    """Try these networks and no others, each from `again` seeds."""
    designs = {network.key(): folder.parent / "designs" / f"{network.key()}.yaml" for network in networks}
    (folder.parent / "designs").mkdir(exist_ok=True)
    for network in networks:
        network.save(designs[network.key()])
    recipe = run.config.recipe.model_dump() | {"epochs": run.config.recipe.epochs * times}
    return nas.search(
        run.folder / "space.yaml", data=run.config.data, resolution=run.config.resolution, recipe=recipe,
        objectives=("accuracy", "macs"), seed_with=tuple(map(str, designs.values())), budget=len(designs),
        sampler="random", promotion=1.0, confirm=again - 1, workers=workers, name=folder.name, runs=folder.parent,
    )  # fmt: skip
