"""A study of many trials: how long it takes to open, to report, and to propose the next architecture.

Writes a record of that many random architectures with made-up values, then goes on from it as a resume would.

    python benchmarks/large_study.py --trials 20000
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from nas.config import make_config
from nas.engine.plan import plan_of
from nas.engine.proposer import Proposer
from nas.engine.watcher import Watcher
from nas.evaluation.job import Outcome
from nas.record.journal import RECORD
from nas.record.run import Run
from nas.record.trial import Trial, trial_line
from nas.report.page import write_report
from nas.space.library import load_space

PROPOSALS = 3


def fill(folder: Path, trials: int, sampler: str, workers: int = 1) -> None:
    """A run of random architectures; accuracy and latency follow size, with noise."""
    space = load_space("cvt_family").fit(resolution=32, channels=1, classes=10)
    settings = {
        "data": "digits",
        "resolution": 32,
        "budget": {"trials": 10 * trials},
        "sampler": sampler,
        "workers": workers,
    }
    Run.create(folder, make_config(settings), space, {"versions": {}})
    rng = np.random.default_rng(0)
    record = (folder / RECORD).open("w")
    for number in range(trials):
        decisions, architecture = space.sample(rng)
        size = sum(s.depth * s.width**2 for s in architecture.stages)
        metrics = {"accuracy": float(1 - 5 / size**0.4 + 0.05 * rng.normal()), "latency": float(size * 1e-4)}
        reading = {"latency": {"median": metrics["latency"], "iqr": 0.1, "runs": 100}}
        outcome = Outcome("complete", metrics, reading, losses=(1.0,))
        trial = Trial(number, decisions, architecture, architecture.key(), architecture.layout(), outcome)
        record.write(trial_line(trial) + "\n")  # without the sync that `append` gives to each
    record.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=20_000)
    parser.add_argument("--samplers", default="random,nsga2,tpe,pareto")
    options = parser.parse_args()
    table = Table("sampler", "step", "seconds", "of the processor", "memory (MiB)", title=f"{options.trials:,} trials")

    @contextmanager
    def timed(sampler: str, step: str, parts: int = 1) -> Iterator[None]:
        start, used = time.perf_counter(), time.process_time()
        yield
        seconds, busy = (time.perf_counter() - start) / parts, (time.process_time() - used) / parts
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        table.add_row(sampler, step, f"{seconds:.2f}", f"{busy:.2f}", f"{memory:.0f}")
        print(sampler, step, f"{seconds:.2f} {busy:.2f} {memory:.0f}", flush=True)

    for sampler in options.samplers.split(","):
        with tempfile.TemporaryDirectory() as folder:
            fill(Path(folder) / "run", options.trials, sampler)
            with timed(sampler, "open"):
                run = Run(Path(folder) / "run")
            plan = plan_of(run)
            with timed(sampler, "rebuild the study"):
                proposer = Proposer(run, plan, Watcher())
            for which in ("first", "next"):
                with timed(sampler, f"{which} {PROPOSALS} proposals, each", PROPOSALS):
                    for number in range(PROPOSALS):
                        job = proposer.ask()
                        assert job is not None
                        proposer.tell(job, Outcome("complete", {"accuracy": 0.5, "latency": 1.0 + number}))
            with timed(sampler, "front"):
                run.front()
            with timed(sampler, "report"):
                write_report(run)
    Console().print(table)


if __name__ == "__main__":
    main()
