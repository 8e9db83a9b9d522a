"""Samplers under a limit of which only a trial tells, as on a measured latency: what is rejected, and what is found.

Searches are played on a table as by `samplers.py`, but no objective is known before a trial. The limit is the quantile
`--share` of the table's cheap objective among random architectures. A trial beyond it is told as rejected and by how
much, and counts as no evaluation. The hypervolume is that within the limit, as a share of its box.

    python benchmarks/limits.py --table TABLE.yaml --share 0.05 --sampler pareto,tpe,random --budget 100 --seeds 20
"""

import argparse
import sys
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import optuna
import tables
from rich.console import Console
from rich.table import Table as Grid
from samplers import suggest
from threadpoolctl import threadpool_limits

from nas.engine.samplers import Problem
from nas.errors import NasError
from nas.evaluation.job import derive_seed
from nas.registry import SAMPLERS

CHECKPOINTS = (6, 12, 25, 50, 100)
DRAWN = 4000  # random architectures of which the limit is a quantile
MOST = 20  # proposals for each evaluation, before a search gives up


@dataclass(frozen=True)
class Limited:
    """A table of which one objective has a limit, its reference: shares are those of the box within."""

    table: tables.Table
    name: str
    limit: float

    @classmethod
    def of(cls, table: tables.Table, share: float) -> "Limited":
        """The table with a limit that a share of its random architectures keeps."""
        place, name = next((i, name) for i, (name, goal) in enumerate(table.goals.items()) if goal.cheap)
        rng = np.random.default_rng(0)
        drawn = [table.decide(lambda _, values: values[rng.integers(len(values))]) for _ in range(DRAWN)]
        limit = float(np.quantile([table.measure(decisions)[place] for decisions in drawn], share))
        goals = dict(table.goals) | {name: table.goals[name].model_copy(update={"reference": limit})}
        return cls(replace(table, goals=goals, best_hypervolume=1.0), name, limit)

    def violation(self, values: tables.Values) -> float:
        """How far an architecture is beyond the limit, as a share of it."""
        return float(values[list(self.table.goals).index(self.name)]) / self.limit - 1


def play(game: Limited, sampler: str, seed: int, budget: int) -> tuple[list[float], list[int]]:
    """The hypervolume and the number of rejected proposals by then, after each evaluation of a search."""
    table, task = game.table, Problem(decide=game.table.decide, objectives=tuple(game.table.goals))
    study = optuna.create_study(directions=[goal.direction for goal in table.goals.values()])
    found: list[tables.Values] = []
    volumes, rejections, rejected = [], [], 0
    while len(found) < budget and rejected < MOST * budget:
        study.sampler = SAMPLERS.get(sampler)(derive_seed(seed, len(found) + rejected), task)
        trial = study.ask()
        values = table.measure(table.decide(partial(suggest, trial)))
        violation = game.violation(values)
        trial.set_constraint(game.name, violation)
        if violation > 0:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            rejected += 1
        else:
            study.tell(trial, list(values))
            found.append(values)
            volumes.append(table.share(np.array(found)))
            rejections.append(rejected)
    return volumes, rejections


def rows(game: Limited, options: argparse.Namespace) -> Grid:
    """Play every sampler and show what each found and what was rejected, at the checkpoints that all reached."""
    points = sorted({*(point for point in CHECKPOINTS if point <= options.budget), options.budget})
    title = f"{game.table.name}, {game.name} <= {game.limit:.4g}: hypervolume ± s.e. (rejected by then)"
    grid = Grid("sampler", *(f"at {point}" for point in points), "seeds", title=title)
    for sampler in options.sampler.split(","):
        played = [play(game, sampler, seed, options.budget) for seed in range(options.seeds)]
        cells = []
        for point in points:
            volumes = [volumes[point - 1] for volumes, _ in played if len(volumes) >= point]
            rejections = [rejections[point - 1] for _, rejections in played if len(rejections) >= point]
            error = np.std(volumes, ddof=1) / len(volumes) ** 0.5 if len(volumes) > 1 else float("nan")
            short = f", {len(volumes)} seeds" if len(volumes) < options.seeds else ""
            cells.append(f"{np.mean(volumes):.3f} ± {error:.3f} ({np.mean(rejections):.0f}{short})" if volumes else "-")
        grid.add_row(sampler, *cells, str(options.seeds))
    return grid


def main(arguments: list[str] | None = None) -> int:
    """Play and print; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, required=True)
    parser.add_argument("--share", type=float, default=0.05, help="of random architectures that keep the limit")
    parser.add_argument("--sampler", default="pareto,tpe,random", help="by comma")
    parser.add_argument("--budget", type=int, default=100, help="evaluations of a search")
    parser.add_argument("--seeds", type=int, default=20, help="searches of each sampler")
    options = parser.parse_args(arguments)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        game = Limited.of(tables.read(options.table), options.share)
    except NasError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    with threadpool_limits(1):
        Console(width=None if sys.stdout.isatty() else 160).print(rows(game, options))
    return 0


if __name__ == "__main__":
    sys.exit(main())
