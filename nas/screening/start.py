"""The first proposals: spread over the space, and over what is known of every candidate."""

import numpy as np

from nas.screening.screen import Known
from nas.screening.tree import Codes, Tree

POOL, NEAR = 500, 20


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
    if not len(codes):
        return np.asarray(pool[0])
    unlike = (pool[:, None] != codes[None]).mean(axis=2).min(axis=1)
    return np.asarray(pool[np.argmax(unlike)])


def level(index: int) -> float:
    """0, 1, 1/2, 1/4, 3/4, 1/8, ...: the ends, then always the middles of what is open (van der Corput, 1935)."""
    if index < 2:
        return float(index)
    digits = np.binary_repr(index - 1)
    return sum(int(bit) / 2 ** (i + 1) for i, bit in enumerate(reversed(digits)))
