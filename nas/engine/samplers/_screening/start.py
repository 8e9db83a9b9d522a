"""The first proposals: spread over the space, and over what is known of every candidate."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from nas.engine.samplers._screening.candidates import Score, search
from nas.engine.samplers._screening.encoding import MANY, encode
from nas.engine.samplers._screening.screen import Known
from nas.engine.samplers._screening.tree import Codes, Tree

FEWEST, MOST = 10, 30  # proposals that are spread out before a model chooses
POOL, NEAR = 500, 20


def start(tree: Tree) -> int:
    """How many proposals are spread out: enough for each word of a decision to be tried once."""
    words = [len(values) for values in tree.domains.values() if isinstance(values[0], str)]
    return min(max([FEWEST, *words]), MOST)


def spread(tree: Tree, codes: Codes, known: Known, rng: np.random.Generator) -> Codes | None:
    """A point unlike those that were proposed; None where every one was.

    Where an objective is known, the points lie at the ends, the middle, the quarters ... of its range in turn.
    """
    taken = {code.tobytes() for code in codes}
    turn, objective = divmod(len(codes), max(len(known.columns), 1))
    names = [name for name, _ in known.columns.values()]
    if names and turn < 2:
        return search(tree, codes, _extreme(tree, known, names[objective], (-1, 1)[turn]), rng, taken)
    pool = np.unique(tree.draw(POOL, rng), axis=0)
    pool = pool[[point.tobytes() not in taken for point in pool]]
    table = known.table(tree, pool)
    inside = known.within(table, len(pool))
    if inside.any():
        pool, table = pool[inside], {name: values[inside] for name, values in table.items()}
    if not len(pool):
        return None
    if names:
        ends = known.table(tree, codes)[names[objective]]
        wanted = ends.min() + level(turn - 2) * np.ptp(ends)
        pool = pool[np.argsort(np.abs(table[names[objective]] - wanted), kind="stable")[:NEAR]]
    return np.asarray(pool[np.argmax(_novelty(tree, pool, codes))])


def _extreme(tree: Tree, known: Known, name: str, sign: int) -> Score:
    """Scores points by a known value; those that break a limit come last."""

    def score(codes: Codes) -> NDArray[np.float64]:
        table = known.table(tree, codes)
        return np.where(known.within(table, len(codes)), sign * table[name], -np.inf)

    return score


def _novelty(tree: Tree, pool: Codes, codes: Codes) -> NDArray[np.float64]:
    """First how much of a point has values that no point had, then how far it is from the nearest.

    A decision counts by how often it arose: a new block comes before a new option of a rare one.
    """
    if not len(codes):
        return np.zeros(len(pool))
    few = np.array([len(values) <= MANY or isinstance(values[0], str) for values in tree.domains.values()])
    weight = few * (codes > 0).mean(axis=0)
    new = [weight[j] * (~np.isin(pool[:, j], codes[:, j]) & (pool[:, j] > 0)) for j in range(pool.shape[1])]
    unlike = cdist(encode(tree, pool), encode(tree, codes)).min(axis=1)
    return np.asarray(np.sum(new, axis=0) / np.maximum((pool > 0).sum(axis=1), 1) + 1e-3 * unlike)


def level(index: int) -> float:
    """1/2, 1/4, 3/4, 1/8, ...: always the middles of what is open (van der Corput, 1935)."""
    return sum(int(bit) * 0.5 ** (i + 1) for i, bit in enumerate(reversed(np.binary_repr(index + 1))))
