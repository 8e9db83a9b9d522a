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
from nas.engine.ladder import Step, length
from nas.engine.plan import plan_of
from nas.engine.proposer import Proposer
from nas.engine.watcher import Watcher
from nas.evaluation.job import Outcome
from nas.network.architecture import Architecture
from nas.record.journal import FURTHER, RECORD
from nas.record.run import Run
from nas.record.trial import Further, Trial, further_line, trial_line
from nas.report.page import write_report
from nas.space.library import load_space

PROPOSALS = 3


def fill(folder: Path, trials: int, sampler: str, workers: int = 1, rungs: str = "1") -> None:
    """A run of random architectures; accuracy and latency follow size, with noise; half of the work climbs rungs."""
    space = load_space("cvt_family").fit(resolution=32, channels=1, classes=10)
    settings = {
        "data": "digits",
        "resolution": 32,
        "budget": {"trials": 10 * trials},
        "sampler": sampler,
        "workers": workers,
        "rungs": rungs,
    }
    run = Run.create(folder, make_config(settings), space, {"versions": {}})
    rng, owed = np.random.default_rng(0), 0.0
    record, further = (folder / RECORD).open("w"), (folder / FURTHER).open("w")
    for number in range(trials):
        decisions, architecture = space.sample(rng)
        outcome = made_up(architecture, rng)
        trial = Trial(number, decisions, architecture, architecture.key(), architecture.layout(), outcome)
        record.write(trial_line(trial) + "\n")  # without the sync that `append` gives to each
        owed += outcome.metrics["macs"]
        if len(run.config.lengths) > 1 and owed > 0:
            owed -= outcome.metrics["macs"] * length(run, Step(number, 1, 0))
            further.write(further_line(Further(number, 0, made_up(architecture, rng), rung=1)) + "\n")
    record.close()
    further.close()


def made_up(architecture: Architecture, rng: np.random.Generator) -> Outcome:
    size = sum(s.depth * s.width**2 for s in architecture.stages)
    accuracy, latency = float(1 - 5 / size**0.4 + 0.05 * rng.normal()), float(size * 1e-4)
    metrics = {"accuracy": accuracy, "latency": latency, "macs": float(size * 64), "params": float(size * 4)}
    return Outcome("complete", metrics, {"latency": {"median": latency, "iqr": 0.1, "runs": 100}}, losses=(1.0,))


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
