"""The boxes that a network finds in pictures, in the pictures' own pixels."""

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor

from nas.data.boxes import Share, Size, to_picture

THRESHOLD = 0.5  # of the score, where a training noted none: more likely a thing of the class than not
NOTED = "threshold"
"""The fact that says from which score on the boxes of a model are taken: that with the best F1 in validation."""


class Box(NamedTuple):
    """A box found in a picture: the class, its score from 0 to 1, and the corners in the picture's own pixels."""

    name: str
    score: float
    left: float
    top: float
    right: float
    bottom: float

    @property
    def corners(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom."""
        return self[2:]


def threshold_of(facts: object) -> float:
    """Read the score from which on boxes are taken from a model's facts, the usual one where they hold none."""
    noted = facts.get(NOTED) if isinstance(facts, dict) else None
    return noted if isinstance(noted, float) and 0 <= noted <= 1 else THRESHOLD


class Place(NamedTuple):
    """Where a picture lies in its square: its width and height in pixels, and its share of the square's sides."""

    size: Size
    share: Share


def boxes_in(
    outputs: Tensor, places: Sequence[Place], classes: Sequence[str], threshold: float = THRESHOLD
) -> list[list[Box]]:
    """Read the boxes of each picture from a network's outputs `(pictures, queries, 4 + classes)`, the surest first.

    A query finds one box at most, of its likeliest class, if the score of that is `threshold` or more and the box is
    not beyond the picture's edge.
    """
    scores, labels = (part.cpu().numpy() for part in outputs[..., 4:].float().max(-1))
    shares = outputs[..., :4].float().cpu().numpy()
    found = []
    for place, score, label, share in zip(places, scores, labels, shares, strict=True):
        sure = [int(row) for row in (-score).argsort(kind="stable") if score[row] >= threshold]
        corners = to_picture(share[sure], place.size, place.share)
        boxes = [
            Box(classes[label[row]], float(score[row]), *map(float, ends))
            for row, ends in zip(sure, corners, strict=True)
        ]
        found.append([one for one in boxes if one.left < one.right and one.top < one.bottom])
    return found
