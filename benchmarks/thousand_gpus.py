"""Where one driver saturates: a simulation of 1,000 GPUs and 100,000 trials, from costs measured on this machine.

The driver does three things for a job, one after the other: it chooses the job and takes its outcome (proposals,
further trainings, the study and the record), has the record's line on disk, and handles Tune's events. Workers wait in
a queue for it. The first is measured as a search does it, on records of several sizes with a job on every worker
(processor time), and drawn out on a line; writes are timed as the run makes them; Tune's cost is that of empty trials
through the executor. The terminal's picture and the page have shares of the time of their own and are left out.

    python benchmarks/thousand_gpus.py --workers 1000 --trials 100000
"""

import argparse
import heapq
import tempfile
import time
from collections import deque
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
from large_study import fill, made_up
from rich.console import Console
from rich.table import Table
from scaling import Marks, ours

from nas.engine.executors import Placement
from nas.engine.executors.ray_tune import quiet_ray
from nas.engine.jobs import Jobs
from nas.engine.plan import plan_of
from nas.engine.proposer import Proposer
from nas.engine.watcher import Watcher
from nas.evaluation.job import Job
from nas.record.journal import append_trial
from nas.record.run import Run

SIZES = (1000, 5000, 20_000)
Cost = Callable[[int], float]
"""Seconds, by the number of trials that are done."""


def driving(sampler: str, workers: int, rungs: str) -> Cost:
    """Seconds a job at several sizes of the record, on a line through the last two beyond them."""
    seconds = []
    for size in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            fill(Path(folder) / "run", size, sampler, workers=workers, rungs=rungs)
            took, new = driven(Run(Path(folder) / "run"), workers)
            seconds.append(took)
            print(f"{sampler}, rungs {rungs}, {size:,} trials: {1e3 * took:.1f} ms a job, {new:.0%} new", flush=True)
    slope = max((seconds[-1] - seconds[-2]) / (SIZES[-1] - SIZES[-2]), 0.0)

    def cost(done: int) -> float:
        inside = float(np.interp(done, SIZES, seconds))
        return inside + slope * max(done - SIZES[-1], 0)

    return cost


def driven(run: Run, workers: int) -> tuple[float, float]:
    """Seconds that a search's driver takes for a job, with one on every worker, and the share of new networks."""
    rng, running = np.random.default_rng(1), deque[Job]()
    jobs = Jobs(run, Watcher(), Proposer(run, plan_of(run), Watcher()))

    def begin() -> None:
        job = jobs.choose()
        assert job
        assert jobs.begin(job)
        running.append(job)

    def end() -> None:
        job = running.popleft()
        jobs.tell(job, made_up(job.architecture, rng))

    for _ in range(workers):  # they fill caches, too
        begin()
    start = time.process_time()  # other programs of a shared machine are not the driver's cost
    for _ in range(workers):
        end()
        begin()
    took = (time.process_time() - start) / workers
    return took, sum(job.purpose == "search" for job in running) / workers


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
    parser.add_argument("--rungs", nargs="+", default=["1", "1,4"])
    options = parser.parse_args()
    write, handle = writing(), events()
    console = Console()
    console.print(f"writing a line {1e3 * write:.1f} ms, Tune's events {1e3 * handle:.1f} ms a trial")
    headings = ("ms a job at 1,000", "at the end", *(f"busy at {seconds:g} s" for seconds in options.seconds))
    table = Table("sampler", "rungs", *headings, title=f"{options.workers:,} workers, {options.trials:,} jobs")
    for sampler, rungs in product(options.samplers.split(","), options.rungs):
        drive = driving(sampler, options.workers, rungs)

        def cost(done: int, drive: Cost = drive) -> float:
            return drive(done) + write + handle

        shares = [f"{busy(options.workers, options.trials, seconds, cost):.0%}" for seconds in options.seconds]
        table.add_row(sampler, rungs, f"{1e3 * drive(1000):.0f}", f"{1e3 * drive(options.trials):.0f}", *shares)
    console.print(table)


if __name__ == "__main__":
    main()
