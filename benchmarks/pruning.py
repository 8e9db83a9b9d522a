"""What stopping trainings early saves, and what it costs: pairs of searches with equal seeds, one with the pruner.

Each pair prints the seconds and the multiply-adds spent on training, the final hypervolume (accuracy from 0 to 1, the
costs up to the largest of the pair), and how many were stopped. Every stopped training is then run to its end, outside
the count, to see whether it would have stood on the final front.

    python benchmarks/pruning.py --seeds 5 --budget 60
    python benchmarks/pruning.py --data cifar10:cifar-10-batches-bin --subset 4000 --epochs 2 --budget 40
"""

import argparse
import json
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

import nas
from nas import data as datasets
from nas import pareto
from nas.evaluation.early_stop import RUNGS
from nas.evaluation.evaluator import Evaluator
from nas.evaluation.job import Job, derive_seed
from nas.record.results import Result
from nas.record.run import Run
from nas.record.trial import Trial


def hypervolume(run: Run, worst: list[float]) -> float:
    """The share of the box from no accuracy and the largest costs that a run's front dominates."""
    points = run.points(run.results)
    return pareto.hypervolume(points, [0.0, *worst], run.maximize) / float(np.prod(worst))


def work(run: Run) -> float:
    """What a run trained, in multiply-adds of one image times the share of the training: it repeats exactly."""
    shares = {t.number: RUNGS[len(t.outcome.rungs) - 1] if t.state == "pruned" else 1.0 for t in run.spent}
    return sum(t.metrics["macs"] * shares[t.number] for t in run.spent)


def finish(run: Run) -> tuple[list[Result | Trial], list[Trial]]:
    """The run's front had nothing been stopped, and those of it that were."""
    dataset = datasets.load(run.config.data, seed=run.config.seed, resolution=run.config.resolution)
    evaluator = Evaluator(run.config, dataset)
    stopped = [t for t in run.trials if t.state == "pruned"]
    ended = [_to_its_end(t, evaluator, derive_seed(run.config.seed, t.number)) for t in stopped]
    everything: list[Result | Trial] = [*run.results, *ended]
    front = [everything[i] for i in pareto.front(run.points(everything), run.maximize)]
    return front, [t for t in front if isinstance(t, Trial)]


def _to_its_end(trial: Trial, evaluator: Evaluator, seed: int) -> Trial:
    """A stopped trial with the values that it would have come to."""
    whole = evaluator(Job(trial.number, trial.architecture, seed))
    return replace(trial, outcome=replace(trial.outcome, metrics=whole.metrics))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--space", default="cvt_family")
    parser.add_argument("--data", default="cluttered_digits")
    parser.add_argument("--objectives", default="accuracy,macs", help="macs repeat exactly; latency does not")
    parser.add_argument("--sampler", default="pareto")
    parser.add_argument("--budget", type=int, default=60)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--subset", type=int)
    parser.add_argument("--out", type=Path, help="keep the figures of each seed here, and go on from them")
    options = parser.parse_args()
    recipe = {"epochs": options.epochs} | ({"subset": options.subset} if options.subset else {})
    settings = {"objectives": tuple(options.objectives.split(",")), "sampler": options.sampler, "recipe": recipe}
    known = json.loads(options.out.read_text()) if options.out and options.out.exists() else {}
    for seed in range(options.seeds):
        if str(seed) not in known:
            known[str(seed)] = compare(options.space, options.data, options.budget, seed, settings)
            if options.out:
                options.out.write_text(json.dumps(known, indent=1))
    show(list(known.values()))


def compare(space: str, data: str, budget: int, seed: int, settings: dict[str, object]) -> dict[str, float]:
    """One pair of searches."""
    with tempfile.TemporaryDirectory() as folder:
        pair = [
            nas.search(
                space, data=data, budget=budget, name=pruner, runs=folder, seed=seed, pruner=pruner, confirm=0,
                workers=1, **settings,
            )
            for pruner in ("none", "dominance")
        ]  # fmt: skip
        worst = [float(c) for c in np.concatenate([run.points(run.results) for run in pair]).max(axis=0)[1:]]
        front, wronged = finish(pair[1])
        seconds = [sum(t.outcome.seconds.get("train", 0.0) for t in run.trials) for run in pair]
        volumes = [hypervolume(run, worst) for run in pair]
    return {
        "work": work(pair[0]), "work_pruned": work(pair[1]), "seconds": seconds[0], "seconds_pruned": seconds[1],
        "hypervolume": volumes[0],
        "hypervolume_pruned": volumes[1], "stopped": sum(t.state == "pruned" for t in pair[1].trials),
        "front": len(front), "wronged": len(wronged),
    }  # fmt: skip


def show(rows: list[dict[str, float]]) -> None:
    """One row a seed, and the whole."""
    named = "seed,s,s pruned,of time,of work,volume,pruned,stopped,front,wronged"
    table = Table(*named.split(","))
    whole = {key: sum(row[key] for row in rows) for key in rows[0]}
    means = whole | {key: whole[key] / len(rows) for key in ("hypervolume", "hypervolume_pruned")}
    for name, row in [*((str(i), row) for i, row in enumerate(rows)), ("all", means)]:
        table.add_row(
            name, f"{row['seconds']:.0f}", f"{row['seconds_pruned']:.0f}",
            f"{row['seconds_pruned'] / row['seconds']:.2f}", f"{row['work_pruned'] / row['work']:.2f}",
            f"{row['hypervolume']:.4f}",
            f"{row['hypervolume_pruned']:.4f}", f"{row['stopped']:.0f}", f"{row['front']:.0f}", f"{row['wronged']:.0f}",
        )  # fmt: skip
    Console().print(table)


if __name__ == "__main__":
    main()
