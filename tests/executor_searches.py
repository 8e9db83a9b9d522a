"""Give executors searches to run, with evaluations that go right or wrong in every way.

Workers import this file too, so imports for the search's own process wait inside functions.
"""

import json
import math
import os
import signal
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nas.costs.turns import Turns
from nas.engine.executors import Ask, Placement
from nas.evaluation.job import Evaluate, Job, Outcome

if TYPE_CHECKING:
    from nas.space.space import SearchSpace


@cache
def space() -> "SearchSpace":
    """Load a small space to propose from."""
    from nas.space.library import load_space

    return load_space("cvt_family").fit(resolution=16, channels=1, classes=10)


@dataclass
class Search:
    """Asks for `size` jobs, numbered from 0, and keeps their outcomes."""

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
        return Job(self.asked - 1, space().smallest(), seed=self.asked)

    def tell(self, job: Job, outcome: Outcome) -> None:
        assert job.number not in self.told, f"trial {job.number} was told twice"
        self.told[job.number] = outcome
        self.running -= 1
        self.rejected += outcome.state == "rejected"

    def failures(self) -> dict[int, str]:
        return {number: outcome.reason for number, outcome in self.told.items() if outcome.state == "failed"}

    def workers(self) -> set[int]:
        """Return the processes that completed a job."""
        return {outcome.readings["test"]["pid"] for outcome in self.told.values() if outcome.state == "complete"}


def preparing(evaluate: Callable[[Job], Outcome]) -> Callable[[Turns], Evaluate]:
    """Wrap an evaluation as executors take it."""
    return partial(_prepare, evaluate)


def _prepare(evaluate: Evaluate, turns: Turns) -> Evaluate:
    return evaluate


def sound(job: Job) -> Outcome:
    return Outcome("complete", {"number": float(job.number)}, {"test": {"pid": os.getpid()}})


def slow(job: Job, seconds: float = 0.5) -> Outcome:
    begin = time.time()
    time.sleep(seconds)
    return Outcome("complete", {"number": float(job.number)}, {"test": {"pid": os.getpid(), "begin": begin}})


def together(job: Job, folder: Path, workers: int) -> Outcome:
    """Wait until so many workers have begun, however late they start."""
    (folder / str(os.getpid())).touch()
    latest = time.time() + 60
    while len(list(folder.iterdir())) < workers and time.time() < latest:
        time.sleep(0.02)
    return slow(job)


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
    """Hang so that no signal handler of Python's runs, as in a kernel that never returns."""
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
    """Evaluates jobs of `numbers` by `how`, others by `otherwise`, and notes every start in `log`, if there is one."""

    how: Callable[[Job], Outcome]
    numbers: tuple[int, ...] = (1,)
    log: Path | None = None
    otherwise: Callable[[Job], Outcome] = sound

    def __call__(self, job: Job) -> Outcome:
        if self.log:
            with self.log.open("a") as file:
                file.write(f"{job.number}\n")
        return (self.how if job.number in self.numbers else self.otherwise)(job)


@dataclass(frozen=True)
class By:
    """Evaluates jobs by their numbers, and those that are not named soundly."""

    how: dict[int, Callable[[Job], Outcome]]

    def __call__(self, job: Job) -> Outcome:
        return self.how.get(job.number, sound)(job)


@dataclass(frozen=True)
class Noted:
    """Takes a while, and notes in the folder's logs which architectures began and ended."""

    folder: Path
    seconds: float = 0.2

    def __call__(self, job: Job) -> Outcome:
        self._note("begun", job)
        time.sleep(self.seconds)
        self._note("ended", job)
        measured = {"accuracy": 1 / (1 + job.number), "macs": float(job.seed)}
        return Outcome("complete", measured, {"test": {"pid": os.getpid()}})

    def _note(self, name: str, job: Job) -> None:
        with (self.folder / f"{name}.log").open("a") as file:
            file.write(job.architecture.key() + "\n")


def noted_search(folder: str, budget: str, workers: str) -> None:
    """Start the search in `folder/run`, or go on with it, until SIGTERM or Ctrl-C as on the command line."""
    from nas.config import Budget, make_config
    from nas.engine.executors.ray_tune import ray_tune
    from nas.engine.plan import plan_of
    from nas.engine.proposer import Proposer
    from nas.engine.watcher import Watcher
    from nas.record.run import Run

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    path = Path(folder) / "run"
    if not (path / "config.yaml").exists():
        settings = {"objectives": ("accuracy", "macs"), "budget": Budget(trials=int(budget)), "sampler": "random"}
        here = {"data": "digits", "device": "cpu", "workers": int(workers)}
        Run.create(path, make_config(settings | here), space(), {})
    run = Run(path)
    run.repair()
    plan = plan_of(run)
    proposer = Proposer(run, plan, Watcher())
    try:
        ray_tune.execute(Ask(proposer.ask), proposer.tell, preparing(Noted(Path(folder))), plan.placement)
    except KeyboardInterrupt:
        print("stopped by the keyboard")


MOST_TRIALS = 300


def cluster_search(folder: str) -> None:
    """Search on a cluster of two nodes, of which one dies on the way and another joins later."""
    from ray.cluster_utils import Cluster

    from nas.engine.executors.ray_tune import ray_tune

    quick = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 300, "health_check_failure_threshold": 3}
    head = {"num_cpus": 1, "_system_config": quick, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    nodes = [cluster.add_node(num_cpus=1)]
    search = Search(14)

    def tell(job: Job, outcome: Outcome) -> None:
        search.tell(job, outcome)
        if len(search.told) == 4:
            cluster.remove_node(nodes.pop(), allow_graceful=False)
        if len(search.told) == 7:
            nodes.append(cluster.add_node(num_cpus=1))
        if len(search.told) == search.size - 1 < MOST_TRIALS and len(search.workers()) < 3:
            search.size += 1  # the node that joined has not run a job yet

    evaluate = Noted(Path(folder), seconds=0.7)
    ray_tune.execute(Ask(search.ask), tell, preparing(evaluate), Placement(None, ray=cluster.address))
    outcomes = {number: asdict(outcome) for number, outcome in sorted(search.told.items())}
    (Path(folder) / "told.json").write_text(json.dumps(outcomes))
    cluster.shutdown()
