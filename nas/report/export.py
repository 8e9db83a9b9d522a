"""Writing networks in any format: the function behind `nas export`."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from nas.errors import SettingError, option_text, type_name
from nas.evaluation import units
from nas.files import check_around, check_place, quoted, writing
from nas.network.architecture import Architecture
from nas.network.heads import Head
from nas.network.lowering import lowered, queries_of, size_text
from nas.record.ending import Lowered
from nas.record.models import CONFIG, WEIGHTS
from nas.record.networks import Found, find_network
from nas.registry import FORMATS, HEADS, format_name, target_text
from nas.report.examples import Images
from nas.report.formats import Format, Shipment
from nas.report.hub import CARD
from nas.settings import plain, text_of
from nas.space.library import load_architecture
from nas.training.boxes.found import NOTED
from nas.training.caller import undisturbed
from nas.training.model import BOXES, Model

HUB = {CARD, CONFIG, WEIGHTS}


class Exported(NamedTuple):
    """What was written, a line for each thing checked or lost, the plug-in files that the network needs.

    `trained` tells whether trained weights are in it, `predicts` whether it gives classes or boxes. `options` are those
    of `nas train` by which a file without weights is trained as a network of the same run or training is: its data, the
    seed that divides them, and the like.
    """

    path: Path
    checks: list[str]
    plugins: tuple[str, ...] = ()
    trained: bool = False
    options: str = ""
    predicts: bool = True


@undisturbed()
def export(
    source: str | Path | Model | Architecture,
    format: str,  # noqa: A002  (the word that the command has too)
    path: Path | str,
    *,
    force: bool = False,
    tolerance: float | None = None,
    dynamic_size: bool = False,
    queries: int | None = None,
    resolution: int | None = None,
    data: str | None = None,
    split_seed: int | None = None,
    runs: Path | str = "runs",
) -> Exported:
    """Write a network in a format, check it, and say what was checked.

    `source` is a model, an architecture, or what names one: a folder that `nas train` left, a `.safetensors` file, or,
    for yaml, python and timm, whatever names an architecture. `format` is one of these three, safetensors, onnx,
    onnx-int8, pt2 or hub. `data` names the images to quantise with, divided by `split_seed`, both by default as in the
    training. `tolerance` is the share of images that a quantised network may get wrong beyond the model itself, by
    default .01. With `dynamic_size`, images of any size are to be taken. With fewer `queries` or a smaller `resolution`
    the network is lowered first, and answers from the score that its training measured for that. `runs` is where names
    are found.

    Raises SettingError for an unknown format or source, an option that the format has no use for, a network that cannot
    be written or lowered so, missing weights or packages, and a place that is taken; DataError for images that cannot
    be read; RunError when a check fails. Then nothing is left behind.
    """
    name, path = format_name(text_of(format, "format")), Path(text_of(path, "path"))
    kind = FORMATS.get(name)
    given = {"data": data, "split_seed": split_seed, "tolerance": tolerance, "dynamic_size": dynamic_size or None}
    _check_heeded(kind, format, given)
    _check_tolerance(share := 0.01 if tolerance is None else plain(tolerance))
    _check_able(kind, format, found := _found(source, Path(runs)))
    _check_form(path, kind, force)
    network = _lowered(found, plain(queries), plain(resolution))
    shipment = _with_images(Shipment(*network, None, None, share, dynamic_size), data, plain(split_seed))
    with writing(path, "choose another place"), _beside(path, force) as place:
        checks = [*_unfinished(found), *_lost(found, shipment, kind, path), *_written(name, shipment, place)]
        return _exported(path, checks, found)


def _check_heeded(kind: Format, text: str, options: Mapping[str, object]) -> None:
    """Raise SettingError, naming the formats that heed it, for an option that is given and changes nothing."""
    for name, value in options.items():
        if value is not None and name not in kind.heeds:
            able = [target_text(other) for other in FORMATS.at_hand() if name in FORMATS.get(other).heeds]
            raise SettingError(f"{option_text(name)}: the format {text} has no use for it; leave it out, or "
                               f"export to {' or '.join(able)}")  # fmt: skip


def _check_tolerance(tolerance: object) -> None:
    if not (isinstance(tolerance, int | float) and 0 <= tolerance < 1):
        raise SettingError(f"tolerance {tolerance} is not allowed; write a share from 0 to below 1, such as 0.01")


def _written(name: str, shipment: Shipment, place: Path) -> list[str]:
    with FORMATS.telling(name, "write(shipment, path)"):
        checks: list[str] = FORMATS.get(name).write(shipment, place)
    return checks


def _exported(path: Path, checks: list[str], found: Found) -> Exported:
    files = tuple(file.path for file in found.outside.files)
    given = found.model.gives if found.model else HEADS.get(found.architecture.head.kind).outputs
    predicts = given in (Head.outputs, BOXES)
    return Exported(path, checks, files, found.model is not None, found.options(), predicts)


def _with_images(shipment: Shipment, data: str | None, split_seed: int | None) -> Shipment:
    if shipment.model is None:
        return shipment
    images = Images(shipment.model, None if data is None else text_of(data, "data"), split_seed)
    return replace(shipment, training=images.training, validation=images.validation)


def _lowered(found: Found, queries: int | None, resolution: int | None) -> tuple[Architecture, Model | None]:
    """Lower a network, if that is asked for. Raises SettingError or SpaceError where it cannot be."""
    architecture = load_architecture(lowered(found.architecture, queries, resolution).to_dict())
    if found.model is None or architecture == found.architecture:
        return architecture, found.model
    model = found.model.lowered(queries, resolution)
    _, measured = _measured(found, architecture)
    if measured and measured.threshold is not None:
        model.facts[NOTED] = measured.threshold
    return architecture, model


def _measured(found: Found, architecture: Architecture) -> tuple[Lowered | None, Lowered | None]:
    """Return what a training measured of its detector, and of it lowered to this architecture, where it did."""
    ending = found.trained.ending if found.trained else None
    if ending is None or not ending.lowered:
        return None, None
    return ending.lowered[0], ending.as_lowered(queries_of(architecture), architecture.resolution)


def _unfinished(found: Found) -> list[str]:
    """Say that a network is one of a training that did not come to its end."""
    trained = found.trained
    if found.model is None or trained is None or trained.ending:
        return []
    return [f"its training has not ended: {units.epochs(len(trained.history))} so far, never judged on test images; "
            f"go on with it by nas train {quoted(trained.name)} --resume"]  # fmt: skip


def _lost(found: Found, shipment: Shipment, kind: Format, path: Path) -> list[str]:
    """Say what a trained network loses that is lowered, or how to measure it."""
    architecture = shipment.architecture
    whole, measured = _measured(found, architecture)
    if shipment.model is found.model or (whole and measured == whole):
        return []
    lowered_to = size_text(queries_of(architecture), architecture.resolution)
    if whole is None:
        tells = f"; nas evaluate {quoted(path)} --data NAME[:PATH] tells" if kind.reads else ""
        return [f"what {lowered_to} cost was not measured{tells}"]
    if measured is None:
        return [f"what {lowered_to} cost was not measured; the training's page has what was"]
    name = found.metric if found.metric in whole.metrics else next(iter(whole.metrics))
    values = (units.show(name, one.metrics[name]) for one in (measured, whole))
    return [f"{lowered_to}: {units.title(name)} {' in place of '.join(values)}, on {measured.images} validation images"]


def _check_able(kind: Format, text: str, found: Found) -> None:
    """Raise SettingError where a format cannot write a network, naming those that can, or lacks weights or packages."""
    if kind.weights and found.model is None:
        made = f", as by nas train {quoted(found.run.name)}" if found.run else ""
        raise SettingError(f"format {text} needs weights: give a folder that nas train left{made}")
    architecture = found.architecture
    outputs = HEADS.get(architecture.head.kind).outputs
    if kind.only not in ("", outputs):
        able = [target_text(name) for name in FORMATS.at_hand() if FORMATS.get(name).only in ("", outputs)]
        raise SettingError(f"format {text}: writes networks that give {kind.only}; '{architecture.name}' gives "
                           f"{outputs}. Formats for it: {', '.join(able)}")  # fmt: skip
    with FORMATS.telling(format_name(text), "missing()"):
        lacking = kind.missing()
    if lacking:
        raise SettingError(f"format {text}: {lacking}")


def _found(source: str | Path | Model | Architecture, runs: Path) -> Found:
    if isinstance(source, Architecture):
        return Found(source)
    if isinstance(source, Model):
        return Found(source.architecture, source)
    if not isinstance(named := plain(source), str):
        raise SettingError(f"source: found {type_name(source)}; give a model as nas.load reads it, an architecture, or "
                           "what names one. A network alone has neither classes nor normalisation")  # fmt: skip
    return find_network(named, runs)


def _check_form(path: Path, kind: Format, force: bool) -> None:
    """Check that a file or folder may be written. Raises SettingError."""
    with writing(path, "choose another place"):
        if not kind.suffix:
            _check_folder(path, force)
            return
        check_place(path, force, f"model{kind.suffix}")
    if not path.name.lower().endswith(kind.suffix.lower()):
        raise SettingError(f"{path}: name a file that ends in {kind.suffix}")


def _check_folder(path: Path, force: bool) -> None:
    """Check that a folder may be written: with `force` in place of another that the same format left."""
    ours = path.is_dir() and {inside.name for inside in path.iterdir()} <= HUB
    if path.is_dir() and force and not ours:
        raise SettingError(f"{path}: holds more than nas exports to a folder, and is not replaced; take another name")
    if path.exists() and not (force and ours):
        raise SettingError(f"{path} exists already; take another name" + ", or replace it with --force" * ours)
    check_around(path)


@contextmanager
def _beside(path: Path, force: bool) -> Iterator[Path]:
    """Give the same name in a new folder beside; what is written there moves beside `path` unless an error comes."""
    with tempfile.TemporaryDirectory(prefix=".nas-", dir=path.parent) as folder:
        yield Path(folder) / path.name
        written = [one for one in Path(folder).iterdir() if one.name != "__pycache__"]  # of a file that was run
        written.sort(key=lambda one: one.name == path.name)  # what was named last
        targets = [path.with_name(one.name) for one in written]
        for target in targets:
            if target != path and target.is_dir():
                raise SettingError(f"{target} is a folder; take another name than {path.name}, which needs that too")
            if target != path and target.exists() and not force:
                raise SettingError(f"{target} exists already; take another name, or replace it with --force")
        for one, target in zip(written, targets, strict=True):
            if target.is_dir():
                target.rename(Path(folder) / f"old {target.name}")
            one.replace(target)
