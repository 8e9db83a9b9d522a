"""What a person ends up with: the front of a search after its networks are trained ten times longer.

    python benchmarks/front_quality.py --data cluttered_digits --seeds 5
    python benchmarks/front_quality.py --data cifar10:DIR --subset 4000 --arms single,ladder --work 2e12

Each arm searches with the same work, multiply-adds times images, of which the trainings of the end (`--confirm`) are a
part: `single` at one length, `ladder` by `--rungs`, `random` as `single` but for its sampler. Then the networks of each
front are trained `--longer` times as long with `--again` seeds. Their mean accuracies against multiply-adds dominate a
share of the box from accuracy `--worst` to 1 and, on a logarithmic scale, over all multiply-adds of fronts. Every
training is one of a run in `--out`, and what is there is not done again.
"""

import argparse
from contextlib import suppress
from itertools import product
from pathlib import Path

import numpy as np
from longer import trained_longer

import nas
from nas import pareto
from nas.engine.ladder import Step, length
from nas.engine.watcher import Watcher
from nas.record.run import Run

SEARCHING = 0.85  # of the work, before the front is trained from other seeds
OBJECTIVES = ("accuracy", "macs")


class SpentError(BaseException):
    """The work is spent."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--space", default="cvt_family")
    parser.add_argument("--data", default="cluttered_digits")
    parser.add_argument("--resolution", type=int, help="side of an image in pixels, the data's own where left out")
    parser.add_argument("--subset", type=int)
    parser.add_argument("--arms", default="single,ladder,random")
    parser.add_argument("--rungs", default="1,3,9")
    parser.add_argument("--promotion", type=float, default=0.5)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--work", type=float, default=1e12, help="multiply-adds of a search, forward ones alone")
    parser.add_argument("--longer", type=int, default=10)
    parser.add_argument("--again", type=int, default=3)
    parser.add_argument("--worst", type=float, default=0.5)
    parser.add_argument("--out", type=Path, default=Path("front_quality"))
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    runs = {}
    seeds = range(given.first_seed, given.first_seed + given.seeds)
    for seed, arm in product(seeds, given.arms.split(",")):
        runs[arm, seed] = searched(arm, seed, given)
    report(runs, given)


def searched(arm: str, seed: int, given: argparse.Namespace) -> Run:
    """Search until the work is spent, or read the run that did."""
    rungs = given.rungs if arm.startswith("ladder") else "1"
    name = f"{arm}-{seed}-{rungs.replace(',', '_')}"
    if (given.out / f"{name}.done").exists():
        return Run(given.out / name)
    settings = {
        "data": given.data, "objectives": OBJECTIVES, "rungs": rungs, "promotion": given.promotion, "seed": seed,
        "sampler": "random" if arm == "random" else "pareto", "workers": 1, "recipe": {"subset": given.subset},
        "resolution": given.resolution,
    }  # fmt: skip
    if not (given.out / name).exists():
        until(SEARCHING * given.work, lambda w: nas.search(
            given.space, budget=100_000, name=name, runs=given.out, watcher=w, **settings))  # fmt: skip
    elif work(Run(given.out / name)) < SEARCHING * given.work:
        until(SEARCHING * given.work, lambda w: nas.resume(given.out / name, watcher=w))
    budget = len(Run(given.out / name).spent)
    until(given.work, lambda w: nas.resume(given.out / name, budget=budget, watcher=w))
    run = Run(given.out / name)
    (given.out / f"{name}.done").touch()
    print(f"{name}: {len(run.spent)} networks, {len(run.further)} further trainings, {run.seconds:.0f} s, "
          f"{len(run.front())} on the front", flush=True)  # fmt: skip
    return run


def until(most: float, search) -> None:
    """Search until a run's work comes to `most`."""

    def stop(_, run: Run) -> None:
        if work(run) >= most:
            raise SpentError

    with suppress(SpentError):
        search(Watcher(ended=stop, trained_further=stop))


def work(run: Run) -> float:
    """Return the multiply-adds of a run's trainings, forward ones alone."""
    macs = {trial.number: trial.metrics["macs"] for trial in run.trials}
    lengths = [(trial.number, float(run.config.rungs[0])) for trial in run.spent]
    lengths += [(one.trial, length(run, Step(one.trial, one.rung, one.repeat))) for one in run.further]
    images = run.config.recipe.subset or run.seal["data"]["parts"]["train"]
    return sum(macs[number] * times for number, times in lengths) * images * run.config.recipe.epochs


def report(runs: dict[tuple[str, int], Run], given: argparse.Namespace) -> None:
    """Print each arm's hypervolume with its standard error, and its lead over the first arm, seed by seed."""
    networks = [result.architecture for run in runs.values() for result in run.front()]
    reached = trained_longer(networks, next(iter(runs.values())), given.out, given.longer, given.again)
    fronts = {
        key: np.array([[-reached[r.key].mean(), np.log(r.metrics["macs"])] for r in run.front() if r.key in reached])
        for key, run in runs.items()
    }
    costs = np.concatenate(list(fronts.values()))[:, 1]
    low, high = costs.min(), costs.max() + 0.1
    box = (1 - given.worst) * (high - low)
    volume = {
        key: pareto.hypervolume(front, (-given.worst, high), (False, False)) / box for key, front in fronts.items()
    }
    arms, seeds = (list(dict.fromkeys(names)) for names in zip(*runs, strict=True))
    print(
        "\n| arm | hypervolume | s.e. | lead over the first | s.e. | networks | trained on | on the front |\n"
        + "|---" * 8
        + "|"
    )
    for arm in arms:
        own = np.array([volume[arm, seed] for seed in seeds])
        lead = own - np.array([volume[arms[0], seed] for seed in seeds])
        of = [runs[arm, seed] for seed in seeds]
        counts = [np.mean([len(x) for x in found]) for found in
                  ([r.spent for r in of], [r.further for r in of], [r.front() for r in of])]  # fmt: skip
        print(f"| {arm} | {own.mean():.4f} | {error(own):.4f} | {lead.mean():+.4f} | {error(lead):.4f} | "
              + " | ".join(f"{count:.0f}" for count in counts) + " |")  # fmt: skip


def error(values: np.ndarray) -> float:
    return float(values.std(ddof=1) / len(values) ** 0.5) if len(values) > 1 else float("nan")


if __name__ == "__main__":
    main()
