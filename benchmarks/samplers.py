"""Samplers side by side on tables of architectures whose objectives are known: how much of the front each finds.

Every proposal is one evaluation, a repeated one too: it would be trained again. Objectives marked `cheap` in the table
may be looked up for any candidate, the others only when a proposal is evaluated. Samplers are made as a search makes
them. Seconds are the process's own, on one thread. With `--beside` so many trials run at once, of which the oldest is
told next. With `--noise` what is not cheap is told with a normal error of that deviation, and the hypervolume
is that of the true values of those that are on the front by what was told.

    python benchmarks/samplers.py --table TABLE.yaml --sampler pareto,tpe,nsga2,random --budget 200 --seeds 20
"""

import argparse
import json
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import moocore
import numpy as np
import optuna
import tables
from rich.console import Console
from rich.table import Table as Grid
from threadpoolctl import threadpool_limits

from nas.engine.samplers import Problem
from nas.errors import NasError, SettingError
from nas.evaluation.job import derive_seed
from nas.registry import SAMPLERS
from nas.space.slot import Domain

CHECKPOINTS = (25, 50, 100, 200)
LAST = 20  # proposals whose time stands for that at the end


@dataclass(frozen=True)
class Game:
    """One search: share of the best hypervolume after each evaluation, values, seconds of each proposal."""

    shares: tables.Values
    values: tables.Values
    duplicates: int
    seconds: tables.Values


