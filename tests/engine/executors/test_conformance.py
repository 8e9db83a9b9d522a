"""What every executor must do, run over each of them."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import pairwise

import executor_searches as searches
import numpy as np
import pytest
from executor_searches import Search, Some, preparing

from nas import data as datasets
from nas.config import make_config
from nas.engine.executors import Ask, Placement
from nas.errors import RunError
from nas.evaluation.evaluator import Evaluator
from nas.evaluation.job import Job, Outcome, Prepare
from nas.registry import EXECUTORS

Execute = Callable[..., None]


@pytest.fixture(params=EXECUTORS.names())
def execute(request: pytest.FixtureRequest) -> Execute:
    """Each executor: `execute(search, prepare, timeout=...)`."""
    if request.param == "ray_tune":
        request.getfixturevalue("ray_here")
    workers = 2 if request.param == "ray_tune" else 1

    def run(search: Search, prepare: Prepare, timeout: float | None = None) -> None:
        placement = Placement(workers, trial_timeout=timeout)
        EXECUTORS.get(request.param).execute(Ask(search.ask), search.tell, prepare, placement)

    return run


def test_every_job_is_told_once_and_the_budget_is_exact(execute: Execute) -> None:
    search = Search(12)
    execute(search, preparing(searches.sound))
    assert sorted(search.told) == list(range(12))
    assert all(outcome.metrics == {"number": float(number)} for number, outcome in search.told.items())


def test_an_empty_search_ends(execute: Execute) -> None:
    execute(Search(0), preparing(searches.sound))


def test_a_rejected_job_costs_no_budget(execute: Execute) -> None:
    search = Search(4)
    execute(search, preparing(Some(searches.rejects, (0, 3, 4))))
    states = [search.told[number].state for number in sorted(search.told)]
    assert states.count("complete") == 4
    assert states.count("rejected") == 3
    assert search.told[3].reason == "params 9 is above 8"


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        (searches.raises, "ValueError: no such kernel"),
        (searches.not_a_number, "accuracy is nan"),
        (searches.hangs, "TimeLimitError: took longer than 1 s"),
    ],
)
def test_a_failure_ends_one_trial(execute: Execute, how: Callable[[Job], Outcome], reason: str) -> None:
    search = Search(5)
    execute(search, preparing(Some(how, (1,))), timeout=1.0)
    assert search.failures() == {1: reason}
    assert len(search.told) == 5


def test_a_failed_trial_keeps_the_metrics_that_are_numbers(execute: Execute) -> None:
    search = Search(1)
    execute(search, preparing(Some(searches.not_a_number, (0,))))
    assert search.told[0].metrics == {"number": 1.0}


def test_a_worker_prepares_once(execute: Execute) -> None:
    search = Search(20)
    execute(search, preparing(searches.sound))
    assert len(search.workers()) <= 3  # one may be replaced at the start


@pytest.mark.parametrize("end", ["ask", "tell"])
def test_an_error_of_the_search_itself_is_raised(execute: Execute, end: str) -> None:
    class Broken(Search):
        def ask(self) -> Job | None:
            if end == "ask" and self.asked == 2:
                raise RunError("no more architectures")
            return super().ask()

        def tell(self, job: Job, outcome: Outcome) -> None:
            if end == "tell" and job.number == 2:
                raise RunError("the disk is full")
            super().tell(job, outcome)

    with pytest.raises(RunError, match="no more architectures" if end == "ask" else "the disk is full"):
        execute(Broken(50), preparing(partial(searches.slow, seconds=0.05)))


class Listed(Search):
    """Asks for given jobs."""

    def __init__(self, jobs: list[Job]) -> None:
        super().__init__(len(jobs))
        self.jobs = iter(jobs)

    def ask(self) -> Job | None:
        return next(self.jobs, None)


@pytest.mark.long
def test_metrics_are_the_same_wherever_a_job_runs(execute: Execute) -> None:
    config = make_config(
        {"data": "digits", "objectives": ("accuracy", "macs"), "device": "cpu", "recipe": {"subset": 200}}
    )
    dataset = datasets.load("digits")
    space = replace(searches.space(), resolution=(dataset.resolution,))
    rng = np.random.default_rng(0)
    jobs = [Job(number, space.sample(rng)[1], seed=100 + number) for number in range(4)]
    here = [Evaluator(config, dataset)(job) for job in jobs]
    search = Listed(jobs)
    execute(search, partial(Evaluator, config, dataset))
    there = search.told
    assert [there[n].metrics for n in range(4)] == [outcome.metrics for outcome in here]
    assert [there[n].losses for n in range(4)] == [outcome.losses for outcome in here]


def test_workers_run_side_by_side(ray_here: None) -> None:
    search = Search(6)
    evaluate = preparing(partial(searches.slow, seconds=0.5))
    EXECUTORS.get("ray_tune").execute(Ask(search.ask), search.tell, evaluate, Placement(2))
    begun = sorted(outcome.readings["test"]["begin"] for outcome in search.told.values())
    assert len(search.workers()) == 2
    assert min(later - one for one, later in pairwise(begun)) < 0.4, "each began after the one before had ended"
