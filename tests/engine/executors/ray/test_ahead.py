"""While every worker is busy the next trial is proposed, with what is known by then."""

from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path

import executor_searches as searches
import pytest
from executor_searches import Search, preparing

from nas.engine.executors import Ask, Placement
from nas.errors import RunError
from nas.evaluation.job import Job
from nas.registry import EXECUTORS


@dataclass
class Noting(Search):
    """Notes how many outcomes were told before each job was asked for, and refuses to propose `refused`."""

    known: list[int] = field(default_factory=list)
    refused: int = -1

    def ask(self) -> Job | None:
        if self.asked == self.refused:
            raise RunError("nothing left to propose")
        job = super().ask()
        if job is not None:
            self.known.append(len(self.told))
        return job


def run(search: Search, workers: int, folder: Path) -> None:
    evaluate = preparing(partial(searches.together, folder=folder, workers=workers))
    EXECUTORS.get("ray_tune").execute(Ask(search.ask), search.tell, evaluate, Placement(workers))


def test_two_workers_run_side_by_side_and_have_a_third_job_waiting(ray_here: None, tmp_path: Path) -> None:
    search = Noting(7)
    run(search, workers=2, folder=tmp_path)
    assert sorted(search.told) == list(range(7))
    assert search.most_running == 3
    assert search.known[2] == 0, "the third job waited for a worker"
    assert len(search.workers()) == 2
    begun = sorted(outcome.readings["test"]["begin"] for outcome in search.told.values())
    assert min(later - one for one, later in pairwise(begun)) < 0.4, "each began after the one before had ended"


def test_one_worker_is_given_each_job_when_the_one_before_is_told(ray_here: None, tmp_path: Path) -> None:
    search = Noting(3)
    run(search, workers=1, folder=tmp_path)
    assert search.known == [0, 1, 2]


def test_an_error_while_proposing_ahead_ends_the_search(ray_here: None, tmp_path: Path) -> None:
    search = Noting(7, refused=2)
    with pytest.raises(RunError, match="nothing left to propose"):
        run(search, workers=2, folder=tmp_path)
    assert not search.told, "it was raised when a trial had ended, not ahead"
