"""Searches for executors to run: a list of jobs, and evaluations that go right or wrong in every way."""

import math
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from nas.executors._base import Evaluate, Job, Outcome
from nas.grammar import load_space
from nas.turns import Turns

SPACE = load_space("cvt_family").fit(resolution=16, channels=1, classes=10)


@dataclass
class Search:
    """Asks for `size` jobs, numbered from 0; keeps what it is told."""

    size: int
    told: dict[int, Outcome] = field(default_factory=dict)
    asked: int = 0
    running: int = 0
    most_running: int = 0
    rejected: int = 0

    def ask(self) -> Job | None:
        if len(self.told) - self.rejected + self.running >= self.size:
            return None
        self.asked += 1
        self.running += 1
        self.most_running = max(self.running, self.most_running)
        return Job(self.asked - 1, SPACE.smallest(), seed=self.asked)

    def tell(self, job: Job, outcome: Outcome) -> None:
        assert job.number not in self.told, f"trial {job.number} was told twice"
        self.told[job.number] = outcome
        self.running -= 1
        self.rejected += outcome.state == "rejected"

    def failures(self) -> dict[int, str]:
        return {number: outcome.reason for number, outcome in self.told.items() if outcome.state == "failed"}


def preparing(evaluate: Callable[[Job], Outcome]) -> Callable[[Turns], Evaluate]:
    """How an executor is handed an evaluation."""
    return partial(_prepare, evaluate)


def _prepare(evaluate: Evaluate, turns: Turns) -> Evaluate:
    return evaluate


def sound(job: Job) -> Outcome:
    return Outcome("complete", {"number": float(job.number)}, {"pid": os.getpid()})


def slow(job: Job, seconds: float = 0.5) -> Outcome:
    time.sleep(seconds)
    return sound(job)


def raises(job: Job) -> Outcome:
    raise ValueError("no such kernel\nwith more lines")


def not_a_number(job: Job) -> Outcome:
    return Outcome("complete", {"number": 1.0, "accuracy": math.nan})


def rejects(job: Job) -> Outcome:
    return Outcome("rejected", {"number": float(job.number)}, reason="params 9 is above 8")


def hangs(job: Job) -> Outcome:
    time.sleep(600)
    return sound(job)


def hangs_deaf(job: Job) -> Outcome:
    """As a kernel does that never comes back: no signal handler of Python's runs."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
    time.sleep(600)
    return sound(job)


def is_killed(job: Job) -> Outcome:
    os.kill(os.getpid(), signal.SIGKILL)
    return sound(job)


def eats_memory(job: Job) -> Outcome:
    kept = [np.empty(1 << 28, np.uint8) for _ in range(10_000)]  # never touched: only a limit on data refuses it
    return Outcome("complete", {"number": float(len(kept))})


@dataclass(frozen=True)
class Some:
    """`how` for the jobs named by `numbers`, sound for the others; notes every start in `log`, if there is one."""

    how: Callable[[Job], Outcome]
    numbers: tuple[int, ...] = (1,)
    log: Path | None = None
    otherwise: Callable[[Job], Outcome] = sound

    def __call__(self, job: Job) -> Outcome:
        if self.log:
            with self.log.open("a") as file:
                file.write(f"{job.number}\n")
        return (self.how if job.number in self.numbers else self.otherwise)(job)
