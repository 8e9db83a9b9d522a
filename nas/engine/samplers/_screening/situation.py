"""A study as a proposal sees it: its trials as points of a tree, and what they told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from nas.engine.samplers._screening.domains import coder, domain
from nas.engine.samplers._screening.evidence import Past
from nas.engine.samplers._screening.proposals import WHOLE, Space, parameters
from nas.engine.samplers._screening.tree import Codes, Tree, Walk, learn
from nas.evaluation.cost_table import keys_of
from nas.record.optuna_study import REPEAT

FARTHEST = 1e300  # an infinite violation


class _Reader:
    """Reads trials as walks."""

    def __init__(self, space: Space, tree: Tree | None) -> None:
        self.space = space
        self.domains = tree.domains if tree else {name: domain(d) for name, d in space.items()}
        self.codes = {name: coder(space[name], values) for name, values in self.domains.items()}

    def __call__(self, trial: FrozenTrial) -> Walk:
        found = parameters(trial, self.space)
        return {name: self.codes[name](value) for name, value in found.items() if name in self.codes}


@dataclass(frozen=True)
class Told:
    """What a trial told: its point, its values or None, and whether it is over. Of an ended one nothing changes."""

    point: Codes
    values: list[float] | None
    over: bool
    ended: bool
    whole: bool
    violations: Mapping[str, float]


@dataclass(frozen=True)
class Situation:
    """The trials so far, each point once, as `codes` `(trials, decisions)` of the tree, with what each told."""

    tree: Tree
    trials: Sequence[FrozenTrial]
    codes: Codes
    told: Sequence[Told]
    read: _Reader

    @classmethod
    def of(
        cls,
        trial: FrozenTrial,
        past: Sequence[FrozenTrial],
        space: Space,
        asked: Space,
        tree: Tree | None,
        ended: dict[int, Told],
    ) -> "Situation":
        """The situation of a trial that is asked for some parameters of a space.

        The tree is learnt unless it is given; then `ended` keeps what ended trials told, by number, from one proposal
        to the next. A parameter not asked for keeps the value that the trial has for it, or else that of the newest
        trial, as somebody fixed it.
        """
        read = _Reader(space, tree)
        if tree is None:
            walks, whole = [read(t) for t in past], [t.state in WHOLE for t in past]
            tree, ended = learn(read.domains, walks, whole if any(whole) else None), {}
        told = [ended.get(t.number) or _told(t, read, tree) for t in past]
        ended.update((t.number, one) for t, one in zip(past, told, strict=True) if one.ended)
        codes = np.array([one.point for one in told], np.int32).reshape(len(told), len(tree.domains))
        held = _held(tree, asked, read(trial), codes)
        tree = tree if held == tree.held else replace(tree, held=held)  # which keeps what it has found out
        kept = np.flatnonzero(tree.whole(codes) | np.array([one.whole for one in told], np.bool_))  # of others a part
        kept = kept[np.argsort([told[i].values is None for i in kept.tolist()], kind="stable")]
        seen: dict[bytes, int] = {}  # repeated ones do not count again
        for i in kept.tolist():
            seen.setdefault(codes[i].tobytes(), i)
        first = sorted(seen.values())
        return cls(tree, [past[i] for i in first], codes[first], [told[i] for i in first], read)

    @property
    def taken(self) -> set[int]:
        """The points that were proposed."""
        return set(keys_of(self.codes))

    def repeated(self, point: Codes, trials: Sequence[FrozenTrial]) -> bool:
        """Whether one of these trials is at the point."""
        return any((code == point).all() for code in self.tree.encode([self.read(t) for t in trials]))

    def past(self, study: optuna.Study, known: Mapping[int, Sequence[float] | None]) -> Past:
        """What the trials told, or what is known of them by now.

        An infinitely bad value is a failure, an infinitely good one the best of the finite.
        """
        values = [known.get(t.number, one.values) for t, one in zip(self.trials, self.told, strict=True)]
        told = np.array([v is not None for v in values], np.bool_)
        losses = np.array([v for v in values if v is not None], np.float64).reshape(-1, len(study.directions))
        losses *= signs(study)
        able = (losses < np.inf).all(axis=1)
        done = told.copy()
        done[told] = able
        over = np.array([one.over for one in self.told], np.bool_)
        running = np.array([not one.ended for one in self.told], np.bool_)
        limits = self._limits()
        broke = [any(one.violations[n] > 0 for n in limits.keys() & one.violations.keys()) for one in self.told]
        rejected = over & ~done & np.array(broke, np.bool_)
        failed = over & ~done & ~rejected
        codes = self.codes
        return Past(codes[done], _finite(losses[able]), codes[failed], codes[running], codes[rejected], limits)

    def _limits(self) -> dict[str, tuple[Codes, NDArray[np.float64]]]:
        """Points and violations of each limit of which trials tell by how much."""
        found = {}
        for name in sorted({name for one in self.told for name in one.violations}):
            of = [i for i, one in enumerate(self.told) if not np.isnan(one.violations.get(name, np.nan))]
            violations = np.clip([self.told[i].violations[name] for i in of], -FARTHEST, FARTHEST)
            if len(of) and np.ptp(violations):
                found[name] = self.codes[of], violations
        return found


def _told(trial: FrozenTrial, read: _Reader, tree: Tree) -> Told:
    failed = trial.state == TrialState.FAIL and REPEAT not in trial.user_attrs
    over = failed or trial.state == TrialState.COMPLETE or infeasible(trial)
    point = tree.encode([read(trial)])[0]
    ended, whole = trial.state.is_finished(), trial.state in WHOLE
    return Told(point, values_of(trial), over, ended, whole, trial.constraints if over else {})


def signs(study: optuna.Study) -> list[float]:
    """The factor of each objective by which less is better."""
    return [-1.0 if d == StudyDirection.MAXIMIZE else 1.0 for d in study.directions]


def _held(tree: Tree, asked: Space, mine: Walk, codes: Codes) -> dict[int, int]:
    held = {}
    for j, name in enumerate(tree.domains):
        newest = [] if name in asked else codes[codes[:, j] > 0, j][-1:].tolist()
        if code := mine.get(name) or next(iter(newest), 0):
            held[j] = code
    return held


def _finite(losses: NDArray[np.float64]) -> NDArray[np.float64]:
    known = np.where(np.isfinite(losses), losses, np.inf).min(axis=0, initial=np.inf)
    return np.where(np.isfinite(losses), losses, np.where(np.isfinite(known), known, 0.0))


def values_of(trial: FrozenTrial) -> list[float] | None:
    """The values that a trial gives to models, in the study's order, or None where it gives none."""
    values = trial.values if trial.state == TrialState.COMPLETE else None
    return None if values is None or infeasible(trial) or np.isnan(values).any() else list(values)


def infeasible(trial: FrozenTrial) -> bool:
    """Whether a trial breaks a constraint of its own."""
    return not all(violation <= 0 for violation in trial.constraints.values())