def play(path: Path, sampler: str, seed: int, budget: int, beside: int = 1, noise: float = 0.0) -> Game:
    """A search of `budget` evaluations on the table in a file, of which `beside` run at once."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    table = tables.read(path)
    task = Problem(decide=table.decide, objectives=tuple(table.goals), cheap=table.cheap)
    study = optuna.create_study(directions=[goal.direction for goal in table.goals.values()])
    seen, values, told, seconds = set(), [], [], []
    uncertain = noise * np.array([not goal.cheap for goal in table.goals.values()])
    rng = np.random.default_rng(seed)
    running: deque[optuna.Trial] = deque()
    with threadpool_limits(1):
        for number in range(budget):
            start = time.process_time()
            study.sampler = SAMPLERS.get(sampler)(derive_seed(seed, number), task)
            trial = study.ask()
            decisions = table.decide(partial(suggest, trial))
            seconds.append(time.process_time() - start)
            values.append(table.measure(decisions))
            told.append(values[-1] + uncertain * rng.normal(size=len(uncertain)))
            running.append(trial)
            if len(running) == beside:
                study.tell(running.popleft(), list(told[-beside]))
            seen.add(tuple(decisions.values()))
    return Game(
        _shares(table, np.array(values), np.array(told)), np.array(values), budget - len(seen), np.array(seconds)
    )


def suggest(trial: optuna.Trial, name: str, domain: Domain) -> Any:
    """Ask a trial for one decision of a table."""
    return trial.suggest_categorical(name, domain)


def _shares(table: tables.Table, values: tables.Values, told: tables.Values) -> tables.Values:
    up = [goal.direction == "maximize" for goal in table.goals.values()]
    fronts = [moocore.is_nondominated(told[: count + 1], maximise=up) for count in range(len(told))]
    return np.array([table.share(values[: len(front)][front]) for front in fronts])


def play_all(options: argparse.Namespace, path: Path) -> dict[str, list[Game]]:
    """The games of every sampler on one table, by sampler."""
    games = list(product(options.sampler, range(options.seeds)))
    same = [[value] * len(games) for value in (options.budget, options.beside, options.noise)]
    arguments = [[path] * len(games), *zip(*games, strict=True), *same]
    if options.jobs == 1:
        played = list(map(play, *arguments))
    else:
        with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
            played = list(pool.map(play, *arguments))
    by_sampler: dict[str, list[Game]] = {name: [] for name in options.sampler}
    for (name, _), game in zip(games, played, strict=True):
        by_sampler[name].append(game)
    return by_sampler


def summary(table: tables.Table, games: dict[str, list[Game]], budget: int) -> dict[str, Any]:
    """What `--json` prints of one table."""
    target = np.mean([game.shares[-1] for game in games["nsga2"]]) if "nsga2" in games else None
    expensive = [(i, name, goal) for i, (name, goal) in enumerate(table.goals.items()) if not goal.cheap]
    checkpoints = sorted({*(c for c in CHECKPOINTS if c <= budget), budget})

    def of(played: list[Game]) -> dict[str, Any]:
        shares = np.array([game.shares for game in played])
        best = {
            name: _spread([(max if goal.direction == "maximize" else min)(g.values[:, i]) for g in played])
            for i, name, goal in expensive
        }
        return {
            "hypervolume": {str(c): _spread(shares[:, c - 1]) for c in checkpoints},
            "evaluations_to_nsga2": _first(shares.mean(axis=0), target),
            "duplicates": float(np.mean([game.duplicates for game in played])),
            "best": best,
            "seconds_a_proposal": float(np.mean([game.seconds for game in played])),
            "seconds_at_end": float(np.mean([game.seconds[-LAST:] for game in played])),
            "seeds": len(played),
        }

    return {"table": table.name, "budget": budget, "samplers": {name: of(played) for name, played in games.items()}}


def _spread(values: Any) -> dict[str, float]:
    return {"mean": float(np.mean(values)), "sd": float(np.std(values, ddof=min(1, len(values) - 1)))}


def _first(shares: tables.Values, target: float | None) -> int | None:
    """The first evaluation at which the mean search has a share."""
    if target is None or shares[-1] < target - 1e-9:
        return None
    return int(np.argmax(shares >= target - 1e-9)) + 1


def grid(told: dict[str, Any]) -> Grid:
    """A summary as a table to print."""
    samplers = told["samplers"]
    first = next(iter(samplers.values()))
    checkpoints, best = first["hypervolume"], first["best"]
    names = ("sampler", *(f"at {c}" for c in checkpoints), "to NSGA-II's", "duplicates", *(f"best {n}" for n in best))
    shown = Grid(*names, "s a proposal", "at end", "seeds", title=f"{told['table']}: share of the best hypervolume")
    for name, row in samplers.items():
        shown.add_row(name, *_cells(row))
    return shown


def _cells(row: dict[str, Any]) -> Iterator[str]:
    for share in row["hypervolume"].values():
        yield f"{share['mean']:.4f} ± {share['sd']:.4f}"
    yield str(row["evaluations_to_nsga2"] or "-")
    yield f"{row['duplicates']:.1f}"
    for best in row["best"].values():
        yield f"{best['mean']:.5g}"
    yield f"{row['seconds_a_proposal']:.3f}"
    yield f"{row['seconds_at_end']:.3f}"
    yield str(row["seeds"])


def _names(text: str) -> list[str]:
    names = list(dict.fromkeys(part.strip() for part in text.split(",")))
    for name in names:
        SAMPLERS.check(name)
    return names


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, action="append", required=True, help="may be given several times")
    parser.add_argument("--sampler", default="pareto,tpe,nsga2,random", help="by comma")
    parser.add_argument("--budget", type=int, default=200, help="evaluations of a search")
    parser.add_argument("--seeds", type=int, default=20, help="searches of each sampler")
    parser.add_argument("--beside", type=int, default=1, help="trials that run at once")
    parser.add_argument("--noise", type=float, default=0.0, help="deviation of what is told, as of trainings")
    parser.add_argument("--jobs", type=int, default=1, help="processes, one search in each")
    parser.add_argument("--json", action="store_true", help="an object for one table, a list for several")
    options = parser.parse_args(arguments)
    for name in ("budget", "seeds", "jobs"):
        if getattr(options, name) < 1:
            raise SettingError(f"--{name}: found {getattr(options, name)}; write 1 or more")
    options.sampler = _names(options.sampler)
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Play and print; the exit status."""
    try:
        options = _options(arguments)
        read = [tables.read(path) for path in options.table]
    except NasError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    told = []
    for path, table in zip(options.table, read, strict=True):
        told.append(summary(table, play_all(options, path), options.budget))
        if not options.json:
            Console(width=None if sys.stdout.isatty() else 160).print(grid(told[-1]))
    if options.json:
        print(json.dumps(told[0] if len(told) == 1 else told, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
