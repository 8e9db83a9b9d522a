"""Take over designs and values from earlier runs.

Their fronts, mapped to this space by `nearest`, are trained first, so that this run's front rests on one kind of
measurement. If an earlier run trained and measured as this one will, the sampler also learns the values of its
architectures that lie in this space. They cost no budget and are in neither record nor front. Values of another data
set, task or recipe are on another scale and are not used.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

import numpy as np

from nas import pareto
from nas.config import SearchConfig
from nas.data import same
from nas.errors import SettingError, SpaceError
from nas.evaluation.catalogue import objective
from nas.evaluation.limits import broken_limit
from nas.files import Json
from nas.record.config_file import of_earlier_schedule
from nas.record.environment import timing
from nas.record.fingerprint import difference
from nas.record.learnt import Learnt
from nas.record.results import Result, highest
from nas.record.run import Run
from nas.record.trial import Origin, Trial
from nas.space.matching import locate, nearest
from nas.space.space import Decisions, SearchSpace

MOST = 10  # designs taken from one front, evenly


def check_teachers(runs: Iterable[Run], config: SearchConfig) -> None:
    """Raise SettingError for a run that has nothing to take over, before anything is measured."""
    for run in runs:
        _usable(run, config)


def learn(
    runs: Iterable[Run], config: SearchConfig, space: SearchSpace, device: str, data: Json | None = None
) -> Learnt:
    """Return the designs and trials that a search takes over, with a note on each run.

    `device` is the one that the search will measure on, `data` the fingerprint of its data. Raises SettingError for a
    run that has nothing to take over.
    """
    designs: dict[str, Decisions] = {}
    trials: dict[str, Trial] = {}
    notes = []
    for run in runs:
        usable = _usable(run, config)
        top = highest(usable)
        best = _front([result for result in usable if result.rung == top], config)
        near = [nearest(space, result.architecture) for result in best]
        obstacle = _obstacle(run, config, device, data or {})
        alike = [] if obstacle else list(_alike(run, usable, config, space))
        for decisions in near:
            designs.setdefault(space.replay(decisions).key(), decisions)
        for trial in alike:
            trials.setdefault(trial.key, trial)
        values = f"no values, for {obstacle}" if obstacle else f"the values of {_count(alike, 'trial')}"
        notes.append(f"{run.name}: {_count(near, 'design')} of its front, {values}")
    numbered = [replace(trial, number=number) for number, trial in enumerate(trials.values())]
    return Learnt(list(designs.values()), numbered, notes)


def _count(things: Sequence[object], noun: str) -> str:
    return f"{len(things)} {noun}" + ("" if len(things) == 1 else "s")


def _usable(run: Run, config: SearchConfig) -> list[Result]:
    """Return the results within this search's limits. Raises SettingError when an objective was never measured."""
    if not run.results:
        raise SettingError(f"warm start: {run.folder} has no finished trial to learn from")
    for name in config.objectives:
        if not any(name in result.metrics for result in run.results):
            measured = ", ".join(run.results[0].metrics)
            raise SettingError(f"warm start: {run.folder} never measured {name}, an objective of this search; "
                               f"it has {measured}")  # fmt: skip
    measured_all = (r for r in run.results if set(config.objectives) <= set(r.metrics))
    return [r for r in measured_all if not broken_limit(config, r.metrics)]


def _front(results: list[Result], config: SearchConfig) -> list[Result]:
    """Return at most `MOST` of the results that are best in this search's objectives, sorted by the last."""
    points = [[result.metrics[name] for name in config.objectives] for result in results]
    maximize = [objective(name).goal == "maximize" for name in config.objectives]
    best = [results[i] for i in pareto.front(np.array(points, float), maximize)]
    best.sort(key=lambda result: result.metrics[config.objectives[-1]])
    return [best[i] for i in pareto.spaced(len(best), MOST)]


def _obstacle(run: Run, config: SearchConfig, device: str, data: Json) -> str:
    """Say why the run's values cannot be compared with this search's, or return an empty text."""
    if not same(run.config.data, config.data):
        return f"its data set is {run.config.data}"
    known = run.seal.get("data")
    if known and data and (said := difference(known, data, one_seed=run.config.split == config.split)):
        return f"its data set {config.data} was another: {said}"
    if run.config.task != config.task:
        return f"its task is {run.config.task}"
    if of_earlier_schedule(run.seal):
        return "its learning rate fell in another way"
    for name in type(config.recipe).model_fields:
        theirs = getattr(run.config.recipe, name)
        if theirs != getattr(config.recipe, name):
            return f"its recipe has {name} {theirs}"
    if run.config.lengths != config.lengths:
        return f"its trainings have other lengths, {', '.join(map(str, run.config.lengths))} times the recipe's"
    ours = timing(config, device, config.objectives)
    theirs = timing(run.config, run.timed_on, config.objectives)
    for name, value in theirs.items():
        if value != ours[name]:
            return f"its times were measured with {name} {value}"
    return ""


def _alike(run: Run, results: list[Result], config: SearchConfig, space: SearchSpace) -> Iterator[Trial]:
    """Yield results whose exact architectures lie in the space, as trials with this space's decisions.

    Their values are those of the last rung, but for a sampler that is told those of first trainings alone.
    """
    first_alone = len(config.lengths) > 1 and config.sampler != "pareto"
    for result in results:
        with suppress(SpaceError):
            decisions = locate(space, result.architecture)
            outcome = replace(
                result.trial.outcome, metrics=dict(result.trial.metrics if first_alone else result.metrics)
            )
            noted = result.trial.sampler if run.config.sampler == config.sampler else {}
            origin = Origin(run.name, result.number)
            yield replace(
                result.trial, decisions=decisions, outcome=outcome, sampler=noted, learnt_from=origin, passed=[]
            )
