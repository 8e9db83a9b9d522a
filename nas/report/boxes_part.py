"""The part of a page that is about boxes: found and missed, class by class, and images."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from nas.files import Json
from nas.training.boxes.verdict import KINDS as ANSWERS
from nas.training.boxes.verdict import BoxVerdict, ClassBoxes, Drawn, Shown
from nas.training.chance import wilson

MAX_ROWS = 2000  # of classes; the file of the verdict has them all
KINDS = {
    "found": "found",
    "doubled": "found again",
    "misnamed": "a wrong class",
    "background": "nothing there",
    "missed": "missed",
    "true": "the true box of what was found",
}
"""What a box on an image is, in the order of the legend."""
TITLES = {
    "best": ("Best", "Images with fewest mistakes, and of these with most objects."),
    "worst": ("Worst", "Images with most mistakes: objects that were missed, and answers that are not right."),
    "missed": ("Missed", "Images with most objects that no answer showed, but for those above."),
    "doubled": ("Found twice", "Images with most answers for objects that a surer answer had shown."),
}
LONGEST, NAMED = 14, 12  # letters of a name on a picture, and boxes with one
LINE, LETTER, EDGE = 5.2, 2.8, 99.0  # height and width of a letter, and the lowest one, on a picture of 100 by 100
Named = Callable[[int], str]
"""Says which image a row is."""


def boxes_part(boxes: BoxVerdict, pictures: Sequence[str], classes: Sequence[str], named: Named) -> Json:
    """Make what the template needs of a detector's verdict, with the pictures that it shows."""
    rows = sorted(map(_row, boxes.classes), key=lambda row: (row["half"] is None, row["half"], row["label"]))
    return {
        "boxes": boxes,
        "box_counts": _counts(boxes),
        "box_classes": rows[:MAX_ROWS],
        "box_more": max(len(rows) - MAX_ROWS, 0),
        "box_kinds": KINDS,
        "box_groups": list(_groups(boxes, pictures, classes, named)),
    }


def _counts(boxes: BoxVerdict) -> Json:
    """Sum the classes up. `low` and `high` are the interval of the share found."""
    counted = boxes.counts
    low, high = wilson(counted["found"], counted["objects"]) if counted["objects"] else (0.0, 0.0)
    answers = sum(counted[kind] for kind in ANSWERS)
    return counted | {"answers": answers, "low": low, "high": high}


def _row(one: ClassBoxes) -> Json:
    return vars(one) | {"missed": one.missed, "wrong": one.misnamed + one.background}


def _groups(boxes: BoxVerdict, pictures: Sequence[str], classes: Sequence[str], named: Named) -> Iterator[Json]:
    """Yield the groups of images that are shown."""
    padded = [*pictures, *("" for _ in boxes.shown)]
    shown = [(one, picture) for one, picture in zip(boxes.shown, padded, strict=False) if picture]
    for group, (title, about) in TITLES.items():
        scenes = [
            _scene(one, picture, classes) | {"name": named(one.row)} for one, picture in shown if one.group == group
        ]
        yield {"title": title, "about": about, "scenes": scenes}


def _times(word: str, count: int) -> str:
    return word if count == 1 else f"{count} × {word}"


def _scene(one: Shown, picture: str, classes: Sequence[str]) -> Json:
    form = "jpeg" if picture.startswith("/9j/") else "png"
    objects, found = one.count("missed", "true"), one.count("found")
    said = [f"{found} of {objects} found" if objects else "no object"]
    for name, word in (
        ("missed", "missed"),
        ("doubled", "twice"),
        ("misnamed", "wrong class"),
        ("background", "from nothing"),
    ):
        if some := Counter(classes[box.label] for box in one.boxes if box.kind == name):
            said.append(f"{word}: {', '.join(_times(kind, count) for kind, count in some.most_common())}")
    drawn = [_drawn(box, classes) for box in one.boxes]
    _name_some(drawn)
    return {"source": f"data:image/{form};base64,{picture}", "crisp": form == "png",
            "said": "; ".join(said), "boxes": drawn}  # fmt: skip


def _name_some(drawn: Sequence[Json]) -> None:
    """Keep the names of what was missed and of the surest, at their boxes and apart from each other, and no others.

    A name is tried beyond an edge of its box, then within it.
    """
    placed: list[Json] = []
    for box in sorted(drawn, key=lambda box: -box["score"]):
        inwards = -LINE if box["kind"] == "missed" else LINE
        places = [box | {"y": y} for y in (box["y"], box["y"] + inwards) if LINE <= y <= EDGE] if box["name"] else []
        free = next((one for one in places if not any(_meet(one, other) for other in placed)), None)
        box |= free if free and len(placed) < NAMED else {"name": ""}
        placed += [box] if box["name"] else []


def _drawn(box: Drawn, classes: Sequence[str]) -> Json:
    """Place a box and its name on a picture of 100 by 100, both within it."""
    x, y, w, h = box.box
    left, top, right, bottom = (100 * min(max(end, 0.0), 1.0) for end in (x - w / 2, y - h / 2, x + w / 2, y + h / 2))
    name = classes[box.label] if len(classes[box.label]) <= LONGEST else f"{classes[box.label][: LONGEST - 1]}…"
    told = {"true": "", "missed": name}.get(box.kind, f"{name} {box.score or 0:.2f}")
    side = left + right > 130
    x, y = right if side else left, bottom + LINE if box.kind == "missed" else top - 1.4
    return {
        "kind": box.kind, "left": left, "top": top, "width": right - left, "height": bottom - top, "name": told,
        "x": x, "y": min(max(y, LINE), EDGE), "anchor": "end" if side else "start",
        "start": x - side * LETTER * len(told), "score": 1.0 if box.score is None else box.score,
    }  # fmt: skip


def _meet(one: Json, other: Json) -> bool:
    """Tell whether the names of two boxes touch."""
    ends = [box["start"] + LETTER * len(box["name"]) for box in (one, other)]
    return bool(abs(one["y"] - other["y"]) < LINE and one["start"] < ends[1] and other["start"] < ends[0])
