"""Predicting for another device: a folder of networks to run there, and a predictor from the results.

The folder holds whole networks and single blocks of a space as ONNX, a reference network, `run.py`, which needs
onnxruntime alone, and `manifest.json`, which describes each file.
"""

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path

import torch

from nas.costs.latency.device_results import RUNNER, read_times
from nas.costs.latency.measure import REFERENCE
from nas.costs.latency.predictor import Predictor, piece_from_dict, piece_to_dict
from nas.costs.latency.regression import FEWEST
from nas.costs.onnx_file import write_onnx
from nas.errors import SettingError
from nas.files import Json, making, writing
from nas.network.architecture import Architecture
from nas.network.build import build
from nas.network.pieces import Piece, pieces
from nas.space.library import load_architecture
from nas.space.space import SearchSpace, draw

MOST, MOST_BLOCKS = 120, 240
MANIFEST = "manifest.json"
DIGITS = 12  # of a digest


def collect(
    space: SearchSpace,
    folder: Path,
    *,
    networks: int = 60,
    blocks: int = 120,
    batch: int = 1,
    progress: Callable[[str], None] = lambda name: None,
) -> Path:
    """Write the package for a space into a new folder and return the folder.

    `progress` is called with the name of each file before it is written. Raises SettingError for numbers out of bounds,
    for a space of too few networks, and for a folder that exists or cannot be written. Then nothing is left behind.
    """
    _check_numbers(networks, blocks)
    drawn = draw(space, networks)
    if len(drawn) < FEWEST:
        raise SettingError(f"{space.name}: has {len(drawn)} of the {FEWEST} networks that make a predictor; export "
                           "each and time it on the device")  # fmt: skip
    with writing(folder, "choose another folder"):
        if folder.exists():
            raise SettingError(f"{folder} exists already; take another folder")
        with making(folder) as place:
            _write_package(place, space, drawn, blocks, batch, progress)
    return folder


def _write_package(
    folder: Path,
    space: SearchSpace,
    drawn: Sequence[Architecture],
    blocks: int,
    batch: int,
    progress: Callable[[str], None],
) -> None:
    entries = list[Json]()
    for i, architecture in enumerate(drawn):
        progress(name := f"network_{i:03d}")
        entries.append(_write_network(folder, name, architecture, batch))
    common = Counter(piece for a in drawn for piece in dict.fromkeys(pieces(a)))
    for i, (piece, _) in enumerate(common.most_common(blocks)):
        progress(name := f"block_{i:03d}")
        entries.append(_write_block(folder, name, piece, batch))
    reference = _write_network(folder, "reference", load_architecture(REFERENCE), batch)
    manifest = {"package": _identity(space, batch, entries), "space": space.name, "batch": batch,
                "reference": reference["shape"], "files": entries}  # fmt: skip
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    shutil.copyfile(str(files("nas.costs.latency") / "runner.py"), folder / RUNNER)


def fit(results: Path) -> Predictor:
    """Make the predictor of the device that a package was run on.

    Raises SettingError for a file without its package's manifest, and as `read_times` does.
    """
    manifest = _read_manifest(results)
    times, told = read_times(results, manifest["package"], [entry["name"] for entry in manifest["files"]])
    whole = [(load_architecture(e["network"]), times[e["name"]]) for e in manifest["files"] if "network" in e]
    parts = [(piece_from_dict(e["block"]), times[e["name"]]) for e in manifest["files"] if "block" in e]
    where = {"target": "onnxruntime", "batch": manifest["batch"], "dtype": "float32"} | told
    return Predictor(where, manifest["space"], tuple(whole), tuple(parts))


def _check_numbers(networks: int, blocks: int) -> None:
    if not FEWEST <= networks <= MOST:
        raise SettingError(f"-n: found {networks}; from {FEWEST} to {MOST} networks make a predictor")
    if not 0 <= blocks <= MOST_BLOCKS:
        raise SettingError(f"--blocks: found {blocks}; write 0 to {MOST_BLOCKS}")


def _write_network(folder: Path, name: str, architecture: Architecture, batch: int) -> Json:
    shape = (batch, *architecture.image_shape)
    write_onnx(build(architecture, seed=0).eval(), torch.zeros(shape), folder / f"{name}.onnx")
    return {"name": name, "shape": list(shape), "network": architecture.to_dict()}


def _write_block(folder: Path, name: str, piece: Piece, batch: int) -> Json:
    shape = (batch, *piece.taken)
    write_onnx(piece.build().eval(), torch.zeros(shape), folder / f"{name}.onnx")
    return {"name": name, "shape": list(shape), "block": piece_to_dict(piece)}


def _identity(space: SearchSpace, batch: int, entries: Sequence[Json]) -> str:
    """Name a package by what is in it, so that results can be matched with it: spaces may have one name and size."""
    digest = hashlib.sha256(json.dumps(entries, sort_keys=True).encode()).hexdigest()
    return f"{space.name}-{len(entries)}-{batch}-{digest[:DIGITS]}"


def _read_manifest(results: Path) -> Json:
    path = results.parent / MANIFEST
    try:
        manifest: Json = json.loads(path.read_text(encoding="utf-8-sig"))
        names = [entry["name"] for entry in manifest["files"]]
        if len(set(names)) < len(names) or not {"package", "space", "batch"} <= manifest.keys():
            raise ValueError(names)
    except OSError:
        raise SettingError(f"{results}: no {MANIFEST} lies beside it; write the results.csv in the package's folder, "
                           "as collected") from None  # fmt: skip
    except (ValueError, KeyError, TypeError):
        raise SettingError(f"{path}: damaged; collect and run the package anew") from None
    return manifest
