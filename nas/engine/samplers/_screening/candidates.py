"""Where to look for the next architecture: the front's offspring and random ones, bred by a score, then climbed."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from nas.engine.samplers._screening.tree import Codes, Tree

Score = Callable[[Codes], NDArray[np.float64]]
RANDOM, OFFSPRING, ELITE = 500, 500, 60
GENERATIONS, CLIMBS, CLIMBERS = 3, 12, 8
NEAREST = 600  # neighbours that are looked at in a step of climbing, drawn where there are more


def breed(parents: Codes, tree: Tree, count: int, rng: np.random.Generator) -> Codes:
    """Children of random parents: half of them of two, by uniform crossover, with one or a few decisions redrawn."""
    ours, theirs = (parents[rng.integers(len(parents), size=count)] for _ in range(2))
    crossed = (rng.random(count) < 0.5)[:, None] & (rng.random(ours.shape) < 0.5)
    children = np.where(crossed, theirs, ours)
    arising = np.maximum((children > 0).sum(axis=1, keepdims=True), 1)
    redrawn = rng.random(children.shape) < (1 + rng.poisson(1.0, (count, 1))) / arising
    return tree.settle(np.where(redrawn, 0, children).astype(np.int16), rng)


def neighbours(points: Codes, tree: Tree, rng: np.random.Generator) -> Codes:
    """The points that differ from one of these in one decision, and in what follows from it."""
    found = []
    for j, values in enumerate(tree.domains.values()):
        arising = points[points[:, j] > 0]
        for code in range(1, len(values) + 1):
            changed = arising[arising[:, j] != code]
            changed[:, j] = code
            found.append(changed)
    return tree.settle(np.concatenate(found), rng)


def search(tree: Tree, parents: Codes, score: Score, rng: np.random.Generator, taken: set[bytes]) -> Codes | None:
    """The best-scored point that is not taken; None where none was found."""
    fresh = _Fresh(taken)
    start = [tree.draw(RANDOM, rng)] + ([breed(parents, tree, OFFSPRING, rng)] if len(parents) else [])
    points = fresh(np.concatenate(start))
    if not len(points):
        return None
    scores = score(points)
    for step in range(GENERATIONS + CLIMBS):
        best = np.argsort(-scores, kind="stable")[:ELITE]
        points, scores = points[best], scores[best]
        climbing = step >= GENERATIONS
        more = neighbours(points[:CLIMBERS], tree, rng) if climbing else breed(points, tree, OFFSPRING, rng)
        more = fresh(more if len(more) <= NEAREST else more[rng.choice(len(more), NEAREST, replace=False)])
        found = score(more) if len(more) else np.empty(0)
        if climbing and not (found > scores[0]).any():
            break
        points, scores = np.concatenate([points, more]), np.concatenate([scores, found])
    return np.asarray(points[np.argmax(scores)])


class _Fresh:
    """Lets each point through once, and none that is taken."""

    def __init__(self, taken: set[bytes]) -> None:
        self.taken, self.seen = taken, set[bytes]()

    def __call__(self, points: Codes) -> Codes:
        keep = []
        for i, point in enumerate(points):
            key = point.tobytes()
            if key not in self.seen and key not in self.taken:
                self.seen.add(key)
                keep.append(i)
        return points[keep]
