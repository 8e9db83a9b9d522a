"""Read images, ask a trained network, and print what it says, or draw it on them."""

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
import typer
from torch import Tensor

from nas import files
from nas.cli.predicted import FORMS, WAYS, Prediction, written
from nas.cli.terminal import Terminal
from nas.data.summary import causes
from nas.data.tree import Tree, is_image
from nas.errors import DataError, SettingError
from nas.registry import suggest
from nas.report.drawing import targets_in, write_drawing
from nas.report.exported import find_exported, open_exported
from nas.report.formats import Reader
from nas.training.boxes.found import Place, boxes_in
from nas.training.loop import check_answers
from nas.training.model import BOXES, preprocess

BATCH = 64  # images read and run at once
TOP = 3
NAMED = 5  # missing images, in a message


class Asked(NamedTuple):
    """What to print: of a classifier the `top` classes, of a detector boxes of a score, and where to draw them.

    `device` names where the network runs.
    """

    top: int | None = None
    threshold: float | None = None
    draw: Path | None = None
    device: str = "auto"

    def check(self, reader: Reader, model: str) -> None:
        """Raise SettingError for what a network has no answer to."""
        if reader.outputs not in WAYS:
            raise SettingError(f"{model}: gives {reader.outputs}; nas predict prints {' and '.join(WAYS)}")
        if reader.outputs == BOXES and self.top is not None:
            raise SettingError(f"--top {self.top}: {model} is a detector, which gives each box one class; leave it out")
        if reader.outputs != BOXES and (self.threshold, self.draw) != (None, None):
            flag = "--draw" if self.threshold is None else "--threshold"
            raise SettingError(f"{flag}: {model} is a classifier and finds no boxes; leave {flag} out")
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            raise SettingError(f"--threshold {self.threshold:g} is not allowed; write a score from 0 to 1")


def print_predictions(
    model: str, images: Sequence[Path], asked: Asked, form: str, output: Path | None, runs: Path, force: bool
) -> None:
    """Print what is asked of each image in some form, or write it to `output`, and draw boxes.

    A file that is there is overwritten by `force` alone. Images that cannot be read are named, and end in exit status
    1. Raises SettingError for an unknown form, for what the network cannot answer, and where nothing that runs here is
    called `model`; DataError where there is no image.
    """
    if form not in FORMS:
        raise SettingError(f"--format {form}: {suggest(form, FORMS)}")
    if output is not None:
        files.check_place(output, force, "found.csv")
    reader = open_exported(find_exported(model, runs))
    asked.check(reader, model)
    reader.place(asked.device, model)
    listed = list(_listed(images))
    targets = targets_in(asked.draw, listed) if asked.draw else []
    found = list(_predictions(reader, listed, asked))
    failed = [one for one in found if one.reason]
    for image, target, one in zip(listed, targets, found, strict=False):
        if not one.reason:
            write_drawing(image, target, one.found, reader.classes)
    _tell(written(found, reader.outputs, form, printed=output is None), output)
    if asked.draw:
        print(f"{len(found) - len(failed)} drawn in {asked.draw}", file=sys.stderr)  # noqa: T201
    if failed:
        for one in failed if form == "table" else ():
            print(f"{one.image}: {one.reason}", file=sys.stderr)  # noqa: T201
        print(f"error: {len(failed)} of {len(found)} images could not be read", file=sys.stderr)  # noqa: T201
        raise typer.Exit(1)


def _tell(text: str, output: Path | None) -> None:
    if output is None:
        sys.stdout.write(text)
        return
    with files.writing(output):
        files.write(output, text)
    Terminal().say(str(output))


def _listed(images: Sequence[Path]) -> Iterator[Path]:
    """Yield every image, those of folders in sorted order. Raises DataError for what is not there, or holds none.

    What is named by itself is taken for an image, of a folder those files that end like one.
    """
    if absent := [str(image) for image in images if not os.path.lexists(image)]:
        more = f" and {len(absent) - NAMED} more" if len(absent) > NAMED else ""
        raise DataError(f"{', '.join(absent[:NAMED])}{more}: no such image or folder of images")
    for image in images:
        if not os.path.isdir(image):  # noqa: PTH112  (pathlib raises for names that are too long)
            yield image
            continue
        tree, inside = Tree(image), []
        for file, _ in tree.files([image]):
            if is_image(file.name):
                inside.append(file)
            else:
                tree.leave(file, "not named like an image")
        left = "; ".join(causes(tree.left))
        if not inside:
            raise DataError(f"{image}: the folder holds no image{f' ({left})' if left else ''}")
        if left:
            print(f"left out of {image}: {left}", file=sys.stderr)  # noqa: T201
        yield from inside


def _predictions(reader: Reader, images: Sequence[Path], asked: Asked) -> Iterator[Prediction]:
    for start in range(0, len(images), BATCH):
        ready, reasons = [], {}
        for image in images[start : start + BATCH]:
            try:
                x, (place,) = preprocess([image], reader.resolution, reader.channels, whole=reader.outputs == BOXES)
                ready.append((x, place))
            except DataError as error:
                reasons[image] = str(error).removeprefix(f"{image}: ")
        answers = iter(_ask(reader, ready, asked) if ready else ())
        for image in images[start : start + BATCH]:
            yield Prediction(str(image), [] if image in reasons else next(answers), reasons.get(image, ""))


def _ask(reader: Reader, ready: Sequence[tuple[Tensor, Place]], asked: Asked) -> Sequence[Sequence[Any]]:
    """Return what is found in each image: the likeliest classes with their probabilities, or boxes."""
    outputs = reader.run(torch.cat([x for x, _ in ready])).float()
    check_answers(outputs, "on these images")
    if reader.outputs == BOXES:
        places = [place for _, place in ready]
        return boxes_in(
            outputs, places, reader.classes, reader.threshold if asked.threshold is None else asked.threshold
        )
    best = outputs.softmax(1).topk(min(asked.top or TOP, len(reader.classes)))
    return [
        [(reader.classes[place], value) for place, value in zip(places, values, strict=True)]
        for values, places in zip(best.values.tolist(), best.indices.tolist(), strict=True)
    ]
