"""Costs of thousands of a space's points at once: codes in, arrays out.

A cost that is a sum over a network's pieces is one over its parts, and the pieces of a part follow from its own
decisions and from the map that comes in, or the maps that the head reads. So each part is taken apart once for every
two of these; points are looked up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import product
from math import prod

import numpy as np
from numpy.typing import NDArray

from nas.evaluation.objectives import Sum, Values
from nas.network.architecture import Decision, levels_read
from nas.network.options import Scalar
from nas.network.pieces import Piece, head_piece, stage_pieces, stem_piece
from nas.registry import HEADS
from nas.space.slot import Domain
from nas.space.space import SearchSpace, Traversal, completing

Codes = NDArray[np.int32]
"""Points `(points, decisions)`: 1 + the place of the decision's value in its domain, 0 where it does not arise."""
Keys = NDArray[np.int64]
Offered = tuple[tuple[str, Domain], ...]


Shape = tuple[int, int, int]
"""The map that a part hands on to the next: channels, height and width."""
NONE: Shape = (0, 0, 0)


@dataclass
class _Part:
    """The stem (-1), a stage, or the head: its costs and what it hands on, by its decisions and what comes in.

    Its decisions stand in `columns` of the codes. Rows are in the order of their `keys`; the last one stands for
    nothing. Of a stage that is left out, `stands` is false. The pieces of rows that have no costs yet are `uncounted`,
    by key.
    """

    index: int
    columns: Sequence[int]
    costs: Values
    keys: Keys = field(default_factory=lambda: np.array([np.iinfo(np.int64).max]))
    outgoing: NDArray[np.int32] = field(default_factory=lambda: np.zeros(1, np.int32))
    stands: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(1, np.bool_))
    uncounted: dict[int, Sequence[Piece]] = field(default_factory=dict)


def _owns(index: int, name: str) -> bool:
    decision = Decision.parse(name)
    if decision.part == "stages":
        return decision.stage == index
    return index == (HEAD if decision.part == "head" else STEM)


STEM, HEAD = -1, -2
MANY = 1000  # sets of options of a head


