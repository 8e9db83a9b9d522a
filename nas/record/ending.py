"""The end of a training, as `verdict.json` has it."""

from dataclasses import asdict, dataclass, field

from nas.files import Json
from nas.training.boxes.verdict import BoxVerdict
from nas.training.full.verdict import Verdict


@dataclass(frozen=True)
class Lowered:
    """A detector as it is, or with fewer queries or smaller images: metrics on validation images, and what it costs.

    `latency` is the median for one image in milliseconds, and `low` and `high` bound it with 95 % confidence, where an
    earlier version did not leave them out. `threshold` is the score with the best F1.
    """

    queries: int
    resolution: int
    metrics: dict[str, float]
    macs: int
    latency: float
    images: int
    threshold: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Ending:
    """The end of a training: the verdict on the weights of one epoch, and more that its page shows.

    `pictures` are the verdict's mistakes, or the images that a detector's verdict shows, as PNG or JPEG files in
    base64, and `names` say which images these are, each an empty text where it has no name. `costs` are parameters,
    multiply-adds and, where it could be measured, `latency` in milliseconds with its conditions. `unreadable` names
    images that were left out. Of a detector, `boxes` says what it found, and `lowered` what it does as it is, first,
    and with fewer queries or smaller images.
    """

    verdict: Verdict
    epoch: int
    pictures: tuple[str, ...] = ()
    costs: Json = field(default_factory=dict)
    unreadable: tuple[str, ...] = ()
    boxes: BoxVerdict | None = None
    lowered: tuple[Lowered, ...] = ()
    names: tuple[str, ...] = ()

    def as_lowered(self, queries: int | None, resolution: int) -> Lowered | None:
        """Return what was measured with so many queries, or none, and images of this side, if it was."""
        asked = queries or 0, resolution
        return next((one for one in self.lowered if (one.queries, one.resolution) == asked), None)

    def to_dict(self) -> Json:
        """Return plain data."""
        return vars(self) | {
            "verdict": self.verdict.to_dict(),
            "boxes": self.boxes and self.boxes.to_dict(),
            "lowered": [asdict(one) for one in self.lowered],
        }

    @classmethod
    def from_dict(cls, data: Json) -> "Ending":
        """Undo `to_dict`. Raises TypeError, KeyError or AttributeError for other data."""
        boxes, lowered = data.get("boxes"), data.get("lowered", ())
        return cls(**data | {
            "verdict": Verdict.from_dict(data["verdict"]),
            "boxes": boxes and BoxVerdict.from_dict(boxes),
            "lowered": tuple(Lowered(**one) for one in lowered),
        })  # fmt: skip
