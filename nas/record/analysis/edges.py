"""Choices of a front that pile up at the edge of what its space offers, where a wider space may have better ones."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nas import document
from nas.evaluation.catalogue import objective
from nas.network.options import Scalar
from nas.record.folders import SPACE
from nas.record.results import Result
from nas.record.run import Run
from nas.space.schema import SpaceFile, fields
from nas.space.space import placed
from nas.training.chance import so_many

FEWEST = 4  # networks, or stages with an option, below which nothing piles up
SHARE = 0.6  # of them, from which a value piles up
DOUBT = 0.2  # the chance that any edge is named though no value is better than another, by Bonferroni's correction
LEAST = {"kernel_size": 3}  # below which no value helps, as 1 mixes no pixels; of others 0 or 1
Offered = tuple[Scalar, ...]
Choice = tuple[str, str, str, Offered]


@dataclass(frozen=True)
class Edge:
    """A value at the edge of those offered, in `hits` of `count` networks, or of stages for a block's option.

    `what` is `depth`, `width` or an option of a `block`; `where` names the part, `stem` or `stage 2`, empty for an
    option, which counts in all stages.
    """

    what: str
    where: str
    block: str
    value: Scalar
    largest: bool
    hits: int
    count: int


def edges(run: Run, front: Sequence[Result]) -> list[Edge]:
    """Return where a front's choices pile up at an edge, by more than chance.

    Each decision is drawn evenly among the values that it is offered, so a value comes by chance with the share of one
    among them. Networks of a front resemble one another, so a share that is no chance may still be an inheritance.
    Where costs are weighed too, small networks stand at one end of the front whatever the space offers, so a value must
    pile up in the better half by the first trained objective as well.
    """
    if len(front) < FEWEST:
        return []
    space = fields(document.read(run.folder / SPACE))
    values: dict[Choice, list[Scalar]] = defaultdict(list)
    of_better: dict[Choice, list[Scalar]] = defaultdict(list)
    better = _better_half(run, front)
    for result in front:
        for what, where, block, offered, value in _choices(result, space):
            values[what, where, block, offered].append(value)
            if result.number in better:
                of_better[what, where, block, offered].append(value)
    found = [
        (Edge(what, where, block, edge, largest, chosen.count(edge), len(chosen)), choice)
        for choice, chosen in values.items()
        for what, where, block, offered in (choice,)
        for largest, edge in ((True, max(offered)), (False, min(offered)))
        if len(chosen) >= FEWEST and (largest or edge not in (0, 1, LEAST.get(what)))
    ]
    return [
        edge
        for edge, choice in found
        if _piles_up(edge, 1 / len(choice[-1]), DOUBT / len(found))
        and of_better[choice].count(edge.value) >= SHARE * len(of_better[choice]) > 0
    ]


def _better_half(run: Run, front: Sequence[Result]) -> set[int]:
    """Return the numbers of the better half of a front by the first trained objective, of all where there is none."""
    if not run.judged or len(run.config.objectives) == 1:
        return {result.number for result in front}
    sign = objective(run.judged).sign
    ranked = sorted(front, key=lambda result: -sign * result.metrics[run.judged])
    return {result.number for result in ranked[: -(-len(front) // 2)]}


def _piles_up(edge: Edge, share: float, doubt: float) -> bool:
    return edge.hits >= SHARE * edge.count and so_many(edge.hits, edge.count, share) < doubt


def _choices(result: Result, space: SpaceFile) -> Iterator[tuple[str, str, str, Offered, Scalar]]:
    """Yield a network's free choices among numbers: what, where, of which block, what was offered, what was chosen.

    A choice that another one narrowed has the other's value in its name, so it is not found under its own.
    """
    network, free = result.architecture, result.trial.decisions
    chosen: list[tuple[str, str, str, str, Offered, Scalar]] = [
        ("stem.width", "width", "stem", "", space.stem.width, network.stem.width)
    ]
    for i, stage in placed(free, network).items():
        keys, where = space.stages[i], f"stage {i}"
        chosen += [
            (f"stages.{i}.depth", "depth", where, "", tuple(depth for depth in keys.depth if depth), stage.depth),
            (f"stages.{i}.width", "width", where, "", keys.width, stage.width),
        ]
        chosen += [
            (f"stages.{i}.{stage.block}.{option}", option, "", stage.block, offered, stage.options[option])
            for option, offered in keys.blocks.get(stage.block, {}).items()
        ]
    for name, what, where, block, offered, value in chosen:
        if (
            name in free
            and len(offered) > 1
            and all(isinstance(v, int | float) and not isinstance(v, bool) for v in offered)
        ):
            yield what, where, block, offered, value
