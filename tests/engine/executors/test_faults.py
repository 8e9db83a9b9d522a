"""Workers that die, machines that go: what is lost, and what the search makes of it."""

from collections import Counter
from pathlib import Path

import executor_searches as searches
import pytest
from executor_searches import Search, Some, preparing

from nas.engine.executors import Ask, Placement
from nas.engine.executors.ray_tune import ray_tune


def run(search: Search, evaluate: object, **settings: object) -> None:
    placement = Placement(2, **settings)  # type: ignore[arg-type]
    ray_tune.execute(Ask(search.ask), search.tell, preparing(evaluate), placement)  # type: ignore[arg-type]


def test_a_killed_worker_costs_its_trial_only(ray_here: None, tmp_path: Path) -> None:
    search, log = Search(6), tmp_path / "log"
    run(search, Some(searches.is_killed, (2,), log))
    assert list(search.failures()) == [2]
    assert "the worker died" in search.failures()[2]
    assert search.told[2].took > 0
    assert Counter(log.read_text().split()) == {str(number): 1 for number in range(6)}, "one was repeated"


def test_a_trial_that_wants_more_memory_than_there_is_fails_alone(ray_here: None, tmp_path: Path) -> None:
    search = Search(4)
    run(search, Some(searches.eats_memory, (1,)))
    assert search.failures().keys() == {1}
    assert search.failures()[1].startswith("out of memory: Unable to allocate 256. MiB")


@pytest.mark.faults
def test_a_hang_that_hears_no_signal_is_ended(ray_here: None) -> None:
    search = Search(4)
    run(search, Some(searches.hangs_deaf, (1,)), trial_timeout=1.0)
    assert list(search.failures()) == [1]
    assert search.failures()[1].startswith("TimeLimitError: took longer than 1 s")
