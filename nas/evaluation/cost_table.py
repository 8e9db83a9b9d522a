"""Costs of thousands of a space's points at once: codes in, arrays out.

A cost that is a sum over a network's pieces is one over its parts, and the pieces of a part follow from its own
decisions and from the map that comes in, or the maps that the head reads. So each part is taken apart once for every
two of these; points are looked up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product, repeat
from math import prod
from typing import Any

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


Shape = tuple[int, int, int]
"""The map that a part hands on to the next: channels, height and width."""
NONE: Shape = (0, 0, 0)


@dataclass
class _Part:
    """The stem (-1), a stage, or the head: its costs and what it hands on, by its decisions and what comes in.

    Of a stage that is left out, `stands` is false.
    """

    index: int
    costs: Values
    outgoing: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    stands: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, np.bool_))
    rows: dict[bytes, int] = field(default_factory=dict)

    def owns(self, name: str) -> bool:
        decision = Decision.parse(name)
        if decision.part == "stages":
            return decision.stage == self.index
        return self.index == (HEAD if decision.part == "head" else STEM)


STEM, HEAD = -1, -2
MANY = 1000  # sets of options of a head


@dataclass(frozen=True)
class CostTable:
    """The costs by name of a space's points that are `sums` over pieces."""

    space: SearchSpace
    sums: Mapping[str, Sum]
    maps: dict[Shape, int] = field(default_factory=lambda: {NONE: 0}, repr=False)
    parts: dict[tuple[tuple[str, Domain], ...], list[tuple[_Part, list[int]]]] = field(default_factory=dict, repr=False)

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

    def _parts(self, offered: tuple[tuple[str, Domain], ...]) -> list[tuple[_Part, list[int]]]:
        """Return the parts, each with the columns of its decisions; what they keep holds for these domains."""
        if offered not in self.parts:
            none = np.empty((0, len(self.sums)))
            found = [_Part(index, none) for index in (STEM, *range(len(self.space.stages)), HEAD)]
            own = [[j for j, (name, _) in enumerate(offered) if part.owns(name)] for part in found]
            self.parts[offered] = list(zip(found, own, strict=True))
        return self.parts[offered]

    def __call__(self, domains: Mapping[str, Domain], codes: Codes) -> dict[str, Values]:
        """Return the costs of points `(points,)` by name. `domains` holds the values that the codes stand for."""
        total, last = np.zeros((len(codes), len(self.sums))), np.zeros(len(codes), np.int32)
        maps = np.zeros((len(codes), self.levels), np.int32)  # of the latest stages, which a head may read
        offered = tuple(domains.items())
        for part, own in self._parts(offered):
            keyed = np.column_stack([maps if part.index == HEAD else last, codes[:, own]])
            rows = self._rows(part, keyed, [offered[j] for j in own])
            total, last = total + part.costs[rows], part.outgoing[rows]
            if part.index >= 0:
                maps = np.where(part.stands[rows, None], np.column_stack([maps[:, 1:], last]), maps)
        return {name: found.total(total[:, i]) for i, (name, found) in enumerate(self.sums.items())}

    def _rows(self, part: _Part, keyed: Codes, own: Sequence[tuple[str, Domain]]) -> NDArray[np.intp]:
        """Look up the rows of a part, taking it apart where it was not seen yet."""
        keys = keys_of(keyed)
        rows = np.fromiter(map(part.rows.get, keys, repeat(-1)), np.intp, len(keys))
        if (rows < 0).any():
            new = {key: i for i, key in enumerate(keys) if key not in part.rows}
            known, incoming = list(self.maps), keyed.shape[1] - len(own)
            taken = [
                self._apart(part, [known[m] for m in keyed[i, :incoming]], _decoded(own, keyed[i, incoming:]))
                for i in new.values()
            ]
            outgoing = [self.maps.setdefault(shape, len(self.maps)) for _, shape in taken]
            part.rows |= {key: len(part.rows) + i for i, key in enumerate(new)}
            part.costs = np.concatenate([part.costs, self._added([pieces for pieces, _ in taken])])
            part.outgoing = np.concatenate([part.outgoing, np.array(outgoing, np.int32)])
            part.stands = np.concatenate([part.stands, [bool(pieces) for pieces, _ in taken]])
            return np.fromiter(map(part.rows.__getitem__, keys), np.intp, len(keys))
        return rows

    def _added(self, parts: Sequence[Sequence[Piece]]) -> Values:
        """Add up each part's pieces `(parts, sums)`."""
        pieces = [piece for part in parts for piece in part]
        of = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
        found = np.zeros((len(parts), len(self.sums)))
        for i, one in enumerate(self.sums.values()):
            np.add.at(found[:, i], of, one.shares(pieces))
        return found

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


def keys_of(codes: Codes) -> list[bytes]:
    """Return what tells the points apart, the bytes of each."""
    whole = np.ascontiguousarray(codes)
    found: list[Any] = whole.view(np.dtype((np.void, whole.itemsize * whole.shape[1]))).ravel().tolist()
    return found


def _decoded(own: Sequence[tuple[str, Domain]], codes: Codes) -> dict[str, Scalar]:
    return {name: values[code - 1] for (name, values), code in zip(own, codes.tolist(), strict=True) if code}
