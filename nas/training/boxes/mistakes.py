"""What a network drew on one image, box by box: right, twice, by a wrong name, or where nothing is; and what it missed.

Kinds of error as after TIDE, https://arxiv.org/abs/2008.08115 (section 2.2), without those that come of a poor place:
a box that overlaps no object by half of their union shows nothing.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from faster_coco_eval import mask
from numpy.typing import NDArray

from nas.data.boxes import CLASS, CROWD, H, W, X, Y, held, upper_left

OVERLAP = 0.5  # of the union, from which a box shows an object

Floats = NDArray[np.floating[Any]]
Kind = Literal["found", "doubled", "misnamed", "background", "crowd"]


@dataclass(frozen=True)
class Answer:
    """A box that a network drew: centre, width and height as shares of the sides, the class and how sure it is.

    `found`: it is the first to show an object of its class. `doubled`: it shows one that was found before.
    `misnamed`: it shows an object of another class. `background`: it shows nothing. `crowd`: it lies in an area that
    is neither right nor wrong. `truth` is the row of the targets that it shows, None for background, and `overlap` the
    share of the union (of the answer itself for a crowd). `query` is the number of the query that answered.
    """

    box: tuple[float, float, float, float]
    label: int
    score: float
    kind: Kind
    truth: int | None = None
    overlap: float = 0.0
    query: int = field(default=-1, compare=False)


@dataclass(frozen=True)
class Scene:
    """The answers for an image, the surest first, and the rows of the targets that none of them found."""

    answers: tuple[Answer, ...]
    missed: tuple[int, ...]

    def count(self, kind: Kind) -> int:
        """Count the answers of one kind."""
        return sum(answer.kind == kind for answer in self.answers)


def examine(outputs: Floats, targets: Floats, least: float = 0.5) -> Scene:
    """Hold a network's outputs for an image, `(queries, 4 + classes)`, against its targets, `(most, 6)`.

    A query answers with its likeliest class, if that has a score of at least `least`. Each answer in turn, the surest
    first, takes of the objects of its class that are left the one that it overlaps most.
    """
    outputs = np.nan_to_num(np.asarray(outputs, np.float64))
    scores, labels = outputs[:, 4:].max(1), outputs[:, 4:].argmax(1)
    order = np.argsort(-scores, kind="stable")
    order = order[scores[order] >= least]
    rows = np.flatnonzero(held(targets))
    truths = np.asarray(targets, np.float64)[rows]
    overlaps = _overlaps(outputs[order, :4], truths)
    taken = np.zeros(len(rows), bool)
    answers = []
    for query, overlap in zip(order, overlaps, strict=True):
        kind, place = _judge(int(labels[query]), overlap, truths, taken)
        x, y, w, h = outputs[query, :4].tolist()
        truth, share = (None, 0.0) if place is None else (int(rows[place]), float(overlap[place]))
        label, score = int(labels[query]), float(scores[query])
        answers.append(Answer((x, y, w, h), label, score, kind, truth, share, int(query)))
    missed = rows[~taken & (truths[:, CROWD] == 0)]
    return Scene(tuple(answers), tuple(missed.tolist()))


def _judge(label: int, overlap: Floats, truths: Floats, taken: NDArray[np.bool_]) -> tuple[Kind, int | None]:
    """Tell what an answer is, and which of the true boxes it shows, which is taken from then on if it is found."""
    same, crowd = truths[:, CLASS] == label, truths[:, CROWD] != 0
    kinds: tuple[tuple[Kind, NDArray[np.bool_]], ...] = (
        ("found", same & ~crowd & ~taken),
        ("doubled", same & ~crowd & taken),
        ("crowd", same & crowd),
        ("misnamed", ~same & ~crowd),
    )
    for kind, offered in kinds:
        shown = np.where(offered, overlap, 0)
        if shown.max(initial=0) >= OVERLAP:
            place = int(shown.argmax())
            taken[place] |= kind == "found"
            return kind, place
    return "background", None


def _overlaps(boxes: Floats, truths: Floats) -> Floats:
    """Return the overlap of every box (rows) with every true one (columns), for crowds as COCO counts it."""
    if not len(boxes) or not len(truths):
        return np.zeros((len(boxes), len(truths)))
    found = mask.iou(
        upper_left(boxes), upper_left(truths[:, [X, Y, W, H]]), (truths[:, CROWD] != 0).astype(int).tolist()
    )
    return np.asarray(found, np.float64)
