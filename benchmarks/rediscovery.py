"""Left free, does a search find convolution early and attention late? The experiment of `rediscovery/experiment.yaml`.

    python benchmarks/rediscovery.py --out rediscovery                       # hours; goes on where it stopped
    python benchmarks/rediscovery.py --data cifar10 --costs macs --seeds 0,1 --set cifar10=cifar10:DIR

Searches the space for every data set, cost, sampler and seed: random search is the control, with the same trainings.
`nas layout` pools the fronts of the seeds. Then the best networks of each front, and controls at the multiply-adds of
their median, are trained `longer` times as long with `again` seeds. Attention is offered at every stage on equal terms;
whatever comes out is printed. Runs in `--out` are not done again.
"""

import argparse
from collections.abc import Iterable, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from longer import trained_longer

import nas
from nas.costs.counts import cost
from nas.network.architecture import Architecture
from nas.record.folders import is_run
from nas.record.run import Run
from nas.space.slot import Domain
from nas.space.space import SearchSpace

LETTERS = {"C": "conv", "M": "mbconv", "T": "transformer", "A": "moat"}
DRAWN, MEMBERS = 400, 3  # members of a layout, and how many of them, the nearest in multiply-adds, are controls
Config = Mapping[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, default=Path(__file__).with_name("rediscovery") / "experiment.yaml")
    parser.add_argument("--data", help="of the data sets these alone, by comma")
    parser.add_argument("--costs", help="of the costs these alone, by comma")
    parser.add_argument("--seeds", help="of the seeds these alone, by comma")
    parser.add_argument("--set", nargs="*", default=[], help="where data lie, such as cifar10=cifar10:DIR")
    parser.add_argument("--workers", default="auto")
    parser.add_argument("--out", type=Path, default=Path("rediscovery"))
    given = parser.parse_args()
    config = yaml.safe_load(given.config.read_text())
    for place in given.set:
        name, _, where = place.partition("=")
        config["data"][name]["data"] = where
    seeds = chosen(config["seeds"], given.seeds)
    for data, weighed in product(chosen(config["data"], given.data), chosen(config["costs"], given.costs)):
        runs = {
            (sampler, seed): searched(config, data, weighed, sampler, seed, given)
            for seed, sampler in product(seeds, config["samplers"])
        }
        report(config, data, weighed, runs, given)


def chosen(offered: Iterable[Any], names: str | None) -> list[Any]:
    return [name for name in offered if not names or str(name) in names.split(",")]


def searched(config: Config, data: str, weighed: str, sampler: str, seed: int, given: argparse.Namespace) -> Run:
    """Search one cell of the experiment, or go on with it."""
    folder = given.out / f"{data}-{weighed}-{sampler}-{seed}"
    if is_run(folder):
        return nas.resume(folder)
    settings = config["data"][data] | config["costs"][weighed]
    return nas.search(config["space"], budget=config["budget"], sampler=sampler, seed=seed, name=folder.name,
                      runs=given.out, workers=given.workers, **settings)  # fmt: skip


def report(
    config: Config, data: str, weighed: str, runs: Mapping[tuple[str, int], Run], given: argparse.Namespace
) -> None:
    """Print where the fronts attend, and what their best networks and the controls come to."""
    print(f"\n## {data}, accuracy against {weighed}", flush=True)
    for sampler in config["samplers"]:
        found = nas.layouts([run for (of, _), run in runs.items() if of == sampler])
        print(f"\n{sampler}: " + " ".join(found.sentences()), flush=True)
        print("\n| worth at | " + " | ".join(LETTERS.values()) + " |\n" + "|---" * 5 + "|")
        for stage in range(len(found.stages)):
            of = {one.block: one.show(100) for one in found.worths if one.stage == stage}
            print(
                f"| stage {stage} | " + " | ".join(of.get(block, "") for block in LETTERS.values()) + " |", flush=True
            )
    first = next(iter(runs.values()))
    best = {sampler: best_of([run for (of, _), run in runs.items() if of == sampler], config["best"])
            for sampler in config["samplers"]}  # fmt: skip
    size = float(np.median([cost(network).macs for networks in best.values() for network in networks]))
    rows = [(sampler, network) for sampler, networks in best.items() for network in networks]
    rows += [("control", network) for layout in config["controls"] for network in controls(first.space, layout, size)]
    networks = [network for _, network in rows]
    reached = trained_longer(networks, first, given.out, config["longer"], config["again"], given.workers)
    print("\n| of | layout | depths | M MACs | accuracy | s.e. |\n|---|---|---|---|---|---|")
    for whose, network in rows:
        values = reached.get(network.key(), np.array([np.nan]))
        error = values.std(ddof=1) / len(values) ** 0.5 if len(values) > 1 else np.nan
        print(f"| {whose} | {network.layout()} | {network.depths()} | {cost(network).macs / 1e6:.1f} | "
              f"{values.mean():.4f} | {error:.4f} |", flush=True)  # fmt: skip


def best_of(runs: list[Run], count: int) -> list[Architecture]:
    """The most accurate networks of several fronts, each once."""
    results = sorted((r for run in runs for r in run.front()), key=lambda result: -result.metrics["accuracy"])
    return list({result.key: result.architecture for result in results}.values())[:count]


def controls(space: SearchSpace, layout: str, macs: float) -> list[Architecture]:
    """The members of a space with this layout that are nearest in multiply-adds, of some drawn at random."""
    rng, kinds = np.random.default_rng(0), [LETTERS[letter] for letter in layout.split("-")]

    def draw() -> Architecture:
        left = iter(kinds)

        def choose(name: str, values: Domain) -> Any:
            return next(left) if name.endswith(".block") else values[int(rng.integers(len(values)))]

        return space.record(choose)[1]

    return sorted((draw() for _ in range(DRAWN)), key=lambda network: abs(np.log(cost(network).macs / macs)))[:MEMBERS]


if __name__ == "__main__":
    main()
