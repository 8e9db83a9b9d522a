"""Learn from walks which decisions a space has, and under which values of earlier ones each arises.

A walk is the decisions of one architecture, in the order in which they arose, each by the code of its value: 1 + the
value's place in the decision's domain, 0 for a value outside. Points are arrays of codes `(points, decisions)`, 0 where
a decision does not arise.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nas.engine.samplers._screening.domains import distinct
from nas.space.slot import Domain
from nas.space.space import Choose, Decisions

Codes = NDArray[np.int32]
Walk = Mapping[str, int]
Condition = tuple[int, NDArray[np.bool_]]  # an earlier decision, and which of its codes allow a later one
MIN_WALKS, MAX_WALKS = 500, 4000


@dataclass(frozen=True)
class Tree:
    """The domain of every decision, and the conditions that must all hold for it to arise.

    Decisions that are `held`, by index, have one code in all points that are drawn.
    """

    domains: Mapping[str, Domain]
    conditions: tuple[tuple[Condition, ...], ...]
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
        whole = np.where(codes > 0, codes, drawn)
        for j, code in self.held.items():
            whole[:, j] = code
        for j, conditions in enumerate(self.conditions):
            for earlier, allowed in conditions:
                whole[:, j] *= allowed[whole[:, earlier]]
        return whole

    def whole(self, codes: Codes) -> NDArray[np.bool_]:
        """Which points have a value for every decision that arises in them."""
        whole = np.ones(len(codes), np.bool_)
        for j, conditions in enumerate(self.conditions):
            arises = np.ones(len(codes), np.bool_)
            for earlier, allowed in conditions:
                arises &= allowed[codes[:, earlier]]
            whole &= ~arises | (codes[:, j] > 0)
        return whole

    def first(self, taken: set[bytes], rng: np.random.Generator) -> Codes | None:
        """The first point that is not taken, going through all of them in a random order, or None."""
        orders = [1 + rng.permutation(len(values)) for values in self.domains.values()]
        for j, code in self.held.items():
            orders[j] = np.array([code])
        begun: list[tuple[int, ...]] = [()]
        while begun:
            point = begun.pop()
            if (j := len(point)) == len(orders):
                found = np.array(point, np.int32)
                if found.tobytes() not in taken:
                    return found
            elif all(allowed[point[earlier]] for earlier, allowed in self.conditions[j]):
                begun += [(*point, int(code)) for code in orders[j]]
            else:
                begun.append((*point, 0))
        return None


def explore(decide: Callable[[Choose], object], rng: np.random.Generator) -> tuple[Tree, dict[str, Domain]]:
    """Learn the tree of a space by random walks, until the last quarter of them shows nothing new.

    Also returns the values that the space offers for each decision.
    """
    offered: dict[str, Domain] = {}
    domains: dict[str, Domain] = {}
    walks: list[dict[str, int]] = []
    newest = 0
    while len(walks) < MIN_WALKS or (newest > 0.75 * len(walks) and len(walks) < MAX_WALKS):
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
        newest = len(walks) if len(domains) > before else newest
    return learn(domains, walks), offered


def learn(domains: Mapping[str, Domain], walks: Sequence[Walk], whole: Sequence[bool] | None = None) -> Tree:
    """The tree that explains walks. In `domains` each decision follows those it depends on.

    A walk that is not `whole` was cut short: that a decision is missing there says nothing.
    """
    codes = _points(domains, walks)
    sizes = [len(values) + 1 for values in domains.values()]
    ended = np.ones(len(walks), np.bool_) if whole is None else np.array(whole, np.bool_)
    return Tree(domains, tuple(_conditions(codes[:, : j + 1], sizes, ended) for j in range(len(domains))))


def _points(domains: Mapping[str, Domain], walks: Sequence[Walk]) -> Codes:
    codes = np.zeros((len(walks), len(domains)), np.int32)
    for j, name in enumerate(domains):
        codes[:, j] = [walk.get(name, 0) for walk in walks]
    return codes


def _conditions(codes: Codes, sizes: Sequence[int], whole: NDArray[np.bool_]) -> tuple[Condition, ...]:
    """The fewest conditions on earlier decisions under which the last one arises, found greedily.

    Each allows the codes seen together with the decision; next comes the one that rules out most walks without it.
    """
    arises = codes[:, -1] > 0
    without = np.unique(codes[~arises & whole, :-1], axis=0)
    found: list[Condition] = []
    seen = [np.isin(np.arange(size), codes[arises, a]) for a, size in enumerate(sizes[: codes.shape[1] - 1])]
    while len(without):
        ruled_out = [int((~allowed[without[:, a]]).sum()) for a, allowed in enumerate(seen)]
        if not ruled_out or max(ruled_out) == 0:
            break
        a = int(np.argmax(ruled_out))
        found.append((a, seen[a]))
        without = without[seen[a][without[:, a]]]
    return tuple(found)
