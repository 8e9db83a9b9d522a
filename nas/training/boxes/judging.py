"""Judge a detector by its answers for the test part: count them, class by class, and choose images to look at."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nas.data.boxes import CLASS, Floats, H, W, X, Y, counted
from nas.training.boxes.found import THRESHOLD
from nas.training.boxes.mistakes import Scene, examine
from nas.training.boxes.precision import class_precisions
from nas.training.boxes.verdict import KINDS, BoxVerdict, ClassBoxes, Drawn, Shown
from nas.training.tasks import Predictions

SHOWN = 4  # images of a group
SCORES = np.arange(1, 100) / 100  # hundredths, of which one is noted


@dataclass(frozen=True)
class _View:
    """An image of the test part with what was found in it, to choose by.

    `mistakes` are objects that were missed, and answers that are not right.
    """

    row: int
    boxes: tuple[Drawn, ...]
    objects: int
    missed: int
    doubled: int
    mistakes: int
    overlap: float

    @classmethod
    def of(cls, row: int, scene: Scene, targets: Floats) -> "_View":
        """Sum an image up by the answers for it and its targets."""
        true = np.flatnonzero(counted(targets)).tolist()
        answers = [answer for answer in scene.answers if answer.kind in KINDS]
        drawn = [_true(targets[i], "missed" if i in scene.missed else "true") for i in true]
        drawn += [Drawn(a.kind, a.label, a.box, a.score) for a in reversed(answers)]
        right = [answer.overlap for answer in answers if answer.kind == "found"]
        return cls(
            row,
            tuple(drawn),
            len(true),
            len(scene.missed),
            scene.count("doubled"),
            len(scene.missed) + len(answers) - len(right),
            sum(right) / max(len(right), 1),
        )


GROUPS: tuple[tuple[str, Callable[[_View], bool], Callable[[_View], tuple[float, ...]]], ...] = (
    ("worst", lambda view: view.mistakes > 0, lambda view: (view.mistakes, -view.objects)),
    ("missed", lambda view: view.missed > 0, lambda view: (view.missed, view.mistakes)),
    ("doubled", lambda view: view.doubled > 0, lambda view: (view.doubled, view.mistakes)),
    ("best", lambda view: view.objects > view.missed, lambda view: (-view.mistakes, view.objects, view.overlap)),
)
"""Images to look at: a group's name, which images may be in it, and by what those come first that are shown."""


def best_threshold(predictions: Predictions) -> float:
    """Return the score in hundredths from which on answers have the highest F1, the highest of several.

    It is the usual one where no answer is right. F1 weighs objects that are missed like answers that are wrong. An
    answer is what it is whatever comes below it, so one look at all of them tells of every score.
    """
    outputs, targets = (part.float().numpy() for part in predictions)
    pairs = zip(outputs, targets, strict=True)
    answers = [one for pair in pairs for one in examine(*pair, 0.0).answers if one.kind in KINDS]
    said, right = _from_on(one.score for one in answers), _from_on(one.score for one in answers if one.kind == "found")
    if not right.any():
        return THRESHOLD
    f1 = 2 * right / (counted(targets).sum() + said)
    return float(SCORES[np.flatnonzero(f1 == f1.max())[-1]])


def _from_on(scores: Iterable[float]) -> NDArray[np.int64]:
    """Count for each of SCORES how many are as high or higher."""
    ordered = np.sort(np.fromiter(scores, np.float64))
    return len(ordered) - np.searchsorted(ordered, SCORES)


def judge_boxes(predictions: Predictions, classes: int, threshold: float = THRESHOLD) -> BoxVerdict:
    """Judge a detector of so many classes by its predictions for the test part, on the processor."""
    outputs, targets = (part.float().numpy() for part in predictions)
    scenes = [examine(answer, target, threshold) for answer, target in zip(outputs, targets, strict=True)]
    true = targets[counted(targets)][:, CLASS].astype(int).tolist()
    said = [(answer.label, str(answer.kind)) for scene in scenes for answer in scene.answers]
    objects, answers, precisions = Counter(true), Counter(said), class_precisions(predictions)
    table = [
        ClassBoxes(label, objects[label], *precisions.get(label, (None, None)), **{k: answers[label, k] for k in KINDS})
        for label in range(classes)
    ]
    views = [_View.of(row, *one) for row, one in enumerate(zip(scenes, targets, strict=True))]
    return BoxVerdict(threshold, tuple(table), tuple(_chosen(views)))


def _chosen(views: Sequence[_View]) -> list[Shown]:
    """Choose images for each group, none for two: what went wrong is shown before what went well."""
    left, found = list(views), []
    for group, fits, rank in GROUPS:
        first = sorted(filter(fits, left), key=rank, reverse=True)[:SHOWN]
        left = [view for view in left if view not in first]
        found += [Shown(group, view.row, view.boxes) for view in first]
    return found


def _true(row: Floats, kind: str) -> Drawn:
    x, y, w, h = row[[X, Y, W, H]].tolist()
    return Drawn(kind, int(row[CLASS]), (x, y, w, h))
