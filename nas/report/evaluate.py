"""Judging a trained network, or what it was exported to, on labelled images: the function behind `nas evaluate`."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nas import data as datasets
from nas.data import Dataset
from nas.data.boxes import CLASS, held
from nas.data.parts import ALL, PARTS
from nas.data.pictures import embedded
from nas.data.stored import Pictures
from nas.errors import DataError, SettingError, brief
from nas.files import Json
from nas.registry import TASKS, check_among, suggest
from nas.report.confusion import Recall, recalls
from nas.report.examples import CPU, holds_others
from nas.report.exported import find_exported, open_exported
from nas.report.formats import Reader
from nas.report.metadata import reader_of
from nas.settings import plain, text_of
from nas.training.boxes.judging import judge_boxes
from nas.training.boxes.verdict import BoxVerdict, ClassBoxes
from nas.training.caller import undisturbed
from nas.training.catalogue import load_task, task_of
from nas.training.full.batches import Batches, Rows
from nas.training.full.loop import answers
from nas.training.full.verdict import Verdict, judge
from nas.training.loop import check_answers
from nas.training.model import BOXES, Model, learnt_of, split_of
from nas.training.tasks import Predictions, Task


@dataclass(frozen=True)
class Evaluation:
    """What a network does on labelled images.

    `source` is what was judged, `part` of `data` divided by `split_seed` on what. Of a detector, `boxes` says what it
    found. `names` and `pictures` are those of the images that a page shows, by the rows of the verdict. `flattered`
    says in words which of the images may not be new to it, `unreadable` names those that were left out.
    """

    source: str
    data: str
    part: str
    split_seed: int
    classes: tuple[str, ...]
    verdict: Verdict
    boxes: BoxVerdict | None
    names: dict[int, str]
    pictures: tuple[str, ...]
    flattered: str
    unreadable: tuple[str, ...]

    @cached_property
    def recalls(self) -> list[Recall]:
        """How many images of each class are recognised, the worst class first; none of a detector."""
        return recalls(self.verdict.confusion) if self.verdict.confusion else []

    def facts(self) -> Json:
        """Return it as plain data, without pictures."""
        return {
            "model": self.source,
            "data": self.data,
            "part": self.part,
            "images": self.verdict.images,
            "metrics": {name: asdict(one) for name, one in self.verdict.metrics.items()},
            "calibration_error": self.verdict.ece,
            "classes": self._of_classes(),
            "confusion": self.verdict.confusion,
            "boxes": self.boxes.counts | {"threshold": self.boxes.threshold} if self.boxes else None,
            "flattered": self.flattered,
            "unreadable": list(self.unreadable),
        }

    def _of_classes(self) -> list[Json]:
        """Return what there is to tell of each class, of a detector its objects and answers."""
        if self.boxes:
            return [self._of_boxes(one) for one in self.boxes.classes]
        return [
            {"class": self.classes[one.label], "images": one.images, "recall": one.share, "precision": one.precision}
            for one in self.recalls
        ]

    def _of_boxes(self, one: ClassBoxes) -> Json:
        counts = {name: value for name, value in asdict(one).items() if name != "label"}
        return {"class": self.classes[one.label], "missed": one.missed} | counts


@undisturbed()
def evaluate(
    source: str | Path | Model,
    data: str = "",
    *,
    part: str = "",
    split_seed: int | None = None,
    device: str = "auto",
    runs: str | Path = "runs",
    watch: Callable[[float], None] = lambda share: None,
) -> Evaluation:
    """Judge a trained network on labelled images, as its training judged it on the test part.

        nas.evaluate("runs/knee")                              # its own test part once more
        nas.evaluate("knee.onnx", "image_folder:new_photos")   # a file, by onnxruntime, on photographs it never saw

    `source` is a model, a folder that `nas train` left, or what `nas export` wrote and this machine runs. `data` names
    images by any data set's text, by default those of its training, and `part` which of them, "train", "validation",
    "test" or "all", by default the test part of its own data, and of others the part whose file is named, or all. Their
    classes are found by name, and may be fewer than the network's. `split_seed` divides them, by default as in its
    training. What is opened by name runs on `device`, "cpu", "cuda" or "auto", a GPU if there is one and the file can
    use it; a model stays where it is. `watch` is told the share that is done.

    Raises SettingError where nothing that runs here is called `source`, and for an unknown part or device; DataError
    for images that cannot be read, and for classes that it does not know; RunError for answers that are no numbers.
    """
    reader, said = _opened(source, text_of(device, "device"), Path(text_of(runs, "runs")))
    asked = _asked(reader, said, text_of(data, "data"), text_of(part, "part"), plain(split_seed))
    dataset = _fitted(asked, said, reader)
    asked = asked._replace(part=asked.part or dataset.part or ALL)
    rows = np.sort(np.concatenate([getattr(dataset, one) for one in PARTS if asked.part in (one, ALL)]))
    batches = Batches(_numbered(dataset, rows, f"{asked.data}: {said}", reader), CPU, loaders=0)
    predictions = _predicted(reader, batches, rows, watch)
    verdict = judge(_task(reader).among(len(reader.classes)), predictions)
    boxes = judge_boxes(predictions, len(reader.classes), reader.threshold) if reader.outputs == BOXES else None
    seen = rows[batches.readable(rows)] if batches.unreadable else rows
    shown = [one.row for one in (boxes.shown if boxes else verdict.mistakes)]
    names = {row: dataset.name_of(int(seen[row])) or f"image {seen[row]}" for row in shown}
    pictures = tuple(embedded(dataset.images[seen[[row]]][0], light=bool(boxes)) for row in shown)
    return Evaluation(said, asked.data, asked.part, asked.seed, tuple(reader.classes), verdict, boxes, names, pictures,
                      _flattered(reader, asked, batches), (*dataset.skipped, *batches.unreadable))  # fmt: skip


class _Asked(NamedTuple):
    """Which images: data by name, as they were `named` or else those of the training, which part, and by which seed.

    The part is an empty text where the data are to tell it. `own` tells whether they are the training's by any name.
    """

    data: str
    part: str
    seed: int
    named: bool
    own: bool


def _opened(source: str | Path | Model, device: str, runs: Path) -> tuple[Reader, str]:
    """Make a network ready to run, and say what it is called."""
    if isinstance(source, Model):
        if device != "auto":
            raise SettingError(f"device: found {brief(device)}; a model is judged where it is, and model.to moves it")
        return reader_of(source), source.architecture.name
    named = text_of(source, "source")
    reader = open_exported(find_exported(named, runs))
    reader.place(device, named)
    return reader, named


def _asked(reader: Reader, source: str, data: str, part: str, split_seed: int | None) -> _Asked:
    """Fill in what was left open: the data of the training and the part that it never saw."""
    if not (split_seed is None or (isinstance(split_seed, int) and 0 <= split_seed < datasets.SEEDS)):
        raise SettingError(f"split_seed: found {brief(split_seed)}; write a whole number from 0 to "
                           f"{datasets.SEEDS - 1}")  # fmt: skip
    own = str(reader.facts.get("data") or "")
    if not data and not own:
        raise SettingError(f"{source}: does not say which images it was trained on; name images with --data")
    named, data = bool(data), data or own
    known = bool(own) and datasets.same(data, own)
    if part:
        check_among("part", part, (ALL, *PARTS))
    elif known and datasets.place(data) == datasets.place(own):  # else the file of another part may be named
        part = "test"
    usual = split_of(reader.facts) if known else None
    return _Asked(data, part, (usual or 0) if split_seed is None else split_seed, named, known)


def _predicted(reader: Reader, batches: Batches, rows: Rows, watch: Callable[[float], None]) -> Predictions:
    """Return what a network answers. Raises DivergedError for answers that are no finite numbers."""
    found = answers(lambda x: reader.run(x.contiguous()), batches, rows, nullcontext(), watch)
    check_answers(found.outputs, f"on images of {batches.dataset.name}")
    return found


def _task(reader: Reader) -> Task:
    """The task that a network was trained for, or else the first whose networks answer like it."""
    named = reader.facts.get("task")
    return load_task(named if named in TASKS.names() else task_of(reader.outputs))


def _fitted(asked: _Asked, source: str, reader: Reader) -> Dataset:
    """Load images as a network takes them, and its own as its training did, which leaves out boxes of other classes.

    Raises DataError for other labels than the network has answers for.
    """
    data, divided = asked.data, asked.own or asked.part in PARTS
    try:
        dataset = datasets.load(data, seed=asked.seed, resolution=reader.resolution, in_memory=False, divided=divided)
    except DataError as error:
        if asked.named:
            raise
        raise DataError(f"{str(error).rstrip('.')}. It is what {source} was trained on, as named there; name images "
                        "with --data") from None  # fmt: skip
    needed = _task(reader).targets
    if dataset.targets != needed:
        raise DataError(f"{data}: holds {dataset.targets}; {source} is judged by {needed}. Name other images")
    if dataset.channels != reader.channels:
        if not isinstance(dataset.images, Pictures):
            raise DataError(f"{data}: images of {dataset.channels} channels; {source} takes {reader.channels}")
        every = np.arange(len(dataset.labels))
        dataset = replace(dataset, images=dataset.images.take(every, reader.channels))
    return dataset


def _numbered(dataset: Dataset, rows: Rows, whose: str, reader: Reader) -> Dataset:
    """Number classes, if these are the labels, as a network does. Raises DataError for one in `rows` unknown to it."""
    if dataset.targets not in ("classes", BOXES):
        return dataset
    numbers, labels = {name: number for number, name in enumerate(reader.classes)}, dataset.labels[rows]
    shown = labels if labels.ndim == 1 else labels[held(labels)][:, CLASS].astype(int)
    for name in (dataset.classes[label] for label in np.unique(shown).tolist()):
        if name not in numbers:
            raise DataError(f"{whose} knows no class '{name}'. {suggest(name, reader.classes)}")
    places = np.array([numbers.get(name, 0) for name in dataset.classes])  # a class without images may be any
    return replace(dataset, labels=_renumbered(dataset.labels, places), classes=tuple(reader.classes))


def _renumbered(labels: NDArray[Any], places: NDArray[np.int64]) -> NDArray[Any]:
    """Give class i the number `places[i]`, in classes `(images,)` or in the rows of boxes that hold one."""
    found = labels.copy()
    if labels.ndim == 1:
        found[:] = places[labels]
    else:
        rows = held(labels)
        found[rows, CLASS] = places[labels[rows, CLASS].astype(int)]
    return found


def _is_test(asked: _Asked, dataset: Dataset, seed: int) -> bool:
    """Tell whether the test part is that of a seed, as it is of every seed where the data have one of their own."""
    if asked.seed == seed:
        return True
    return datasets.one_test(
        dataset, datasets.load(asked.data, seed=seed, resolution=dataset.resolution, in_memory=False)
    )


def _flattered(reader: Reader, asked: _Asked, batches: Batches) -> str:
    """Say in words if images may be among those that it learnt from, as the names of data and their sizes tell."""
    named = [division for division in learnt_of(reader.facts) if datasets.same(division[0], asked.data)]
    for learnt, own in named:
        if reader.facts.get("finished") is False and asked.part == "test":
            return "its training has not ended, and who chooses by these images has none left that are new"
        if (asked.part, asked.seed) == ("train", own):
            return f"it learnt from these images; --part test --split-seed {own} takes those that are new to it"
        if asked.part != "test" or not _is_test(asked, batches.dataset, own):
            return (f"it learnt from {learnt} divided by seed {own}, and some of these images may not be new to it; "
                    f"--part test --split-seed {own} takes those that are")  # fmt: skip
        if holds_others(reader.facts, batches):
            return (f"{learnt} holds other images than when it learnt from them, so that the parts are others, and "
                    "some of these images may not be new to it")  # fmt: skip
    images = sum(batches.dataset.parts.values())
    tested, learnt_from = (asked.part, asked.seed) == ("test", split_of(reader.facts)), reader.facts.get("parts") or {}
    if not (named or tested) and sum(learnt_from.values()) in (images, images - len(batches.unreadable)):
        return (f"it learnt from {reader.facts.get('data')}, which has as many images; if they are these, most are not "
                "new to it")  # fmt: skip
    return ""
