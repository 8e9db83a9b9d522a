"""Calibrate the proxy: a search that takes every network to the last rung, twice, and a look at the learning rate.

The first tells how well lower rungs rank networks, the second whether the recipe starves a kind of block.
"""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from nas.config import Budget, Machine, SearchConfig, Shipping, make_config
from nas.costs.counts import cost
from nas.data import same
from nas.engine.prediction import as_measured
from nas.engine.search import go_on, search, wanted_space
from nas.engine.watcher import Watcher, watcher_of
from nas.errors import SettingError, brief
from nas.evaluation.plugins import load_plugins
from nas.files import Json
from nas.network.architecture import Architecture
from nas.network.options import Scalar
from nas.record.analysis.rates import FACTORS, RATES, kinds_alone, rate_folder
from nas.record.analysis.reliability import FEWEST
from nas.record.folders import SPACE, is_run
from nas.record.journal import RECORD, recording
from nas.record.outside import COPIES
from nas.record.run import Run
from nas.record.seal import first_change
from nas.settings import plain, plugin_paths, text_of
from nas.space.grammar import to_dict
from nas.space.slot import Domain
from nas.space.space import SearchSpace
from nas.training.catalogue import load_task

RUNGS = (1, 2, 4, 8, 16)
DRAWN = 40  # networks of one kind alone, of which that of the middle size is taken
DECIDED = ("budget", "objectives", "promotion", "confirm")  # settings that a calibration decides itself
SAME = ("task", "rungs", "recipe", "resolution", "seed", "split_seed", "sampler", "maximum", "minimum",
        "scores", "seed_with", "prefilter", *Shipping.model_fields)  # fmt: skip
"""Settings that a calibration must have to go on, beside its space and its data, which may have been moved."""


