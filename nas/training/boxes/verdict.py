"""What a detector does on the test part beside its metrics: what it found, missed or made up, class by class, seen.

Reading one back needs no library of detection.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from nas.data.boxes import CLASS, CROWD, Floats, H, W, X, Y, held
from nas.files import Json
from nas.training.boxes.found import THRESHOLD
from nas.training.tasks import Predictions

if TYPE_CHECKING:
    from nas.training.boxes.mistakes import Scene

SHOWN = 4  # images of a group
KINDS = ("found", "doubled", "misnamed", "background")
"""What an answer may be, but for those in crowds, which do not count."""


@dataclass(frozen=True)
class Drawn:
    """A box to draw on an image: centre, width and height as shares of its sides.

    `kind` is what an answer is, `missed` of a true box that no answer showed, or `true` of one that was found. A true
    box has no `score`.
    """

    kind: str
    label: int
    box: tuple[float, float, float, float]
    score: float | None = None


@dataclass(frozen=True)
class Shown:
    """An image of the test part, by its row there, that is `best`, `worst`, `missed` or `doubled`, with its boxes."""

    group: str
    row: int
    boxes: tuple[Drawn, ...]

    def count(self, *kinds: str) -> int:
        """Count its boxes of some kinds."""
        return sum(box.kind in kinds for box in self.boxes)


@dataclass(frozen=True)
class ClassBoxes:
    """One class: its objects and answers of each kind, its average precision and that at an overlap of .5.

    The precisions are None for a class without an object.
    """

    label: int
    objects: int
    precision: float | None
    half: float | None
    found: int = 0
    doubled: int = 0
    misnamed: int = 0
    background: int = 0

    @property
    def missed(self) -> int:
        """The objects that no answer showed."""
        return self.objects - self.found


@dataclass(frozen=True)
class BoxVerdict:
    """Answers with a score of `threshold` or more, class by class, and images to look at."""

    threshold: float
    classes: tuple[ClassBoxes, ...]
    shown: tuple[Shown, ...]

    def count(self, kind: str) -> int:
        """Count answers of a kind, `objects`, or what was `missed`, over all classes."""
        return sum(getattr(one, kind) for one in self.classes)

    def to_dict(self) -> Json:
        """Return plain data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Json) -> "BoxVerdict":
        """Undo `to_dict`. Raises TypeError, KeyError or AttributeError for other data."""
        shown = tuple(
            Shown(one["group"], one["row"], tuple(Drawn(**box | {"box": tuple(box["box"])}) for box in one["boxes"]))
            for one in data["shown"]
        )
        return cls(data["threshold"], tuple(ClassBoxes(**one) for one in data["classes"]), shown)


@dataclass(frozen=True)
class _View:
    """An image of the test part with what was found in it, to choose by.

    `quality` is F1: the share that objects found and right answers are of all objects and answers, 1 without any.
    """

    row: int
    boxes: tuple[Drawn, ...]
    objects: int
    missed: int
    doubled: int
    quality: float
    overlap: float

    @classmethod
    def of(cls, row: int, scene: "Scene", targets: Floats) -> "_View":
        """Sum an image up by the answers for it and its targets."""
        true = [i for i in np.flatnonzero(held(targets)).tolist() if not targets[i, CROWD]]
        answers = [answer for answer in scene.answers if answer.kind in KINDS]
        drawn = [_true(targets[i], "missed" if i in scene.missed else "true") for i in true]
        drawn += [Drawn(a.kind, a.label, a.box, a.score) for a in reversed(answers)]
        right = [answer.overlap for answer in answers if answer.kind == "found"]
        both = len(true) + len(answers)
        return cls(
            row,
            tuple(drawn),
            len(true),
            len(scene.missed),
            scene.count("doubled"),
            2 * len(right) / both if both else 1.0,
            sum(right) / max(len(right), 1),
        )


GROUPS: tuple[tuple[str, Callable[[_View], bool], Callable[[_View], tuple[float, ...]]], ...] = (
    ("worst", lambda view: view.quality < 1, lambda view: (-view.quality, view.objects)),
    ("missed", lambda view: view.missed > 0, lambda view: (view.missed, -view.quality)),
    ("doubled", lambda view: view.doubled > 0, lambda view: (view.doubled, -view.quality)),
    ("best", lambda view: view.objects > 0, lambda view: (view.quality, view.objects, view.overlap)),
)
"""Images to look at: a group's name, which images may be in it, and by what those come first that are shown."""


def judge_boxes(predictions: Predictions, classes: int, threshold: float = THRESHOLD) -> BoxVerdict:
    """Judge a detector of so many classes by its predictions for the test part, on the processor."""
    from nas.training.boxes.mistakes import examine  # a library of detection
    from nas.training.boxes.precision import class_precisions

    outputs, targets = (part.float().numpy() for part in predictions)
    scenes = [examine(answer, target, threshold) for answer, target in zip(outputs, targets, strict=True)]
    true = targets[held(targets) & (targets[..., CROWD] == 0)][:, CLASS].astype(int).tolist()
    said = [(answer.label, answer.kind) for scene in scenes for answer in scene.answers]
    objects, answers, precisions = Counter(true), Counter(said), class_precisions(predictions)
    table = [
        ClassBoxes(label, objects[label], *precisions.get(label, (None, None)), *(answers[label, kind] for kind in KINDS))
        for label in range(classes)
    ]  # fmt: skip
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
