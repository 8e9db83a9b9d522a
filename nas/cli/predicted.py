"""What a network says of images, as a table, JSON or CSV: likeliest classes of a classifier, boxes of a detector."""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from rich import box
from rich.table import Table
from rich.text import Text

from nas.cli.terminal import Terminal, to_json
from nas.network.heads import Head
from nas.training.boxes.found import Box
from nas.training.model import BOXES

FORMS = ("table", "json", "csv")
WIDEST = 10_000  # columns where no terminal bounds them
CORNERS = ("left", "top", "right", "bottom")


class Prediction(NamedTuple):
    """An image with its likeliest classes and their probabilities, or with boxes, or why it could not be read."""

    image: str
    found: Sequence[Any]
    reason: str = ""


class Way(NamedTuple):
    """How answers of one kind are written: `plain` data of one, rows of CSV under `heads`, a table."""

    key: str
    plain: Callable[[Any], object]
    heads: Sequence[str]
    rows: Callable[[Sequence[Any]], Iterator[Sequence[object]]]
    table: Callable[[Sequence[Prediction]], Table]


def written(found: Sequence[Prediction], outputs: str, form: str, *, printed: bool) -> str:
    """Write predictions of a network of some kind of outputs in one of `FORMS`, to be printed or kept in a file."""
    way = WAYS[outputs]
    if form == "json":
        return to_json([_plain(one, way) for one in found]) + "\n"
    return _csv(found, way) if form == "csv" else _shown(way.table(found), printed)


def _plain(one: Prediction, way: Way) -> dict[str, object]:
    if one.reason:
        return {"image": one.image, "error": one.reason}
    return {"image": one.image, way.key: [way.plain(each) for each in one.found]}


def _csv(found: Sequence[Prediction], way: Way) -> str:
    """Write a line for each image and what was found in it, and one for an image without."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["image", *way.heads, "error"])
    for one in found:
        for row in way.rows(one.found):
            writer.writerow([one.image, *row, ""])
        if not one.found:
            writer.writerow([one.image, *("" for _ in way.heads), one.reason])
    return text.getvalue()


def _shown(table: Table, printed: bool) -> str:
    """Draw a table for a terminal, or as wide as it is for a program that reads a row from a line."""
    console = Terminal()
    if not (printed and console.is_terminal):
        console = Terminal(force_terminal=False, width=WIDEST)
    with console.capture() as shown:
        console.table(table)
    return shown.get()


def _none(one: Prediction) -> Text:
    """Say that nothing was found, or that an image could not be read; the reason is too long for a table."""
    return Text("not readable", style="red") if one.reason else Text("nothing", style="dim")


def _class(one: tuple[str, float]) -> object:
    return {"class": one[0], "probability": one[1]}


def _class_rows(found: Sequence[tuple[str, float]]) -> Iterator[Sequence[object]]:
    for rank, (name, probability) in enumerate(found, 1):
        yield rank, name, f"{probability:.6f}"


def _class_table(found: Sequence[Prediction]) -> Table:
    most = max((len(one.found) for one in found), default=0)
    table = Table("image", *(["class", "", *["next", ""] * (most - 1)][: 2 * most]), box=box.SIMPLE_HEAD)
    for one in found:
        cells = [cell for name, p in one.found for cell in (name, Text(f"{p:.1%}", justify="right"))]
        table.add_row(one.image, *(cells or [_none(one)]))
    return table


def _box(one: Box) -> object:
    corners = dict(zip(CORNERS, one.corners, strict=True))
    return {"class": one.name, "score": one.score} | corners


def _box_rows(found: Sequence[Box]) -> Iterator[Sequence[object]]:
    for one in found:
        yield one.name, f"{one.score:.6f}", *(f"{end:.2f}" for end in one.corners)


def _box_table(found: Sequence[Prediction]) -> Table:
    """Show a row a box, the image's name before its first."""
    table = Table("image", "class", box=box.SIMPLE_HEAD)
    for name in ("score", *CORNERS):
        table.add_column(name, justify="right")
    for one in found:
        if not one.found:
            table.add_row(one.image, _none(one))
        for number, each in enumerate(one.found):
            cells = [f"{each.score:.1%}", *(f"{end:.0f}" for end in each.corners)]
            table.add_row("" if number else one.image, each.name, *cells)
    return table


WAYS = {
    Head.outputs: Way("classes", _class, ("rank", "class", "probability"), _class_rows, _class_table),
    BOXES: Way("boxes", _box, ("class", "score", *CORNERS), _box_rows, _box_table),
}
"""By the kind of a network's outputs."""
