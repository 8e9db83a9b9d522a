"""Learn from walks which decisions a space has, and under which values of earlier ones each arises.

A walk is the decisions of one architecture, in the order in which they arose, each by the code of its value: 1 + the
value's place in the decision's domain, 0 for a value outside. Points are arrays of codes `(points, decisions)`, 0 where
a decision does not arise.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from nas.engine.samplers._screening.domains import distinct
from nas.evaluation.cost_table import keys_of
from nas.space.slot import Domain
from nas.space.space import Choose, Decisions

Codes = NDArray[np.int32]
Walk = Mapping[str, int]
Condition = tuple[int, NDArray[np.bool_]]  # an earlier decision, and which of its codes allow a later one
Case = tuple[Condition, ...]  # all must hold
MIN_WALKS, MAX_WALKS, OFTEN = 500, 4000, 12


@dataclass(frozen=True)
class Tree:
    """The domain of every decision, and the cases in one of which it must be to arise.

    Decisions that are `held`, by index, have one code in all points that are drawn.
    """

    domains: Mapping[str, Domain]
    cases: tuple[tuple[Case, ...], ...]
    held: Mapping[int, int] = field(default_factory=dict)

    def encode(self, walks: Sequence[Walk]) -> Codes:
        """Walks as points, without decisions outside the tree."""
        return _points(self.domains, walks)

    def decode(self, point: Codes) -> Decisions:
        """The decisions of one point, in the order in which they arise."""
        return {name: values[c - 1] for (name, values), c in zip(self.domains.items(), point, strict=True) if c}

    def draw(self, count: int, rng: np.random.Generator) -> Codes:
        """Random points, each decision that arises drawn evenly from its values."""
        return self.settle(np.zeros((count, len(self.domains)), np.int32), rng)

    def settle(self, codes: Codes, rng: np.random.Generator) -> Codes:
        """Make points whole: drop decisions that no longer arise, draw those that now do."""
        sizes = np.array([len(values) for values in self.domains.values()])
        drawn = 1 + (rng.random(codes.shape) * sizes).astype(np.int32)
        whole = np.ascontiguousarray(np.where(codes > 0, codes, drawn).T)
        for j, code in self.held.items():
            whole[j] = code
        for step in self._steps:
            whole[step.decisions] *= step.arise(whole)
        return np.ascontiguousarray(whole.T)

    @cached_property
    def _steps(self) -> list["_Step"]:
        """The decisions that may not arise, in steps, each of which those before it decide."""
        depths: list[int] = []
        for cases in self.cases:
            above = [depths[earlier] for case in cases for earlier, _ in case]
            depths.append(0 if () in cases else 1 + max(above, default=0))
        at = [[j for j, depth in enumerate(depths) if depth == i] for i in range(1, max(depths, default=0) + 1)]
        return [_Step.of({j: self.cases[j] for j in decisions}) for decisions in at]

    def _arise(self, codes: Codes) -> NDArray[np.bool_]:
        """Whether each decision arises, by those before it `(points, decisions)`."""
        found = np.ones(codes.T.shape, np.bool_)
        for step in self._steps:
            found[step.decisions] = step.arise(codes.T)
        return found.T

    def whole(self, codes: Codes) -> NDArray[np.bool_]:
        """Which points have a value for every decision that arises in them."""
        return np.asarray((~self._arise(codes) | (codes > 0)).all(axis=1))

    def explains(self, walks: Sequence[Walk]) -> bool:
        """Whether just those decisions arise in walks that are in them."""
        codes = self.encode(walks)
        return bool(((codes > 0) == self._arise(codes)).all())

    def first(self, taken: set[int], rng: np.random.Generator) -> Codes | None:
        """The first point that is not taken, going through all of them in a random order, or None."""
        orders = [1 + rng.permutation(len(values)) for values in self.domains.values()]
        for j, code in self.held.items():
            orders[j] = np.array([code])
        begun: list[tuple[int, ...]] = [()]
        while begun:
            point = begun.pop()
            if (j := len(point)) == len(orders):
                found = np.array(point, np.int32)
                if keys_of(found[None])[0] not in taken:
                    return found
            elif any(all(allowed[point[earlier]] for earlier, allowed in case) for case in self.cases[j]):
                begun += [(*point, int(code)) for code in orders[j]]
            else:
                begun.append((*point, 0))
        return None


@dataclass(frozen=True)
class _Step:
    """Decisions that are looked at together: the conditions of all their cases, one after the other.

    What a condition allows begins at its place of `begins` in `allowed`. `cases` and `firsts` are the first condition
    of each case and the first case of each decision. Few have more, which stand in `further` and `others` as pairs:
    case and condition, decision and case.
    """

    decisions: NDArray[np.intp]
    earlier: NDArray[np.intp]
    begins: NDArray[np.intp]
    allowed: NDArray[np.bool_]
    cases: NDArray[np.intp]
    further: Sequence[tuple[int, int]]
    firsts: NDArray[np.intp]
    others: Sequence[tuple[int, int]]

    @classmethod
    def of(cls, decisions: Mapping[int, tuple[Case, ...]]) -> "_Step":
        cases = [case for found in decisions.values() for case in found]
        conditions = [condition for case in cases for condition in case]
        sizes = [len(allowed) for _, allowed in conditions]
        return cls(
            np.array([*decisions]),
            np.array([earlier for earlier, _ in conditions]),
            _begins(sizes)[:, None],
            np.concatenate([allowed for _, allowed in conditions]),
            *_split([len(case) for case in cases]),
            *_split([len(found) for found in decisions.values()]),
        )

    def arise(self, codes: Codes) -> NDArray[np.bool_]:
        """Whether each decision arises in points `(decisions, points)`: where all conditions of one case hold."""
        conditions = self.allowed[codes[self.earlier] + self.begins]
        cases = conditions[self.cases]
        for case, condition in self.further:
            cases[case] &= conditions[condition]
        found = cases[self.firsts]
        for decision, case in self.others:
            found[decision] |= cases[case]
        return np.asarray(found)


def _begins(sizes: Sequence[int]) -> NDArray[np.intp]:
    return np.cumsum([0, *sizes[:-1]])


def _split(sizes: Sequence[int]) -> tuple[NDArray[np.intp], list[tuple[int, int]]]:
    """The first member of each group, by number, and the others, each behind that of its group."""
    begins = _begins(sizes)
    return begins, [(i, int(begins[i]) + k) for i, size in enumerate(sizes) for k in range(1, size)]


def explore(decide: Callable[[Choose], object], rng: np.random.Generator) -> tuple[Tree, dict[str, Domain]]:
    """Learn the tree of a space by random walks, until the last quarter of them shows nothing new.

    Each decision is met often, as when it arises would else be read out of chance. Also returns the values that the
    space offers for each decision.
    """
    offered: dict[str, Domain] = {}
    domains: dict[str, Domain] = {}
    walks: list[dict[str, int]] = []
    seen: Counter[str] = Counter()
    newest = 0
    while len(walks) < MIN_WALKS or (
        (newest > 0.75 * len(walks) or min(seen.values(), default=OFTEN) < OFTEN) and len(walks) < MAX_WALKS
    ):
        walk: dict[str, int] = {}

        def choose(name: str, values: Domain, walk: dict[str, int] = walk) -> object:
            if name not in offered:
                offered[name], domains[name] = values, distinct(values)
            place = int(rng.integers(len(domains[name])))
            walk[name] = place + 1
            return domains[name][place]

        before = len(domains)
        decide(choose)  # type: ignore[arg-type]
        walks.append(walk)
        seen.update(walk.keys())
        newest = len(walks) if len(domains) > before else newest
    tree = learn(domains, walks, split=True)
    return tree if tree.explains(walks) else learn(_in_order(domains, walks), walks, split=True), offered


def _in_order(domains: Mapping[str, Domain], walks: Sequence[Walk]) -> dict[str, Domain]:
    """Each decision after those that come before it in some walk.

    It may be met before them: what follows a stage, where the first walk leaves the stage out.
    """
    before: dict[str, set[str]] = {name: set() for name in domains}
    for walk in walks:
        for earlier, later in pairwise(walk):
            before[later].add(earlier)
    order: dict[str, Domain] = {}
    while able := [name for name in domains if name not in order and before[name] <= order.keys()]:
        order[able[0]] = domains[able[0]]
    return order | dict(domains)  # where walks disagree


def learn(
    domains: Mapping[str, Domain], walks: Sequence[Walk], whole: Sequence[bool] | None = None, split: bool = False
) -> Tree:
    """The tree that explains walks. In `domains` each decision follows those it depends on.

    A walk that is not `whole` was cut short: that a decision is missing there says nothing. Each decision has one case,
    which is quick to find, unless told to `split` where one does not tell when it arises.
    """
    codes = _points(domains, walks)
    sizes = [len(values) + 1 for values in domains.values()]
    ended = np.ones(len(walks), np.bool_) if whole is None else np.array(whole, np.bool_)
    cases = []
    for j in range(len(domains)):
        arises, earlier = codes[:, j] > 0, codes[:, :j]
        told = earlier[arises], np.unique(earlier[~arises & ended], axis=0), sizes
        cases.append(_cases(*told) if split else (_case(*told)[0],))
    return Tree(domains, tuple(cases))


def _points(domains: Mapping[str, Domain], walks: Sequence[Walk]) -> Codes:
    codes = np.zeros((len(walks), len(domains)), np.int32)
    for j, name in enumerate(domains):
        codes[:, j] = [walk.get(name, 0) for walk in walks]
    return codes


def _cases(with_it: Codes, without: Codes, sizes: Sequence[int]) -> tuple[Case, ...]:
    """The cases in which walks have a decision: one, or those of the earlier decision by which most can be told."""
    case, untold = _case(with_it, without, sizes)
    best, fewest = None, len(untold)
    for earlier in range(with_it.shape[1]) if len(untold) else ():
        codes = np.unique(with_it[:, earlier])
        groups = [with_it[with_it[:, earlier] == code] for code in codes]
        left = sum(len(_case(group, untold, sizes)[1]) for group in groups) if len(codes) > 1 else fewest
        if left < fewest:
            best, fewest = groups, left
    if best is None:
        return (case,)
    return tuple(found for group in best for found in _cases(group, without, sizes))


def _case(with_it: Codes, without: Codes, sizes: Sequence[int]) -> tuple[Case, Codes]:
    """The fewest conditions that hold in all walks with a decision, found greedily, and the others where they hold.

    Each allows the codes seen together with the decision; next comes the one that rules out most walks without it.
    """
    found: list[Condition] = []
    seen = [np.isin(np.arange(size), with_it[:, a]) for a, size in enumerate(sizes[: with_it.shape[1]])]
    while len(without):
        ruled_out = [int((~allowed[without[:, a]]).sum()) for a, allowed in enumerate(seen)]
        if not ruled_out or max(ruled_out) == 0:
            break
        a = int(np.argmax(ruled_out))
        found.append((a, seen[a]))
        without = without[seen[a][without[:, a]]]
    return tuple(found), without
