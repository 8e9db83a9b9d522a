"""Fixed layouts at matched multiply-adds and equal processor time, on any data: where does attention pay?

    python benchmarks/layouts.py --data relations --seeds 5
    python benchmarks/layouts.py --data relations_local --layouts C-C-C-C,C-C-T-T --set learning_rate=1e-3
    python benchmarks/layouts.py --device cuda --processes 12 --seconds 20
    python benchmarks/layouts.py --layouts M-M-T-T --images 12000 --norm layer     # equal images, another head
    python benchmarks/layouts.py --layouts C-C-C-C,C-C-T-T --head-dim 8            # more heads, which take longer
    python benchmarks/layouts.py --data cifar10:DIR --subset 5000 --images 80000   # sixteen times the same 5,000
    python benchmarks/layouts.py --data cifar10:DIR --resolution 64 --layouts ViT_P,ViT_C --images 8000

A layout names the block of each of four stages on maps of 16, 16, 8 and 8 pixels, for images of 32: C convolution, M
MBConv (m without Squeeze-and-Excitation), T relative transformer, A MOAT. Widths are stretched, by whole heads where a
stage attends, until the multiply-adds are those of `--macs`; then every network trains for `--seconds` of one
processor's time, or of a GPU's, which its own step time turns into a number of images, so that the schedule ends where
the time does: steps are timed in turn, before `--processes` train side by side. `--images` gives all the same number
instead. Results are lines of `--out`; those that are there are not trained again. Prints means with standard errors, on
new images and on those of the training: what a network can fit, and how much of it holds, are CoAtNet's two questions
(arXiv:2106.04803, section 3.2).

`ViT_P` and `ViT_C` are vision transformers that begin with patches and with convolutions, which stand in for one block
(arXiv:2106.14881, section 3), both of some 45 M multiply-adds at 64 pixels.
"""

import argparse
import json
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from itertools import product
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch

from nas.costs.counts import cost
from nas.data import load
from nas.data.sets import Dataset
from nas.network.architecture import Architecture
from nas.network.build import Network, build
from nas.training.catalogue import load_task
from nas.training.images import load_images
from nas.training.loop import predict, train
from nas.training.recipe import Recipe

LAYOUTS = "C-C-C-C M-M-M-M m-m-m-m C-C-C-T T-C-C-C C-C-T-T C-T-T-T T-T-C-C M-M-T-T M-M-A-A A-A-M-M T-T-T-T"
BLOCKS = {
    "C": {"block": "conv"},
    "M": {"block": "mbconv", "se_ratio": 0.25},
    "m": {"block": "mbconv", "se_ratio": 0},
    "T": {"block": "transformer", "pool": "avg"},
    "A": {"block": "moat"},
}
ATTENTION = "TA"
DEPTHS, WIDTHS, STRIDES = (1, 2, 2, 1), (16, 24, 32, 48), (1, 1, 2, 1)
VITS = {"ViT_P": ("patchify", 6), "ViT_C": ("early_conv", 5)}  # stem and depth
STRETCHES = np.arange(0.5, 3.0, 0.1)
LEAST = 16  # channels of a stage
PROBE = 12  # steps that are timed at once
ROUNDS = 3  # of them, in which all layouts take turns
FITTED = 10_000  # images of the training at most that a network is judged on


