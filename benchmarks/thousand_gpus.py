"""Where one driver saturates: a simulation of 1,000 GPUs and 100,000 trials, from costs measured on this machine.

The driver does three things for a trial, one after the other: it asks the sampler for a proposal, writes the record's
line, and handles Tune's events. Workers wait in a queue for it. Proposals are measured on a record of several sizes,
with a trial on every worker (processor time), and drawn out on a line; writes are timed as the run makes them; Tune's
cost is that of empty trials through the executor.

    python benchmarks/thousand_gpus.py --workers 1000 --trials 100000
"""

import argparse
import heapq
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from large_study import fill
from rich.console import Console
from rich.table import Table
from scaling import Marks, ours

from nas.engine.executors import Placement
from nas.engine.executors.ray_tune import quiet_ray
from nas.engine.plan import plan_of
from nas.engine.proposer import Proposer
from nas.engine.watcher import Watcher
from nas.record.journal import append_trial
from nas.record.run import Run

SIZES = (1000, 5000, 20_000)
Cost = Callable[[int], float]
"""Seconds, by the number of trials that are done."""


def proposals(sampler: str, workers: int) -> Cost:
    """Seconds a proposal at several sizes of the record, on a line through the last two beyond them."""
    count = max(workers // 10, 1)  # as many as one screening makes at once
    seconds = []
    for size in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            fill(Path(folder) / "run", size, sampler, workers=workers)
            run = Run(Path(folder) / "run")
            proposer = Proposer(run, plan_of(run), Watcher())
            jobs = [proposer.ask() for _ in range(workers)]  # those that run; they fill caches, too
            start = time.process_time()  # other programs of a shared machine are not the driver's cost
            jobs += [proposer.ask() for _ in range(count)]
            seconds.append((time.process_time() - start) / count)
            assert all(jobs)
    slope = max((seconds[-1] - seconds[-2]) / (SIZES[-1] - SIZES[-2]), 0.0)

    def cost(done: int) -> float:
        inside = float(np.interp(done, SIZES, seconds))
        return inside + slope * max(done - SIZES[-1], 0)

    return cost


def writing(count: int = 200) -> float:
    """Seconds to append a line and have it on disk."""
    with tempfile.TemporaryDirectory(dir=".") as folder:
        fill(Path(folder) / "run", count, "random")
        trials = Run(Path(folder) / "run").trials
        start = time.perf_counter()
        for trial in trials:
            append_trial(Path(folder), trial)
        return (time.perf_counter() - start) / count


def events(trials: int = 150) -> float:
    """Seconds that Tune and Ray take of the driver for a trial: empty trials on two workers."""
    with quiet_ray() as tuner, tuner.connected(Placement(2)):
        marks = Marks(2, 0.0)
        ours(marks, trials)
    return (marks.ends[-1] - marks.ends[10]) / (len(marks.ends) - 11)


def busy(workers: int, trials: int, seconds: float, cost: Cost) -> float:
    """Share of the workers' time that trials use, when trials take about `seconds` (spread by a quarter)."""
    rng = np.random.default_rng(0)
    driver, used = 0.0, 0.0
    free = [0.0] * workers  # when each worker comes for its next trial
    for done in range(trials):
        came = heapq.heappop(free)
        driver = max(driver, came) + cost(done)
        took = seconds * max(rng.normal(1, 0.25), 0.1)
        used += took
        heapq.heappush(free, driver + took)
    return used / (workers * max(free))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=1000)
    parser.add_argument("--trials", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, nargs="+", default=[30.0, 120.0, 600.0, 3600.0])
    parser.add_argument("--samplers", default="random,pareto,nsga2")
    options = parser.parse_args()
    write, handle = writing(), events()
    console = Console()
    console.print(f"writing a line {1e3 * write:.1f} ms, Tune's events {1e3 * handle:.1f} ms a trial")
    headings = ("ms a proposal at 1,000", "at the end", *(f"busy at {seconds:g} s" for seconds in options.seconds))
    table = Table("sampler", *headings, title=f"{options.workers:,} workers, {options.trials:,} trials")
    for sampler in options.samplers.split(","):
        propose = proposals(sampler, options.workers)

        def cost(done: int, propose: Cost = propose) -> float:
            return propose(done) + write + handle

        shares = [f"{busy(options.workers, options.trials, seconds, cost):.0%}" for seconds in options.seconds]
        table.add_row(sampler, f"{1e3 * propose(1000):.0f}", f"{1e3 * propose(options.trials):.0f}", *shares)
        console.print(sampler, *shares)
    console.print(table)


if __name__ == "__main__":
    main()
