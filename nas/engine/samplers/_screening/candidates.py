"""Where to look for the next point: spread over the space at first, then bred from the front and climbed."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from nas.engine.samplers._screening.domains import ordered
from nas.engine.samplers._screening.evidence import Costs
from nas.engine.samplers._screening.feasibility import Feasibility
from nas.engine.samplers._screening.models import MANY, encoder
from nas.engine.samplers._screening.tree import Codes, Tree
from nas.evaluation.cost_table import keys_of

Acquisition = Callable[[Codes], NDArray[np.float64]]
"""How much each point is worth trying, more being better."""

RANDOM, OFFSPRING, ELITE = 50, 200, 60
CHOICE = 5  # points for each that is to be chosen
GENERATIONS, CLIMBS, CLIMBERS = 3, 12, 6
NEAREST = 600  # neighbours looked at in a step of climbing, drawn where there are more
FEWEST, MOST = 10, 30  # proposals that are spread out before a model chooses
POOL, NEAR = 500, 20
LIKELY = float(np.log(0.5))  # a chance of success beyond which points count alike


def search(
    tree: Tree, parents: Codes, acquisition: Acquisition, rng: np.random.Generator, taken: set[int], count: int = 1
) -> Codes:
    """Points that are not taken, the most valuable first: several for each of the `count` that will be chosen."""
    elite = max(ELITE, CHOICE * count)
    fresh = _Fresh(taken)
    start = [tree.draw(RANDOM, rng)] + ([breed(parents, tree, rng)] if len(parents) else [])
    points = fresh(np.concatenate(start))
    if not len(points):
        return points
    worth = acquisition(points)
    for step in range(GENERATIONS + CLIMBS):
        best = np.argsort(-worth, kind="stable")[:elite]
        points, worth = points[best], worth[best]
        climbing = step >= GENERATIONS
        more = neighbours(points[:CLIMBERS], tree, rng) if climbing else breed(points, tree, rng)
        more = fresh(more if len(more) <= NEAREST else more[rng.choice(len(more), NEAREST, replace=False)])
        found = acquisition(more) if len(more) else np.empty(0)
        if climbing and not (found > worth[0]).any():
            break
        points, worth = np.concatenate([points, more]), np.concatenate([worth, found])
    return points[np.argsort(-worth, kind="stable")]


class _Fresh:
    """Lets each point through once, and none that is taken."""

    def __init__(self, taken: set[int]) -> None:
        self.seen = set(taken)

    def __call__(self, points: Codes) -> Codes:
        new = {key: i for i, key in enumerate(keys_of(points)) if key not in self.seen}
        self.seen |= new.keys()
        return points[list(new.values())]


def breed(parents: Codes, tree: Tree, rng: np.random.Generator, count: int = OFFSPRING) -> Codes:
    """Children of random parents: half of them of two, by uniform crossover, with one or a few decisions redrawn."""
    ours, theirs = (parents[rng.integers(len(parents), size=count)] for _ in range(2))
    crossed = (rng.random(count) < 0.5)[:, None] & (rng.random(ours.shape) < 0.5)
    children = np.where(crossed, theirs, ours)
    arising = np.maximum((children > 0).sum(axis=1, keepdims=True), 1)
    redrawn = rng.random(children.shape) < (1 + rng.poisson(1.0, (count, 1))) / arising
    return tree.settle(np.where(redrawn, 0, children).astype(np.int32), rng)


def neighbours(points: Codes, tree: Tree, rng: np.random.Generator) -> Codes:
    """The points that differ from one of these in one decision, and in what follows from it."""
    sizes = [len(values) for values in tree.domains.values()]
    where, code = np.repeat(np.arange(len(sizes)), sizes), np.concatenate([np.arange(1, size + 1) for size in sizes])
    now = points[:, where].T
    change, point = np.nonzero((now > 0) & (now != code[:, None]))
    changed = points[point]
    changed[np.arange(len(change)), where[change]] = code[change]
    return tree.settle(changed, rng)


def starts(tree: Tree) -> int:
    """The number of proposals to spread out: enough to try each value of a decision without order once."""
    words = [len(values) for values in tree.domains.values() if not ordered(values)]
    return min(max([FEWEST, *words]), MOST)


def spread(tree: Tree, proposed: Codes, costs: Costs, rng: np.random.Generator, feasibility: Feasibility) -> Codes:
    """A point unlike those proposed so far, or none where every one was proposed.

    Points that are likely to break a limit come last. Where the cost of an objective is known, points lie at the ends,
    the middle, the quarters ... of its range in turn.
    """
    turn, objective = divmod(len(proposed), max(len(costs.columns), 1))
    names = [name for name, _ in costs.columns.values()]
    taken = set(keys_of(proposed))
    if names and turn < 2:
        return search(tree, proposed, _extreme(tree, costs, names[objective], (-1, 1)[turn]), rng, taken)[:1]
    pool = _pool(tree, proposed, costs, rng, taken, feasibility)
    if not len(pool):
        return pool
    table = costs.table(tree, pool)
    kept = _likely(feasibility(pool, table))
    pool, table = pool[kept], {name: values[kept] for name, values in table.items()}
    if names:
        so_far = costs.table(tree, proposed)[names[objective]]
        wanted = so_far.min() + level(turn - 2) * np.ptp(so_far)
        pool = pool[np.argsort(np.abs(table[names[objective]] - wanted), kind="stable")[:NEAR]]
    return pool[[np.argmax(_novelty(tree, pool, proposed))]]


def _pool(
    tree: Tree, proposed: Codes, costs: Costs, rng: np.random.Generator, taken: set[int], feasibility: Feasibility
) -> Codes:
    """Points to choose from: random ones, or where trials told of limits those found likely to keep them."""

    def acquisition(codes: Codes) -> NDArray[np.float64]:
        return np.minimum(feasibility(codes, costs.table(tree, codes)), LIKELY)

    if feasibility.limits:
        return search(tree, proposed, acquisition, rng, taken, POOL // CHOICE)[:POOL]
    drawn = tree.draw(POOL, rng)
    pool = drawn[np.sort(np.unique(drawn, axis=0, return_index=True)[1])]  # as drawn, since costs may tie
    return np.asarray(pool[[key not in taken for key in keys_of(pool)]])


def _likely(chance: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which points, by the logarithms of their chances, are likely to succeed, or else the likeliest few."""
    possible = chance > -np.inf
    enough = min(np.sort(chance)[-NEAR:].min(), LIKELY)
    return np.asarray((chance >= enough) & (possible | ~possible.any()))


