"""What a detector does on the test part beside its metrics: what it found, missed or made up, class by class, seen.

Reading one back needs no library of detection.
"""

from dataclasses import asdict, dataclass

from nas.files import Json

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

    @property
    def counts(self) -> dict[str, int]:
        """The objects, those missed, and the answers of each kind, over all classes."""
        return {name: self.count(name) for name in ("objects", "found", "missed", "doubled", "misnamed", "background")}

    def __str__(self) -> str:
        counts = self.counts
        return (
            f"found {counts['found']:,} of {counts['objects']:,} objects with a score of {self.threshold:g} or more; "
            f"{counts['doubled']:,} boxes show one again, {counts['misnamed']:,} have a wrong class, "
            f"{counts['background']:,} show nothing"
        )

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
