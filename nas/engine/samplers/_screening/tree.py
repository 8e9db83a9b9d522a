"""Learn from walks which decisions a space has, and under which values of earlier ones each arises.

A walk is the decisions of one architecture, in the order in which they arose. Points are arrays of codes
`(points, decisions)`: 0 where a decision does not arise, else 1 + the index of its value in its domain.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nas.space.space import Choose, Decisions, Domain

Codes = NDArray[np.int16]
Condition = tuple[int, NDArray[np.bool_]]  # an earlier decision, and which of its codes allow a later one
MIN_WALKS, MAX_WALKS = 500, 4000


@dataclass(frozen=True)
class Tree:
    """The domain of every decision, and the conditions that must all hold for it to arise."""

    domains: Mapping[str, Domain]
    conditions: tuple[tuple[Condition, ...], ...]

    def encode(self, walks: Sequence[Mapping[str, object]]) -> Codes:
        """The codes of walks, 0 for decisions and values outside the tree."""
        codes = np.zeros((len(walks), len(self.domains)), np.int16)
        for j, (name, values) in enumerate(self.domains.items()):
            code_of = {value: code for code, value in enumerate(values, 1)}
            codes[:, j] = [code_of.get(walk[name], 0) if name in walk else 0 for walk in walks]  # type: ignore[call-overload]
        return codes

    def decode(self, point: Codes) -> Decisions:
        """The decisions of one point, in the order in which they arise."""
        return {name: values[c - 1] for (name, values), c in zip(self.domains.items(), point, strict=True) if c}

    def draw(self, count: int, rng: np.random.Generator) -> Codes:
        """Random points, each decision that arises drawn evenly from its values."""
        return self.settle(np.zeros((count, len(self.domains)), np.int16), rng)

    def settle(self, codes: Codes, rng: np.random.Generator) -> Codes:
        """Make points whole: drop decisions that no longer arise, draw those that now do."""
        sizes = np.array([len(values) for values in self.domains.values()])
        drawn = 1 + (rng.random(codes.shape) * sizes).astype(np.int16)
        whole = np.where(codes > 0, codes, drawn)
        for j, conditions in enumerate(self.conditions):
            for earlier, allowed in conditions:
                whole[:, j] *= allowed[whole[:, earlier]]
        return whole


def explore(decide: Callable[[Choose], object], rng: np.random.Generator) -> Tree:
    """Learn the tree of a space by random walks, until the last quarter of them shows nothing new."""
    domains: dict[str, Domain] = {}
    walks: list[Decisions] = []
    newest = 0
    while len(walks) < MIN_WALKS or (newest > 0.75 * len(walks) and len(walks) < MAX_WALKS):
        walk: Decisions = {}

        def choose(name: str, values: Domain, walk: Decisions = walk) -> object:
            walk[name] = values[int(rng.integers(len(values)))]
            if name not in domains:
                domains[name] = values
            return walk[name]

        before = len(domains)
        decide(choose)  # type: ignore[arg-type]
        walks.append(walk)
        newest = len(walks) if len(domains) > before else newest
    return learn(domains, walks)


def learn(domains: Mapping[str, Domain], walks: Sequence[Mapping[str, object]]) -> Tree:
    """The tree that explains walks. In `domains` each decision follows those it depends on."""
    bare = Tree(domains, ((),) * len(domains))
    codes = bare.encode(walks)
    sizes = [len(values) + 1 for values in domains.values()]
    return Tree(domains, tuple(_conditions(codes[:, : j + 1], sizes) for j in range(len(domains))))


def _conditions(codes: Codes, sizes: Sequence[int]) -> tuple[Condition, ...]:
    """The fewest conditions on earlier decisions under which the last one arises, found greedily.

    Each allows the codes seen together with the decision; next comes the one that rules out most walks without it.
    """
    arises = codes[:, -1] > 0
    without = np.unique(codes[~arises, :-1], axis=0)
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