def _extreme(tree: Tree, costs: Costs, name: str, sign: int) -> Acquisition:
    """Prefer points at one end of a cost, and last those that break a limit."""

    def acquisition(codes: Codes) -> NDArray[np.float64]:
        table = costs.table(tree, codes)
        return np.where(costs.within(table, len(codes)), sign * table[name], -np.inf)

    return acquisition


def _novelty(tree: Tree, pool: Codes, proposed: Codes) -> NDArray[np.float64]:
    """The share of a point's values that are new, then its distance from the nearest point.

    A decision counts by how often it arose: a new block comes before a new option of a rare one.
    """
    if not len(proposed):
        return np.zeros(len(pool))
    few = np.array([len(values) <= MANY or not ordered(values) for values in tree.domains.values()])
    weight = few * (proposed > 0).mean(axis=0)
    new = [weight[j] * (~np.isin(pool[:, j], proposed[:, j]) & (pool[:, j] > 0)) for j in range(pool.shape[1])]
    features = encoder(tree)
    unlike = cdist(features(pool), features(proposed)).min(axis=1)
    return np.asarray(np.sum(new, axis=0) / np.maximum((pool > 0).sum(axis=1), 1) + 1e-3 * unlike)


def level(index: int) -> float:
    """1/2, 1/4, 3/4, 1/8, ...: always a middle between earlier ones (van der Corput, 1935)."""
    return sum(int(bit) * 0.5 ** (i + 1) for i, bit in enumerate(reversed(np.binary_repr(index + 1))))
