"""A trained network in every format, each run by its own runtime on the test part of its data: is it still the same?

    nas train ... --name signs
    python benchmarks/formats.py runs/signs runs/digits

Accuracy is that of the whole test part; milliseconds are of one image at once on one thread, the median of rounds in
which all formats take turns, so that a busy machine slows all alike; bytes are what lies on disk.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

import nas
from nas.data import load
from nas.record.trained import Trained
from nas.report.metadata import INPUT

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from timm_models import timm

SUFFIXES = {
    "safetensors": ".safetensors", "onnx": ".onnx", "onnx-int8": "_int8.onnx", "pt2": ".pt2", "python": "_net.py",
    "timm": "_timm.py", "hub": "_hub",
}  # fmt: skip
ROUNDS, RUNS = 30, 20
Network = Callable[[Tensor], Tensor]


def opened(form: str, path: Path) -> Network:
    """The written network, run by whatever the format is for. Images are of values from 0 to 1."""
    if form.startswith("onnx"):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        return lambda x: torch.from_numpy(session.run(None, {INPUT: x.numpy()})[0])
    if form == "pt2":
        return torch.export.load(path).module()
    if form == "hub":
        return nas.HubModel.from_pretrained(str(path)).eval()
    if form == "safetensors":
        return nas.load(path)
    spec = spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    sys.modules[path.stem] = module = module_from_spec(spec)
    spec.loader.exec_module(module)
    network = module.build() if form == "python" else timm().create_model(module.NAME, pretrained=True).eval()
    return lambda x: network(module.normalise(x))


def size(path: Path) -> int:
    """The bytes of a file with those beside it, or of a folder's files."""
    files = path.rglob("*") if path.is_dir() else path.parent.glob(f"{path.stem}.*")
    return sum(file.stat().st_size for file in files if file.is_file() and file.suffix != ".pyc")


@torch.inference_mode()
def accuracy(network: Network, images: Tensor, labels: Tensor) -> float:
    """The share of images whose largest logit is that of their class."""
    answers = torch.cat([network(batch) for batch in images.split(100)])
    return float((answers.argmax(1) == labels).float().mean())


@torch.inference_mode()
def milliseconds(networks: dict[str, Network], image: Tensor) -> dict[str, float]:
    """The median time for one image, in rounds in which all take turns."""
    seconds: dict[str, list[float]] = {form: [] for form in networks}
    for round_ in range(ROUNDS + 2):
        for form, network in networks.items():
            start = time.perf_counter()
            for _ in range(RUNS):
                network(image)
            if round_ >= 2:
                seconds[form].append((time.perf_counter() - start) / RUNS)
    return {form: 1e3 * float(np.median(found)) for form, found in seconds.items()}


def measure(folder: str, tolerance: float) -> Table:
    """Export a training to every format, and run all of them."""
    trained = Trained(folder)
    data = load(trained.config.data, seed=trained.config.seed, resolution=trained.architecture.resolution)
    images, labels = torch.from_numpy(data.images[data.test]).float() / 255, torch.from_numpy(data.labels[data.test])
    title = f"{trained.name}: {trained.architecture.layout()} on {data.name}, {len(labels):,} test images"
    table = Table("format", "accuracy", "kB", "ms", "checked", title=title, title_justify="left")
    networks: dict[str, Network] = {"PyTorch": trained.model()}
    facts = {"PyTorch": ("", "")}
    timm()
    with tempfile.TemporaryDirectory() as place:
        written = nas.export(folder, "yaml", Path(place) / "net.yaml")
        assert nas.load_architecture(written.path).key() == trained.architecture.key()
        for form, suffix in SUFFIXES.items():
            path = Path(place) / form / f"net{suffix}"
            path.parent.mkdir()
            written = nas.export(folder, form, path, tolerance=tolerance)
            networks[form] = opened(form, written.path)
            facts[form] = f"{size(path) / 1e3:,.0f}", written.checks[0]
        times = milliseconds(networks, images[:1])
        for form, network in networks.items():
            kilobytes, checked = facts[form]
            table.add_row(form, f"{accuracy(network, images, labels):.4f}", kilobytes, f"{times[form]:.3f}", checked)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trainings", nargs="+", metavar="TRAINING")
    parser.add_argument("--tolerance", type=float, default=0.01)
    options = parser.parse_args()
    torch.set_num_threads(1)
    for folder in options.trainings:
        Console(width=150).print(measure(folder, options.tolerance))


if __name__ == "__main__":
    main()
