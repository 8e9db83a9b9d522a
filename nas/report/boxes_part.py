"""The part of a training's page that is about boxes: found and missed, class by class, images, and lowered networks."""

from collections import Counter
from collections.abc import Iterator, Sequence

from nas.files import Json
from nas.network.architecture import Architecture
from nas.network.lowering import trains_queries
from nas.record.trained import Ending, Lowered
from nas.training.boxes.verdict import KINDS as ANSWERS
from nas.training.boxes.verdict import BoxVerdict, ClassBoxes, Drawn, Shown
from nas.training.chance import wilson

MAX_ROWS = 2000  # of classes; verdict.json has them all
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
LONGEST = 14  # letters of a name on a picture
LINE, LETTER = 5.2, 2.8  # height and width of a letter, where the picture is 100 by 100
WORTH = 0.01  # of a metric; a lowered network that loses no more is proposed


def boxes_part(network: Architecture, ending: Ending, classes: Sequence[str], first: str) -> Json:
    """Make what the templates need of a detector's ending; `first` is the metric that the page is headed by."""
    boxes = ending.boxes
    assert boxes is not None
    rows = sorted(map(_row, boxes.classes), key=lambda row: (row["half"] is None, row["half"], row["label"]))
    return {
        "boxes": boxes,
        "box_counts": _counts(boxes),
        "box_classes": rows[:MAX_ROWS],
        "box_more": max(len(rows) - MAX_ROWS, 0),
        "box_kinds": KINDS,
        "box_groups": list(_groups(ending, boxes, classes)),
        "lowered": _lowered(ending.lowered, first),
        "proposed": (proposed := _proposed(ending.lowered, first)),
        "proposed_flags": _flags(proposed, ending.lowered[0]) if proposed else "",
        "ranked": trains_queries(network),
    }


def _counts(boxes: BoxVerdict) -> Json:
    """Sum the classes up. `low` and `high` are the interval of the share found."""
    counted = boxes.counts
    low, high = wilson(counted["found"], counted["objects"]) if counted["objects"] else (0.0, 0.0)
    answers = sum(counted[kind] for kind in ANSWERS)
    return counted | {"answers": answers, "low": low, "high": high}


def _row(one: ClassBoxes) -> Json:
    return vars(one) | {"missed": one.missed, "wrong": one.misnamed + one.background}


def _groups(ending: Ending, boxes: BoxVerdict, classes: Sequence[str]) -> Iterator[Json]:
    """Yield the groups of images that are shown."""
    pictures = [*ending.pictures, *("" for _ in boxes.shown)]
    shown = [(one, picture) for one, picture in zip(boxes.shown, pictures, strict=False) if picture]
    for group, (title, about) in TITLES.items():
        scenes = [_scene(one, picture, classes) for one, picture in shown if one.group == group]
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
    drawn: list[Json] = []
    for box in one.boxes:
        drawn.append(_drawn(box, classes, drawn))
    return {"row": one.row, "source": f"data:image/{form};base64,{picture}", "crisp": form == "png",
            "said": "; ".join(said), "boxes": drawn}  # fmt: skip


def _drawn(box: Drawn, classes: Sequence[str], before: Sequence[Json]) -> Json:
    """Place a box and its name on a picture of 100 by 100, the box within it and the name where none was `before`."""
    x, y, w, h = box.box
    left, top, right, bottom = (100 * min(max(end, 0.0), 1.0) for end in (x - w / 2, y - h / 2, x + w / 2, y + h / 2))
    name = classes[box.label] if len(classes[box.label]) <= LONGEST else f"{classes[box.label][: LONGEST - 1]}…"
    told = {"true": "", "missed": name}.get(box.kind, f"{name} {box.score or 0:.2f}")
    side = left + right > 130
    x, y = right if side else left, bottom + LINE if box.kind == "missed" else top - 1.4
    y = min(max(y, LINE), 99.0)
    step = LINE if y < 50 else -LINE
    start = x - side * LETTER * len(told)
    while told and any(_meet(one, start, y, len(told)) for one in before):
        y += step
    return {
        "kind": box.kind, "left": left, "top": top, "width": right - left, "height": bottom - top, "name": told,
        "x": x, "y": y, "anchor": "end" if side else "start", "start": start,
    }  # fmt: skip


def _meet(one: Json, start: float, y: float, letters: int) -> bool:
    """Tell whether a name of so many letters would touch that of a box."""
    end, other = start + LETTER * letters, one["start"] + LETTER * len(one["name"])
    return bool(one["name"]) and abs(one["y"] - y) < LINE and start < other and one["start"] < end


def _lowered(rows: Sequence[Lowered], first: str) -> list[Json]:
    """Put the change and the saving of lowered networks beside the network as it is, which is the first."""
    return [
        vars(row)
        | {
            "change": row.metrics[first] - rows[0].metrics[first],
            "saved": 1 - row.macs / rows[0].macs,
        }
        for row in rows
    ]


def _proposed(rows: Sequence[Lowered], first: str) -> Lowered | None:
    """Return the lowered network of the fewest multiply-adds that loses a point of the metric at most."""
    if not rows:
        return None
    fitting = [row for row in rows[1:] if rows[0].metrics[first] - row.metrics[first] <= WORTH]
    return min(fitting, key=lambda row: row.macs, default=None)


def _flags(row: Lowered, whole: Lowered) -> str:
    """Say a lowered network as options of `nas export`."""
    pairs = (("queries", row.queries, whole.queries), ("resolution", row.resolution, whole.resolution))
    return " ".join(f"--{name} {value}" for name, value, own in pairs if value != own)
