"""The first proposals: spread over the space, and over what is known of every candidate."""

import numpy as np
from numpy.typing import NDArray

from nas.screening.screen import Known
from nas.screening.tree import Codes, Tree

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
    pool = np.unique(tree.draw(POOL, rng), axis=0)
    pool = pool[[point.tobytes() not in taken for point in pool]]
    table = known.table(tree, pool)
    inside = known.within(table, len(pool))
    if inside.any():
        pool, table = pool[inside], {name: values[inside] for name, values in table.items()}
    if not len(pool):
        return None
    if known.columns:
        name = list(known.columns.values())[len(codes) % len(known.columns)][0]
        values = table[name]
        wanted = values.min() + level(len(codes) // len(known.columns)) * np.ptp(values)
        pool = pool[np.argsort(np.abs(values - wanted), kind="stable")[:NEAR]]
    return np.asarray(pool[np.argmax(_novelty(pool, codes))])


def _novelty(pool: Codes, codes: Codes) -> NDArray[np.float64]:
    """First how much of a point has values that no point had, then how far it is from the nearest.

    A decision counts by how often it arose: a new block comes before a new option of a rare one.
    """
    if not len(codes):
        return np.zeros(len(pool))
    arises = (codes > 0).mean(axis=0)
    new = [arises[j] * (~np.isin(pool[:, j], codes[:, j]) & (pool[:, j] > 0)) for j in range(pool.shape[1])]
    unlike = (pool[:, None] != codes[None]).mean(axis=2).min(axis=1)
    return np.asarray(np.sum(new, axis=0) / np.maximum((pool > 0).sum(axis=1), 1) + 1e-3 * unlike)


def level(index: int) -> float:
    """0, 1, 1/2, 1/4, 3/4, 1/8, ...: the ends, then always the middles of what is open (van der Corput, 1935)."""
    if index < 2:
        return float(index)
    digits = np.binary_repr(index - 1)
    return sum(int(bit) * 0.5 ** (i + 1) for i, bit in enumerate(reversed(digits)))
