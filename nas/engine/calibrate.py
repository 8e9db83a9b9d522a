"""Calibrate the proxy: a search that takes every network to the last rung, twice, and a look at the learning rate.

The first tells how well lower rungs rank networks, the second whether the recipe starves a kind of block.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nas.costs.counts import cost
from nas.engine.search import resume, search
from nas.engine.watcher import Watcher
from nas.errors import SettingError
from nas.network.architecture import Architecture
from nas.network.options import Scalar
from nas.record.folders import is_run
from nas.record.reliability import FACTORS, RATES, rate_folder
from nas.record.run import Run
from nas.space.space import Domain, SearchSpace
from nas.training.catalogue import load_task

RUNGS = (1, 2, 4, 8, 16)
DRAWN = 40  # networks of one kind alone, of which that of the middle size is taken
OWN = ("budget", "objectives", "promotion", "confirm")  # settings that a calibration decides itself


def calibrate(
    space: str | Path | Mapping[str, Any] | SearchSpace = "cvt_family",
    *,
    networks: int = 24,
    rungs: tuple[int, ...] | str = RUNGS,
    task: str = "classification",
    name: str = "calibration",
    runs: str | Path = "runs",
    watcher: Watcher | None = None,
    **settings: Any,
) -> Run:
    """Train networks on every rung, and in full from another seed, for `nas.reliability` to compare.

    The first ten lie spread over the costs of the space, the others where the sampler expects the front. The last rung
    is the training in full. Then one network of each kind of block alone is trained briefly at `FACTORS` of the
    learning rate. `settings` are those of a search, whose run this is; one of that name goes on. Raises as `nas.search`
    does.
    """
    for own in OWN:
        if own in settings:
            raise SettingError(f"{own}: a calibration has its own")
    folder = Path(runs) / name
    if is_run(folder):
        run = resume(folder, watcher=watcher)
    else:
        settings |= {"task": task, "objectives": (load_task(task).objectives[0], "macs")}
        settings |= {"rungs": rungs, "promotion": 1.0, "confirm": 1}
        run = search(space, budget=networks, name=name, runs=runs, watcher=watcher, **settings)
    _try_rates(run, watcher)
    return run


def _try_rates(run: Run, watcher: Watcher | None) -> None:
    """Train a network of each kind alone at several learning rates, each rate a small run within the run's folder."""
    designs = []
    for kind in kinds(run.space):
        designs.append(run.folder / RATES / f"{kind}.yaml")
        designs[-1].parent.mkdir(exist_ok=True)
        alone(run.space, kind, run.config.seed).save(designs[-1])
    settings = run.config.model_dump(
        exclude={"space", "budget", "rungs", "promotion", "confirm", "seed_with", "recipe"}
    )
    for factor in FACTORS:
        folder, recipe = rate_folder(run, factor), run.config.recipe
        if is_run(folder):
            resume(folder, watcher=watcher)
            continue
        rate = {"learning_rate": recipe.learning_rate * factor}
        search(
            run.folder / "space.yaml", budget=len(designs), name=folder.name, runs=folder.parent, rungs=(1,), confirm=0,
            seed_with=tuple(map(str, designs)), recipe=recipe.model_dump() | rate, watcher=watcher, **settings,
        )  # fmt: skip


def kinds(space: SearchSpace) -> list[str]:
    """List the kinds of block that may stand at every stage."""
    first, *others = (stage.kinds for stage in space.stages)
    return [kind for kind in first if all(kind in more for more in others)]


def alone(space: SearchSpace, kind: str, seed: int) -> Architecture:
    """Return the network of middle size of some whose every stage is of one kind."""
    rng = np.random.default_rng(seed)

    def choose(name: str, values: Domain) -> Scalar:
        return kind if kind in values else values[int(rng.integers(len(values)))]

    drawn = [space.record(choose)[1] for _ in range(DRAWN)]
    return sorted(drawn, key=lambda network: cost(network).macs)[DRAWN // 2]
