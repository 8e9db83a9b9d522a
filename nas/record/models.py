"""Models on disk: weights as safetensors, with architecture, classes, normalisation and provenance in the metadata.

A folder that `nas train` leaves holds one as `best.safetensors`.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from nas import files
from nas.errors import SettingError, SpaceError
from nas.files import Json, quoted
from nas.network.build import build, skeleton
from nas.network.weight_files import State, read
from nas.network.weights import adapt
from nas.record.folders import ELSEWHERE, find_trained, is_run, is_trained, untrained
from nas.record.outside import load_beside
from nas.settings import text_of
from nas.space.library import load_architecture
from nas.training.caller import undisturbed
from nas.training.model import Model

BEST = "best.safetensors"
CONFIG, WEIGHTS = "config.json", "model.safetensors"
"""The settings and the weights in a folder for Hugging Face's hub."""
QUICK = 200  # blocks that take no time to look at


@undisturbed()
def load(source: Path | str, *, runs: Path | str = "runs") -> Model:
    """Load a trained network, in evaluation mode.

    `source` is a folder that `nas train` left or for Hugging Face's hub, or a `.safetensors` file.

        model = nas.load("signs")  # that in `runs`, or a path
        model(model.preprocess("stop.png")).softmax(1)  # a probability for each of model.classes

    Never runs code in the file, but the copies of plug-ins that its folder keeps (`plugins`): load no folder of
    somebody you do not trust. Raises SettingError when there is no file, or when it is damaged.
    """
    path, runs = Path(text_of(source, "source")), Path(text_of(runs, "runs"))
    if is_hub(path) and not ((path / BEST).is_file() or is_trained(runs / path)):
        return read_hub(path)
    file = _file(path, runs)
    data, state = _held(file)
    _check_whole(data, str(file))  # before anything beside the file runs
    load_beside(file)
    return made(data, state, str(file))


def _file(path: Path, runs: Path) -> Path:
    """Find the file of weights that a name or a path means. Raises SettingError where there is none."""
    here = is_trained(path) or is_run(path) or any(map(os.path.isfile, (path, path / BEST)))
    if not here and path.suffix != Path(BEST).suffix:
        if is_run(runs / path):
            raise untrained(runs / path)
        if is_trained(runs / path) or not os.path.lexists(path):
            path = find_trained(path, runs)
    if os.path.isdir(path):  # noqa: PTH112  (pathlib raises for names that are too long)
        if is_run(path):
            raise untrained(path)
        path /= BEST
    if not os.path.exists(path):  # noqa: PTH110
        raise SettingError(f"{path}: no such file; give a folder that nas train left, or a .safetensors file")
    if path.suffix.lower() in ELSEWHERE:
        raise elsewhere(path)
    if path.suffix.lower() in (".yaml", ".yml"):
        raise SettingError(f"{path}: an architecture, which has no weights; train it by nas train {quoted(path)}, or "
                           "build it with new ones: nas.build(nas.load_architecture(...))")  # fmt: skip
    return path


def elsewhere(path: Path | str) -> SettingError:
    """The error for an exported file of a format from which no network is built here."""
    return SettingError(f"{path}: a file for another runtime, from which no network is built; name the training that "
                        "it was exported from, or run it with nas predict")  # fmt: skip


def write_model(model: Model, path: Path) -> None:
    """Write a model whole or not at all. Raises OSError."""
    state = {name: value.detach().cpu().contiguous() for name, value in model.network.state_dict().items()}
    metadata = {name: json.dumps(value) for name, value in model.to_dict().items()} | {"format": "pt"}
    with files.replacing(path) as file:
        file.write(save(state, metadata))


def read_model(path: Path) -> Model:
    """Read what `write_model` wrote, in evaluation mode, never running code in the file.

    Raises SettingError when the file is missing, damaged, or holds weights alone.
    """
    return made(*_held(path), str(path))


def _held(path: Path) -> tuple[Json, State]:
    """Read the data and the weights in a file. Raises SettingError where it holds no weights."""
    state = read(path)
    try:
        with safe_open(path, "pt") as file:
            data = {name: json.loads(value) for name, value in (file.metadata() or {}).items() if name != "format"}
    except (SafetensorError, ValueError, OSError, RecursionError):
        data = {}
    return data, state


def is_hub(folder: Path) -> bool:
    """Tell whether a folder is one for Hugging Face's hub."""
    return all(os.path.isfile(folder / name) for name in (CONFIG, WEIGHTS))  # noqa: PTH113  (never raises)


def read_hub(folder: Path) -> Model:
    """Read such a folder without huggingface_hub, in evaluation mode, never running code in it.

    Raises SettingError when a file is missing or damaged.
    """
    config, weights = folder / CONFIG, folder / WEIGHTS
    try:
        data = json.loads(config.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise SettingError(f"{config}: cannot be read ({type(error).__name__}: {error})") from None
    if not isinstance(data, dict):
        raise SettingError(f"{config}: holds no settings of a model")
    state = {name.removeprefix("network."): value for name, value in read(weights).items()}
    return made(data, state, str(folder))


def made(data: Mapping[str, Any], state: Mapping[str, Tensor], source: str) -> Model:
    """Build a model in evaluation mode of `Model.to_dict`'s data and its weights.

    Raises SettingError, naming `source`, for data that are missing or damaged and for weights of another network.
    """
    _check_whole(data, source)
    try:
        architecture = load_architecture(dict(data["architecture"]))  # never the name of a file
        if (depth := sum(stage.depth for stage in architecture.stages)) > max(len(state), QUICK):
            raise SettingError(f"holds {len(state)} weights for {depth} blocks")
        adapt(state, skeleton(architecture))  # before memory is taken for what the data claim
        model = Model(build(architecture), data["classes"], data["mean"], data["std"], data.get("facts"))
        model.network.load_state_dict(adapt(state, model.network))
    except SpaceError as error:
        raise SettingError(f"{source}: its architecture is damaged: {error}") from None
    except (TypeError, ValueError, KeyError, RuntimeError) as error:
        if isinstance(error, SettingError):
            raise SettingError(f"{source}: {error}") from None
        raise SettingError(f"{source}: damaged ({type(error).__name__}: {error})") from None
    if len(model.classes) != architecture.classes:
        raise SettingError(f"{source}: names {len(model.classes)} classes for a head of {architecture.classes}")
    if {len(model.mean), len(model.std)} != {architecture.channels} or not model.std.min() > 0:
        raise SettingError(f"{source}: its normalisation is not that of {architecture.channels} channels")
    return model.eval()


def _check_whole(data: Mapping[str, Any], source: str) -> None:
    """Raise SettingError for data that lack what a model needs beside its weights."""
    missing = [name for name in ("architecture", "classes", "mean", "std") if name not in data]
    if missing:
        raise SettingError(f"{source}: holds no {missing[0]}, so it is not a model that nas wrote; load weights alone "
                           "with nas.load_weights")  # fmt: skip