@dataclass(frozen=True)
class Line:
    """One training."""

    layout: str
    data: str
    seed: int
    changes: str
    accuracy: float
    fitted: float  # accuracy on the images of the training
    loss: float
    macs: int
    params: int
    images: int
    seconds: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="relations")
    parser.add_argument("--layouts", default=LAYOUTS)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--macs", type=float, default=11e6)
    parser.add_argument("--resolution", type=int, default=32)
    parser.add_argument("--images", type=int, help="images of every training, in place of a time")
    parser.add_argument("--subset", type=int, help="different images at most, which a quick network sees more often")
    parser.add_argument("--head-dim", type=int, default=16, help="channels of a head of attention")
    parser.add_argument("--norm", default="batch", choices=["batch", "layer"], help="the head's")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--processes", type=int, default=1, help="trainings at once")
    parser.add_argument("--set", nargs="*", default=[], help="settings of the recipe, such as learning_rate=1e-3")
    parser.add_argument("--out", type=Path, default=Path("layouts.jsonl"))
    given = parser.parse_args()
    torch.set_num_threads(1)
    data = load(given.data, resolution=given.resolution)
    timed = f"by {given.device}'s time" if given.device != "cpu" else "by time"
    few = [f"subset={given.subset}"] if given.subset else []
    heads = f"head_dim={given.head_dim}"
    changes = " ".join(sorted([*given.set, *few, heads, f"norm={given.norm}", f"images={given.images or timed}"]))
    seeds = range(given.first_seed, given.first_seed + given.seeds)
    known = {(x.layout, x.seed) for x in _lines(given.out) if (x.data, x.changes) == (data.name, changes)}
    left = [(layout, seed) for seed, layout in product(seeds, _names(given.layouts)) if (layout, seed) not in known]
    totals = _totals(sorted({layout for layout, _ in left}), data, given)
    with ProcessPoolExecutor(given.processes, get_context("spawn")) as pool:
        measured = [pool.submit(measure, *one, data, totals[one[0]], changes, given) for one in left]
        for line in (each.result() for each in as_completed(measured)):
            with given.out.open("a") as file:
                file.write(json.dumps(asdict(line)) + "\n")
            print(f"{line.layout} seed {line.seed}: {line.accuracy:.3f}, loss {line.loss:.2f}, {line.images} images",
                  flush=True)  # fmt: skip
    report([line for line in _lines(given.out) if (line.data, line.changes) == (data.name, changes)])


