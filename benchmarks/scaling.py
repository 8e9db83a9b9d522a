"""What Ray costs a trial: worker time that no trial used, ours beside plain Ray Tune with OptunaSearch.

Trials only sleep. The first trial of each worker is left out (it pays for the worker's start, shown apart); what
is left of the span, times the workers, less the sleeping, divided by the trials, is the overhead of one.

    python benchmarks/scaling.py --workers 1 2 4 --seconds 0 1 5 --trials 40
"""

import argparse
import time
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from rich.console import Console
from rich.table import Table

from nas.costs.turns import Turns
from nas.engine.executors import Ask, Placement
from nas.engine.executors.ray_tune import quiet_ray, ray_tune
from nas.evaluation.job import Evaluate, Job, Outcome
from nas.space.library import load_space


@dataclass
class Marks:
    """When trials ended, and what their overhead was."""

    workers: int
    seconds: float
    start: float = field(default_factory=time.perf_counter)
    ends: list[float] = field(default_factory=list)

    def end(self) -> None:
        """A trial's result has reached the driver."""
        self.ends.append(time.perf_counter())

    def overhead(self) -> float:
        """Milliseconds a trial, once every worker runs."""
        counted = len(self.ends) - self.workers
        span = self.ends[-1] - self.ends[self.workers - 1]
        return 1e3 * (span * self.workers / counted - self.seconds)

    def first(self) -> float:
        """Seconds until the first trial had ended, without its own."""
        return self.ends[0] - self.start - self.seconds


def prepare(seconds: float, turns: Turns) -> Evaluate:
    """An evaluation that sleeps."""

    def evaluate(job: Job) -> Outcome:
        time.sleep(seconds)
        return Outcome("complete", {"accuracy": 0.5})

    return evaluate


def ours(marks: Marks, trials: int) -> None:
    """Through our executor, from a list of jobs."""
    architecture = load_space("cvt_family").smallest()
    jobs = iter([Job(number, architecture, seed=number) for number in range(trials)])
    ray_tune.execute(
        Ask(lambda: next(jobs, None)),
        lambda job, outcome: marks.end(),
        partial(prepare, marks.seconds),
        Placement(marks.workers),
    )


def plain(marks: Marks, trials: int) -> None:
    """As Ray's manual writes it: a function, OptunaSearch, actors reused."""
    from ray import tune
    from ray.tune.search.optuna import OptunaSearch

    def train(config: dict[str, Any]) -> None:
        time.sleep(marks.seconds)
        tune.report({"accuracy": config["x"], "latency": 1.0})

    class Clock(tune.Callback):
        def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
            marks.end()

    search = OptunaSearch(metric=["accuracy", "latency"], mode=["max", "min"])
    tune.Tuner(
        tune.with_resources(train, {"cpu": 1}),
        param_space={"x": tune.uniform(0, 1)},
        tune_config=tune.TuneConfig(
            search_alg=search, num_samples=trials, max_concurrent_trials=marks.workers, reuse_actors=True
        ),
        run_config=tune.RunConfig(verbose=0, callbacks=[Clock()]),
    ).fit()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--seconds", type=float, nargs="+", default=[0.0, 1.0, 5.0])
    parser.add_argument("--trials", type=int, default=40)
    options = parser.parse_args()
    table = Table("workers", "trial (s)", "what", "overhead a trial (ms)", "start of workers (s)")
    for workers in options.workers:
        with quiet_ray() as tuner, tuner.connected(Placement(workers)):
            for seconds in options.seconds:
                for run in (ours, plain):
                    marks = Marks(workers, seconds)
                    run(marks, options.trials)
                    name = "ours" if run is ours else "Ray Tune, OptunaSearch"
                    table.add_row(str(workers), f"{seconds:g}", name, f"{marks.overhead():.0f}", f"{marks.first():.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()
