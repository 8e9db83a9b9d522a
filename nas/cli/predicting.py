"""Read images, ask a trained network, and print what it says as a table, JSON or CSV."""

import csv
import io
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
import typer
from rich import box
from rich.table import Table
from rich.text import Text
from torch import Tensor

from nas import files
from nas.cli.terminal import Terminal, to_json
from nas.data.summary import causes
from nas.data.tree import Tree
from nas.errors import DataError, SettingError
from nas.record.folders import is_trained
from nas.registry import suggest
from nas.report.export import open_exported
from nas.report.formats import Reader
from nas.training.model import preprocess

BATCH = 64  # images read and run at once
FORMS = ("table", "json", "csv")


class Prediction(NamedTuple):
    """An image with its likeliest classes and their probabilities, or the reason why it could not be read."""

    image: str
    classes: Sequence[tuple[str, float]]
    reason: str = ""


def print_predictions(model: str, images: Sequence[Path], top: int, form: str, output: Path | None, runs: Path) -> None:
    """Print the `top` likeliest classes of each image in some form, or write them to `output`.

    Images that cannot be read are named, and end in exit status 1. Raises SettingError for an unknown form, and where
    nothing that runs here is called `model`; DataError where there is no image.
    """
    if form not in FORMS:
        raise SettingError(f"--format {form}: {suggest(form, FORMS)}")
    reader = open_exported(next(filter(is_trained, (Path(model), runs / model)), Path(model)))
    found = list(_predictions(reader, list(_listed(images)), min(top, len(reader.classes))))
    text = {"json": _json, "csv": _csv}.get(form, _table)(found)
    if output:
        try:
            files.write(output, text)
        except OSError as error:
            raise SettingError(f"{output}: cannot be written ({error.strerror})") from None
        Terminal().say(str(output))
    else:
        sys.stdout.write(text)
    if failed := [one for one in found if one.reason]:
        print(f"error: {len(failed)} of {len(found)} images could not be read", file=sys.stderr)  # noqa: T201
        raise typer.Exit(1)


def _listed(images: Sequence[Path]) -> Iterator[Path]:
    """Yield every image, those of folders in sorted order. Raises DataError for what is not there, or holds none."""
    for image in images:
        if not os.path.isdir(image):  # noqa: PTH112  (pathlib raises for names that are too long)
            if not os.path.lexists(image):
                raise DataError(f"{image}: no such image or folder of images")
            yield image
            continue
        tree = Tree(image)
        inside = list(tree.files(image))
        if not inside:
            raise DataError(f"{image}: the folder holds no file")
        if tree.left:
            print(f"left out of {image}: {'; '.join(causes(tree.left))}", file=sys.stderr)  # noqa: T201
        yield from inside


def _predictions(reader: Reader, images: Sequence[Path], top: int) -> Iterator[Prediction]:
    for start in range(0, len(images), BATCH):
        ready, reasons = [], {}
        for image in images[start : start + BATCH]:
            try:
                ready.append((image, preprocess([image], reader.resolution, reader.channels)))
            except DataError as error:
                reasons[image] = str(error).removeprefix(f"{image}: ")
        answers = iter(_ask(reader, [x for _, x in ready], top) if ready else ())
        for image in images[start : start + BATCH]:
            yield Prediction(str(image), [] if image in reasons else next(answers), reasons.get(image, ""))


def _ask(reader: Reader, images: Sequence[Tensor], top: int) -> Iterator[list[tuple[str, float]]]:
    """Yield the likeliest classes of each image, with their probabilities."""
    best = reader.logits(torch.cat(list(images))).float().softmax(1).topk(top)
    for values, places in zip(best.values.tolist(), best.indices.tolist(), strict=True):
        yield [(reader.classes[place], value) for place, value in zip(places, values, strict=True)]


def _json(found: Sequence[Prediction]) -> str:
    rows = [
        {"image": one.image, "error": one.reason}
        if one.reason
        else {"image": one.image, "classes": [{"class": name, "probability": p} for name, p in one.classes]}
        for one in found
    ]
    return to_json(rows) + "\n"


def _csv(found: Sequence[Prediction]) -> str:
    """Write a line for each image and class."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["image", "rank", "class", "probability", "error"])
    for one in found:
        if one.reason:
            writer.writerow([one.image, "", "", "", one.reason])
        for rank, (name, probability) in enumerate(one.classes, 1):
            writer.writerow([one.image, rank, name, f"{probability:.6f}", ""])
    return text.getvalue()


def _table(found: Sequence[Prediction]) -> str:
    most = max((len(one.classes) for one in found), default=0)
    table = Table("image", *(["class", "", *["next", ""] * (most - 1)][: 2 * most]), box=box.SIMPLE_HEAD)
    for one in found:
        cells = [cell for name, p in one.classes for cell in (name, Text(f"{p:.1%}", justify="right"))]
        table.add_row(one.image, *(cells or [Text(one.reason, style="red")]))
    console = Terminal()
    with console.capture() as shown:
        console.table(table)
    return shown.get()
