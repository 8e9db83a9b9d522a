"""What every executor must do, run over each of them."""

from dataclasses import replace
from functools import partial

import executor_searches as searches
import numpy as np
import pytest
from executor_searches import By, Search, preparing

from nas import data as datasets
from nas.config import make_config
from nas.engine.executors import Ask, Placement
from nas.errors import RunError
from nas.evaluation.evaluator import Evaluator
from nas.evaluation.job import Job, Outcome, Prepare
from nas.registry import EXECUTORS


class Execute:
    """An executor: `execute(search, prepare, timeout=...)`."""

    def __init__(self, name: str) -> None:
        self.name, self.workers = name, 2 if name == "ray_tune" else 1

    def __call__(self, search: Search, prepare: Prepare, timeout: float | None = None) -> None:
        placement = Placement(self.workers, trial_timeout=timeout)
        EXECUTORS.get(self.name).execute(Ask(search.ask), search.tell, prepare, placement)


@pytest.fixture(scope="module", params=EXECUTORS.names())
def execute(request: pytest.FixtureRequest) -> Execute:
    """Each executor."""
    if request.param == "ray_tune":
        request.getfixturevalue("ray_here")
    return Execute(request.param)


REJECTED = (0, 3, 4)
FAILURES = {
    1: (searches.raises, "ValueError: no such kernel"),
    2: (searches.not_a_number, "accuracy is nan"),
    7: (searches.hangs, "TimeLimitError: took longer than 1 s"),
}


@pytest.fixture(scope="module")
def told(execute: Execute) -> Search:
    """A search of twenty jobs, some of which fail or are rejected; starting workers takes seconds."""
    search = Search(20)
    execute(
        search,
        preparing(By({n: how for n, (how, _) in FAILURES.items()} | dict.fromkeys(REJECTED, searches.rejects))),
        timeout=1.0,
    )
    return search


def test_every_job_is_told_once_and_the_budget_is_exact(told: Search) -> None:
    assert sorted(told.told) == list(range(23)), "a rejected job costs no budget"
    sound = {number: outcome for number, outcome in told.told.items() if number not in {*REJECTED, *FAILURES}}
    assert len(sound) == 17
    assert all(outcome.metrics == {"number": float(number)} for number, outcome in sound.items())


def test_a_rejected_job_says_why(told: Search) -> None:
    assert {number for number, outcome in told.told.items() if outcome.state == "rejected"} == {*REJECTED}
    assert told.told[3].reason == "params 9 is above 8"


def test_a_failure_ends_one_trial(told: Search) -> None:
    assert told.failures() == {number: reason for number, (_, reason) in FAILURES.items()}


def test_a_failed_trial_keeps_the_metrics_that_are_numbers(told: Search) -> None:
    assert told.told[2].metrics == {"number": 1.0}


def test_a_worker_prepares_once(told: Search) -> None:
    assert len(told.workers()) <= 3  # one may be replaced at the start


def test_an_empty_search_ends(execute: Execute) -> None:
    execute(Search(0), preparing(searches.sound))


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


@pytest.fixture(scope="module")
def here() -> tuple[Prepare, list[Job], list[Outcome]]:
    """Three networks trained in this process, and how others may train them."""
    config = make_config(
        {"data": "digits", "objectives": ("accuracy", "macs"), "device": "cpu", "recipe": {"subset": 64}}
    )
    dataset = datasets.load("digits")
    space = replace(searches.space(), resolution=(dataset.resolution,))
    rng = np.random.default_rng(0)
    jobs = [Job(number, space.sample(rng)[1], seed=100 + number) for number in range(3)]
    return partial(Evaluator, config, dataset), jobs, [Evaluator(config, dataset)(job) for job in jobs]


@pytest.mark.long
def test_metrics_are_the_same_wherever_a_job_runs(
    execute: Execute, here: tuple[Prepare, list[Job], list[Outcome]]
) -> None:
    prepare, jobs, outcomes = here
    search = Listed(jobs)
    execute(search, prepare)
    there = [search.told[n] for n in range(3)]
    assert [outcome.metrics for outcome in there] == [outcome.metrics for outcome in outcomes]
    assert [outcome.losses for outcome in there] == [outcome.losses for outcome in outcomes]