@dataclass(frozen=True)
class CostTable:
    """The costs by name of a space's points that are `sums` over pieces."""

    space: SearchSpace
    sums: Mapping[str, Sum]
    maps: dict[Shape, int] = field(default_factory=lambda: {NONE: 0}, repr=False)
    parts: dict[Offered, tuple[list[_Part], NDArray[np.bool_]]] = field(default_factory=dict, repr=False)

    @property
    def serves(self) -> bool:
        """Whether a part's pieces follow from what is before it: a class token is asked for by the head behind."""
        return not any(HEADS.get(kind).wants_token for kind in self.space.head.kinds)

    @cached_property
    def levels(self) -> int:
        """The most maps of stages that a head of the space reads."""
        heads = self.space.head.options.values()
        if any(prod(map(len, named.values())) > MANY for named in heads):
            return len(self.space.stages)  # a head can read no more, and to go through all would take long
        return max(
            levels_read(kind, dict(zip(named, values, strict=True)))
            for kind, named in self.space.head.options.items()
            for values in product(*named.values())
        )

    def _parts(self, offered: Offered) -> tuple[list[_Part], NDArray[np.bool_]]:
        """Return the parts, which keep what holds for these domains, and the decisions `(decisions, parts)` of each."""
        if offered not in self.parts:
            indices, names = (STEM, *range(len(self.space.stages)), HEAD), [name for name, _ in offered]
            own = np.array([[_owns(index, name) for index in indices] for name in names], np.bool_)
            own = own.reshape(len(names), len(indices))  # of a space without decisions too
            none = np.zeros((1, len(self.sums)))
            found = [_Part(index, np.flatnonzero(own[:, i]).tolist(), none) for i, index in enumerate(indices)]
            self.parts[offered] = found, own
        return self.parts[offered]

    def __call__(self, domains: Mapping[str, Domain], codes: Codes) -> dict[str, Values]:
        """Return the costs of points `(points,)` by name. `domains` holds the values that the codes stand for."""
        offered = tuple(domains.items())
        parts, owned = self._parts(offered)
        weights = _weights(self.levels + len(offered))
        own, looked_up = codes @ (owned * weights[self.levels :, None]), []
        last = np.zeros((len(codes), 1), np.int32)
        maps = np.zeros((len(codes), self.levels), np.int32)  # of the latest stages, which a head may read
        for i, part in enumerate(parts):
            incoming = maps if part.index == HEAD and self.levels > 1 else last
            keys = own[:, i] + incoming @ weights[: incoming.shape[1]]
            rows = np.searchsorted(part.keys, keys)
            unknown = part.keys[rows] != keys
            if unknown.any():
                self._learn(part, offered, keys[unknown], incoming[unknown], codes[unknown])
                rows = np.searchsorted(part.keys, keys)
            looked_up.append((part, rows))
            last = part.outgoing[rows, None]
            if part.index >= 0 and self.levels > 1:
                maps = np.where(part.stands[rows, None], np.concatenate([maps[:, 1:], last], axis=1), maps)
        self._count([part for part in parts if part.uncounted])
        total = np.zeros((len(codes), len(self.sums)))
        for part, rows in looked_up:
            total += part.costs[rows]
        return {name: found.total(total[:, i]) for i, (name, found) in enumerate(self.sums.items())}

    def _learn(self, part: _Part, offered: Offered, keys: Keys, maps: NDArray[np.int32], codes: Codes) -> None:
        """Take a part apart for the maps and the decisions of points with keys that are new to it."""
        keys, first = np.unique(keys, return_index=True)
        known, own = list(self.maps), [offered[j] for j in part.columns]
        found = [self._apart(part, [known[m] for m in maps[i]], _decoded(own, codes[i, part.columns])) for i in first]
        outgoing = [self.maps.setdefault(shape, len(self.maps)) for _, shape in found]
        at = np.searchsorted(part.keys, keys)
        part.keys = np.insert(part.keys, at, keys)
        part.costs = np.insert(part.costs, at, 0.0, axis=0)
        part.outgoing = np.insert(part.outgoing, at, outgoing)
        part.stands = np.insert(part.stands, at, [bool(pieces) for pieces, _ in found])
        part.uncounted.update({int(key): pieces for key, (pieces, _) in zip(keys, found, strict=True)})

    def _count(self, parts: Sequence[_Part]) -> None:
        """Add up the costs of what was taken apart, of all `parts` together, since to foretell times takes its time."""
        rows = [pieces for part in parts for pieces in part.uncounted.values()]
        every = [piece for pieces in rows for piece in pieces]
        of = np.repeat(np.arange(len(rows)), [len(pieces) for pieces in rows])
        found = np.zeros((len(rows), len(self.sums)))
        for i, one in enumerate(self.sums.values() if rows else ()):
            np.add.at(found[:, i], of, one.shares(every))
        for part in parts:
            count = len(part.uncounted)
            part.costs[np.searchsorted(part.keys, list(part.uncounted))] = found[:count]
            part.uncounted.clear()
            found = found[count:]

    def _apart(
        self, part: _Part, maps: Sequence[Shape], decisions: Mapping[str, Scalar]
    ) -> tuple[Sequence[Piece], Shape]:
        """Take one part apart into pieces, and say what it hands on. It is given the last map, the head several."""
        space, walk = self.space, Traversal(completing(decisions))
        if part.index == STEM:
            side = int(walk.ask(space.resolution, "resolution"))
            stem = stem_piece(walk.stem(space.stem), space.channels, side)
            return [stem], (stem.width, *stem.out_resolution)
        width, *sides = maps[-1]
        if part.index == HEAD:
            head = walk.head(space.head, space.stages[-1].kinds[0])  # as no head asks for a token, any block will do
            return [head_piece(head, tuple(m for m in maps if m != NONE), False, space.classes)], maps[-1]
        stage = walk.stage(space.stages[part.index], part.index)
        if stage is None:
            return [], maps[-1]
        blocks = stage_pieces(stage, width, (sides[0], sides[1]), False)
        return blocks, (stage.width, *blocks[-1].out_resolution)


def keys_of(codes: Codes) -> list[int]:
    """Return what tells points apart, a number of 64 bits each. That two of 100,000 have the same has odds of 1e-7."""
    found: list[int] = (codes @ _weights(codes.shape[1])).tolist()
    return found


@cache
def _weights(count: int) -> Keys:
    """Odd numbers by which so many small ones add up to a key."""
    return np.random.default_rng(0).integers(0, 2**63, count, np.int64) | 1


def _decoded(own: Sequence[tuple[str, Domain]], codes: Codes) -> dict[str, Scalar]:
    return {name: values[code - 1] for (name, values), code in zip(own, codes.tolist(), strict=True) if code}