def calibrate(
    space: str | Path | Mapping[str, Any] | SearchSpace = "",
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
    is the training in full. Then one network of each kind of block alone is trained briefly, twice, at `FACTORS` of the
    learning rate. `settings` are those of a search, whose run this is; one of that name goes on, trained where they
    say. Raises as `nas.search` does, and SettingError for a run of that name that is another calibration or none.
    """
    watcher = _warned_once(watcher_of(watcher))
    load_plugins(*plugin_paths(settings.get("plugins")))
    name, runs, task = (text_of(value, said) for value, said in ((name, "name"), (runs, "runs"), (task, "task")))
    if own := settings.keys() & {*DECIDED}:
        raise SettingError(f"{min(own)}: a calibration has its own")
    settings |= {"task": task, "objectives": (load_task(task).objectives[0], "macs")}
    settings |= {"rungs": rungs, "promotion": 1.0, "confirm": 1}
    named = text_of(space, "space") if isinstance(space, str | Path) else "space"
    networks = _count(networks)
    asked = make_config({"space": named, "budget": Budget(trials=networks), **settings})
    if len(asked.lengths) == 1:
        raise SettingError(f"rungs: found {brief(rungs)}; a calibration takes two or more")
    folder = Path(runs) / name
    if is_run(folder):
        _check_same(run := Run(folder), asked, wanted_space(space, asked))
        run = go_on(run, watcher=watcher, budget=max(networks, run.config.budget.trials or 0), **_again(asked, run))
    else:
        run = search(space, budget=networks, name=name, runs=runs, watcher=watcher, **settings)
    _try_rates(run, watcher)
    return run


def _count(networks: object) -> int:
    """Return a number of networks, which may be text. Raises SettingError for too few and for what is none."""
    text = str(plain(networks))
    if not (text.isdecimal() and len(text) < 10 and int(text) >= FEWEST):
        raise SettingError(f"networks: found {brief(networks)}; a calibration takes a whole number of them, from "
                           f"{FEWEST}")  # fmt: skip
    return int(text)


def _warned_once(watcher: Watcher) -> Watcher:
    """Return a watcher that is told each warning once, as all searches of a calibration are of one space."""
    said: set[str] = set()

    def warned(line: str) -> None:
        if line not in said:
            said.add(line)
            watcher.warned(line)

    return replace(watcher, warned=warned)


def _check_same(run: Run, asked: SearchConfig, space: SearchSpace) -> None:
    """Raise SettingError unless a run is the calibration that is asked for, of a space that was not changed since."""
    if run.config.promotion != 1:
        raise SettingError(f"{run.folder} is a search and no calibration; take another --name")
    was, now = (
        {"data": config.data.partition(":")[0]} | config.model_dump(include=set(SAME))
        for config in (run.config, as_measured(asked))
    )
    if changed := first_change(was, now):
        raise _another(run, *changed)
    own = run.space
    fitted = space.fit(resolution=own.resolution[0], channels=own.channels, classes=own.classes)
    if changed := first_change({"space": to_dict(own)}, {"space": to_dict(fitted)}):
        raise _another(run, *changed, "Write that back, or take")


def _another(run: Run, key: str, was: str, now: str, remedy: str = "Take") -> SettingError:
    """The error for a calibration that would not go on as it began, with the first key that differs."""
    return SettingError(f"{key}: found {now}; {run.folder} was calibrated with {was}. {remedy} another --name")


def _try_rates(run: Run, watcher: Watcher) -> None:
    """Train a network of each kind alone at several learning rates, each rate a small run within the run's folder."""
    designs = [run.folder / RATES / f"{kind}.yaml" for kind in kinds_alone(run.space)]
    if not designs:
        return
    with recording(run.folder / RATES, "make room, and the same command goes on"):
        designs[0].parent.mkdir(exist_ok=True)
        for design in designs:
            alone(run.space, design.stem, run.config.seed).save(design)
    kept = {"data", "task", "resolution", "seed", "split_seed", "objectives"}
    config = run.config.model_dump(include=kept) | _where(run.config)
    copies = (run.folder / COPIES / Path(file).name for file in run.config.plugins)  # as the files may have moved
    config["plugins"] = tuple(map(str, copies))
    for factor in FACTORS:
        folder, recipe = rate_folder(run, factor), run.config.recipe
        if is_run(folder):
            tried = Run(folder)
            go_on(tried, watcher=watcher, **_again(run.config, tried))
            continue
        record = folder / RECORD
        if not record.is_file() or not record.stat().st_size:  # a kill left it half made
            shutil.rmtree(folder, ignore_errors=True)
        rate = {"learning_rate": recipe.learning_rate * factor}
        search(
            run.folder / SPACE, budget=len(designs), name=folder.name, runs=folder.parent, promotion=1.0,
            confirm=1, rungs=run.config.lengths[:1], seed_with=tuple(map(str, designs)),
            recipe=recipe.model_dump() | rate, watcher=watcher, **config,
        )  # fmt: skip


def _again(config: SearchConfig, run: Run) -> Json:
    """Return the settings with which a run goes on, those of a configuration that may change between two starts."""
    moved = {} if same(config.data, run.config.data) else {"data": config.data}
    return _where(config) | moved | ({"log": config.log} if config.log else {})


def _where(config: SearchConfig) -> Json:
    """Return the settings that say where networks are trained, which may change between two starts."""
    return config.model_dump(include={*Machine.model_fields})


def alone(space: SearchSpace, kind: str, seed: int) -> Architecture:
    """Return the network of middle size of some whose stages are of one kind; those without it are left out."""
    space = space.without([i for i, stage in enumerate(space.stages) if kind not in stage.kinds])
    rng = np.random.default_rng(seed)

    def choose(name: str, values: Domain) -> Scalar:
        return kind if kind in values else values[int(rng.integers(len(values)))]

    drawn = [space.record(choose)[1] for _ in range(DRAWN)]
    return sorted(drawn, key=lambda network: cost(network).macs)[DRAWN // 2]
