"""What makes a DETR work on little data: all remedies, each left out in turn, the published plain recipe, denoising.

    python benchmarks/detection/remedies.py --minutes 15
    python benchmarks/detection/remedies.py --data voc:BCCD --arms all,plain
    python benchmarks/detection/remedies.py --epochs 30 --device cuda

Each arm trains the same backbone for the same time or epochs, one thread each, by `nas train`; trainings in `--out`
that are finished are read, those interrupted go on. The table has mean average precision on the test part, with 95 %
intervals.
"""

import argparse
import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nas
from nas.costs.counts import cost
from nas.data import load
from nas.document import read
from nas.engine.train import go_on
from nas.record.trained import Trained

HERE = Path(__file__).parent
OFF: dict[str, dict[str, Any]] = {
    "no selected pixels": {"selected": False, "distinct": False, "anchors": True},
    "neighbours too": {"distinct": False},
    "no repeated labels": {"repeats": 1},
    "no focal loss": {"focal": False},
    "one level": {"levels": 1},
}
PLAIN = {key: value for change in OFF.values() for key, value in change.items()} | {"anchors": False}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", type=Path, default=HERE / "small_detr.yaml")
    parser.add_argument("--data", default="digit_scenes")
    parser.add_argument("--resolution", type=int)
    parser.add_argument("--arms", help="by comma: all, plain, published recipe, and denoising, " + ", ".join(OFF))
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--epochs", type=int, help="of each arm, in place of a time")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"], help="both in float32")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("remedies"))
    given = parser.parse_args()
    print("| arm | parameters | epochs | mAP | mAP@50 |\n|---|---|---|---|---|", flush=True)
    for name, head, recipe in arms():
        if given.arms and name not in given.arms.split(","):
            continue
        trained = finished(name, head, recipe, given)
        verdict = trained.ending.verdict
        whole, half = verdict.metrics["map"], verdict.metrics["map50"]
        parameters = cost(trained.architecture).params
        print(f"| {name} | {parameters / 1e6:.3f} M | {len(trained.history)} | {whole.value:.3f} ({whole.low:.3f} to "
              f"{whole.high:.3f}) | {half.value:.3f} ({half.low:.3f} to {half.high:.3f}) |", flush=True)  # fmt: skip


def arms() -> Iterator[tuple[str, dict[str, Any], str]]:
    """Yield each arm's name, the changes to its head, and its recipe."""
    yield "all", {}, "detection"
    for name, change in OFF.items():
        yield name, change, "detection"
    yield "and denoising", {"denoising": 3}, "detection"
    yield "plain", PLAIN, "detection"
    yield "published recipe", PLAIN | {"dropout": 0.1}, "detr"


def finished(name: str, head: dict[str, Any], recipe: str, given: argparse.Namespace) -> Trained:
    """Train an arm to its end, or go on with it."""
    folder = given.out / f"{name.replace(' ', '_')}-{given.seed}"
    if folder.exists():
        return go_on(folder)
    dataset = load(given.data, seed=given.seed, resolution=given.resolution)
    network = copy.deepcopy(read(given.network).value)
    network |= {"name": name, "resolution": dataset.resolution, "channels": dataset.channels}
    network |= {"classes": len(dataset.classes), "head": network["head"] | head}
    changes = {"precision": "float32"} | ({"epochs": given.epochs} if given.epochs else {})
    return nas.train(network, name=folder.name, runs=given.out, data=given.data, recipe=recipe, changes=changes,
                     time=None if given.epochs else 60 * given.minutes, threads=1, device=given.device,
                     seed=given.seed)  # fmt: skip


if __name__ == "__main__":
    main()