def measure(layout: str, seed: int, data: Dataset, total: int, changes: str, given: argparse.Namespace) -> Line:
    """Train one layout on a number of images, and return its accuracy on the validation part and on these images."""
    torch.set_num_threads(1)
    architecture, recipe = matched(layout, given.macs, data, given.norm, given.head_dim), _recipe(given)
    different = min(given.subset or len(data.train), len(data.train))
    epochs = max(1, -(-total // different))
    recipe = recipe.model_copy(update={"epochs": epochs, "subset": total // epochs})
    images = load_images(data, torch.device(given.device), subset=recipe.subset, seed=seed)
    task, network = load_task("classification"), _network(architecture, given)
    start = _now(given)
    losses = train(network, images, recipe, task, seed)
    spent = _now(given) - start
    trained = replace(images, validation_x=images.train_x[:FITTED], validation_y=images.train_y[:FITTED])
    accuracy, fitted = (float(task.metrics["accuracy"].compute(predict(network, part))) for part in (images, trained))
    seen = recipe.epochs * (recipe.subset or 0)
    costs = cost(architecture)
    return Line(layout, data.name, seed, changes, accuracy, fitted, losses[-1], costs.macs, costs.params, seen, spent)


def _recipe(given: argparse.Namespace) -> Recipe:
    return Recipe.model_validate_strings(dict(change.split("=") for change in given.set))


def _network(architecture: Architecture, given: argparse.Namespace) -> Network:
    return build(architecture).to(given.device, memory_format=torch.channels_last)  # type: ignore[call-overload]


def _now(given: argparse.Namespace) -> float:
    """Return the processor's seconds, or those of the clock once the GPU has done all that it was given."""
    if given.device == "cpu":
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def matched(layout: str, macs: float, data: Dataset, norm: str = "batch", head_dim: int = 16) -> Architecture:
    """Stretch the widths, then move some by one step, until the multiply-adds are as near to `macs` as they come."""
    if layout in VITS:
        return _vision_transformer(layout, data, norm)
    steps = [head_dim if letter in ATTENTION else 8 for letter in layout.split("-")]

    def away(widths: tuple[int, ...]) -> float:
        return abs(np.log(cost(_architecture(layout, widths, data, norm, head_dim)).macs / macs))

    best = min((_stretched(stretch, steps) for stretch in STRETCHES), key=away)
    near = ([max(width + by * step, step, LEAST) for by in (-1, 0, 1)] for width, step in zip(best, steps, strict=True))
    rising = (widths for widths in product(*near) if list(widths) == sorted(widths))
    return _architecture(layout, min(rising, key=away), data, norm, head_dim)


def _stretched(stretch: float, steps: list[int]) -> tuple[int, ...]:
    return tuple(max(round(w * stretch / step) * step, step, LEAST) for w, step in zip(WIDTHS, steps, strict=True))


def _architecture(layout: str, widths: tuple[int, ...], data: Dataset, norm: str, head_dim: int) -> Architecture:
    heads = [{"head_dim": head_dim} if letter in ATTENTION else {} for letter in layout.split("-")]
    stages = [
        {**BLOCKS[letter], **head, "depth": depth, "width": width, "stride": stride}
        for letter, head, depth, width, stride in zip(layout.split("-"), heads, DEPTHS, widths, STRIDES, strict=True)
    ]
    return _of(layout, {"kind": "conv", "width": widths[0]}, stages, data, norm)


def _vision_transformer(layout: str, data: Dataset, norm: str) -> Architecture:
    stem, depth = VITS[layout]
    stages = [{"block": "vit", "depth": depth, "width": 192, "stride": 1, "head_dim": 64}]
    return _of(layout, {"kind": stem, "width": 192}, stages, data, norm)


def _of(name: str, stem: dict[str, object], stages: list[dict[str, object]], data: Dataset, norm: str) -> Architecture:
    images = {"resolution": data.resolution, "channels": data.channels, "classes": len(data.classes)}
    head = {"kind": "pool", "norm": norm}
    return Architecture.from_dict({"name": name, **images, "stem": stem, "stages": stages, "head": head})


def _totals(layouts: list[str], data: Dataset, given: argparse.Namespace) -> dict[str, int]:
    """Return each layout's number of images: all the same, or as many as `--seconds` hold, by steps timed in turn."""
    if given.images:
        return dict.fromkeys(layouts, given.images)
    steps = [{layout: _step(layout, data, given) for layout in layouts} for _ in range(ROUNDS)]
    batch = _recipe(given).batch_size
    return {name: int(given.seconds / np.median([turn[name] for turn in steps])) * batch for name in layouts}


def _step(layout: str, data: Dataset, given: argparse.Namespace) -> float:
    """Return the seconds of a step, the median of a few."""
    recipe = _recipe(given)
    images = load_images(data, torch.device(given.device), subset=PROBE * recipe.batch_size)
    network = _network(matched(layout, given.macs, data, given.norm, given.head_dim), given)
    clock: list[float] = []
    train(network, images, recipe.model_copy(update={"epochs": 2}), load_task("classification"), 0,
          lambda: clock.append(_now(given)))  # fmt: skip
    return float(np.median(np.diff(clock[PROBE // 2 :])))


def _names(text: str) -> list[str]:
    return text.replace(",", " ").split()


def _lines(path: Path) -> list[Line]:
    return [Line(**json.loads(line)) for line in path.read_text().splitlines()] if path.is_file() else []


def report(lines: list[Line]) -> None:
    """Print each layout's mean accuracies with their standard errors, best first."""
    rows = []
    for layout in sorted({line.layout for line in lines}):
        of = [line for line in lines if line.layout == layout]
        new, fitted = np.array([(line.accuracy, line.fitted) for line in of]).T
        images = np.mean([line.images for line in of])
        rows.append((new.mean(), f"{_shown(new)} | {_shown(fitted)} | {_shown(fitted - new)} | {len(of)} | "
                     f"{of[0].macs / 1e6:.1f} | {images:,.0f}", layout))  # fmt: skip
    print("\n| layout | accuracy | on the training's images | gap | seeds | M MACs | images |" + "\n|" + "---|" * 7)
    for _, figures, layout in sorted(rows, reverse=True):
        print(f"| {layout} | {figures} |")


def _shown(values: np.ndarray) -> str:
    error = values.std(ddof=1) / len(values) ** 0.5 if len(values) > 1 else np.nan
    return f"{values.mean():.3f} ± {error:.3f}"


if __name__ == "__main__":
    main()
