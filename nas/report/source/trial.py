"""Run a written file in a process of its own, where this package cannot be imported, and compare its outputs."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from nas.errors import RunError
from nas.files import Json, search_path
from nas.network.build import build
from nas.network.properties import scrambled
from nas.report.formats import Shipment
from nas.training.model import Model

SEED, BATCHES, SECONDS = 0, (1, 3), 600
CHILD = """
import importlib.util, sys

class Guard:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"nas", "pydantic"}:
            raise ImportError(f"the file imports {name}")

sys.meta_path.insert(0, Guard())
import torch

file, given, answer, threads = sys.argv[1:]
torch.set_num_threads(int(threads))
given = torch.load(given, weights_only=True)
spec = importlib.util.spec_from_file_location("written", file)
module = importlib.util.module_from_spec(spec)
sys.modules["written"] = module
spec.loader.exec_module(module)
torch.manual_seed(given["seed"])
network = module.Network()
fresh = {name: value.clone() for name, value in network.state_dict().items()}
with torch.inference_mode():
    if given["weights"] is None:
        network = module.build()
        outputs = [network(module.normalise(x)) for x in given["images"]]
    else:
        network.load_state_dict(given["weights"])
        outputs = [network.eval()(x) for x in given["images"]]
torch.save({"fresh": fresh, "outputs": outputs}, answer)
"""


def compare(file: Path, shipment: Shipment) -> list[str]:
    """Run a file whose module has `Network`, and with weights `build` and `normalise` too, and compare bit for bit.

    Compared are new weights drawn by a seed, and outputs at two batch sizes, with the model's weights or with random
    ones. Returns a line for each check. Raises RunError where something differs.
    """
    images = images_for(shipment)
    expected, weights = expectations(shipment, images)
    found = _run(file, {"seed": SEED, "images": images, "weights": None if shipment.model else weights})
    beside = [f"takes its weights from {file.with_suffix('.pt').name}, beside it"] if shipment.model else []
    return [
        "runs with torch alone",
        *beside,
        *differences(file, shipment, images, expected, found["outputs"], found["fresh"]),
    ]


def differences(
    file: Path, shipment: Shipment, images: list[Tensor], expected: list[Tensor], outputs: list[Tensor],
    fresh: Mapping[str, Tensor],
) -> list[str]:  # fmt: skip
    """Raise RunError where outputs, or new weights drawn by the seed, are not those that are right, bit for bit."""
    _same(build(shipment.architecture, seed=SEED).state_dict(), fresh)
    for ours, theirs in zip(expected, outputs, strict=True):
        if ours.shape != theirs.shape or not torch.allclose(ours, theirs, rtol=0, atol=0, equal_nan=True):
            raise RunError(f"{file.name}: its outputs are not those of the network for {len(ours)} images: "
                           f"{_difference(ours, theirs)}")  # fmt: skip
    sizes = ", ".join("x".join(map(str, x.shape)) for x in images)
    return [f"outputs equal bit for bit for images {sizes}", "new weights equal bit for bit by seed"]


def images_for(shipment: Shipment) -> list[Tensor]:
    """Draw images from 0 to 1: batches of two sizes, and one of other images where any are to be taken."""
    generator = torch.Generator().manual_seed(SEED)
    images = [torch.rand(batch, *shipment.architecture.image_shape, generator=generator) for batch in BATCHES]
    if shipment.dynamic_size:
        images.append(nn.functional.interpolate(images[0], scale_factor=(1.5, 1)))
    return images


def reference(model: Model) -> Model:
    """Return the model on the CPU, in evaluation mode, without touching the one that is given."""
    network = build(model.architecture)
    network.load_state_dict(model.network.state_dict())
    same = Model(network, model.classes, model.mean.flatten().tolist(), model.std.flatten().tolist())
    return same.eval()


def expectations(shipment: Shipment, images: list[Tensor]) -> tuple[list[Tensor], Mapping[str, Tensor]]:
    """Return the outputs that are right for images, and their weights: the model's, or random ones."""
    with torch.inference_mode():
        if shipment.model is not None:
            model = reference(shipment.model)
            return [model(x) for x in images], model.network.state_dict()
        network = scrambled(build(shipment.architecture, seed=SEED), SEED)
        return [network(x) for x in images], network.state_dict()


def _run(file: Path, given: Mapping[str, object]) -> Json:
    question, answer = file.with_name("question"), file.with_name("answer")
    torch.save(given, question)
    command = [
        sys.executable,
        "-P",
        "-B",
        "-c",
        CHILD,
        str(file),
        str(question),
        str(answer),
        str(torch.get_num_threads()),
    ]
    variables = os.environ | {"PYTHONPATH": search_path(), "PYTHONWARNINGS": ""}  # by which torch may have come
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False, env=variables)
    except subprocess.TimeoutExpired:
        raise RunError(f"{file.name}: did not end within {SECONDS} seconds when run by itself") from None
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or [f"status {done.returncode}"]
        raise RunError(f"{file.name}: cannot be run by itself: {last[0]}")
    found: Json = torch.load(answer, weights_only=True)
    for path in (question, answer):
        path.unlink()
    return found


def _same(ours: Mapping[str, Tensor], theirs: Mapping[str, Tensor]) -> None:
    if list(ours) != list(theirs):
        raise RunError(f"the written file's weights have other names: {sorted(ours.keys() ^ theirs.keys())[:3]}")
    for name, value in ours.items():
        if not torch.equal(value, theirs[name]):
            raise RunError(f"the written file draws other weights: {name}")


def _difference(ours: Tensor, theirs: Tensor) -> str:
    if ours.shape != theirs.shape:
        return f"shape {tuple(theirs.shape)} instead of {tuple(ours.shape)}"
    return f"largest difference {float((ours - theirs).abs().max()):.2g}"
