"""When jobs are asked for, ahead too."""

import executor_searches as searches
from executor_searches import Search

from nas.engine.executors import Ask
from nas.engine.executors._ray.dispatcher import PATIENCE, Dispatcher
from nas.errors import RunError
from nas.evaluation.job import Job


class Counting(Search):
    """Counts how often it was asked."""

    times = 0

    def ask(self) -> Job | None:
        self.times += 1
        return super().ask()


def test_where_nothing_is_left_it_asks_once_between_two_outcomes() -> None:
    search = Counting(3)
    dispatcher = Dispatcher(Ask(search.ask), search.tell, most=3)
    jobs = {tag: dispatcher.fetch(tag) for tag in "abc"}
    for left in (3, 2, 1):
        before = search.times
        for _ in range(100):
            dispatcher.look_ahead(running=3)
        assert search.times == before + 1, left
        tag, job = jobs.popitem()
        assert job
        dispatcher.finish(tag, searches.sound(job))
    assert dispatcher.fetch("d") is None
    assert dispatcher.over


def test_a_job_that_may_not_begin_any_more_gives_way_to_the_next() -> None:
    search = Counting(4)
    refused: list[int] = []
    ask = Ask(search.ask, lambda job: job.number != 1 or refused.append(job.number) is not None)
    ask.ahead()
    ask.ahead()
    assert search.times == 1
    numbers = [job.number for job in iter(ask, None)]
    assert (numbers, refused) == ([0, 2, 3], [1])


def test_a_cluster_that_never_takes_a_job_ends_the_search() -> None:
    search = Search(4)
    dispatcher = Dispatcher(Ask(search.ask), search.tell, most=2)
    for _ in range(PATIENCE - 1):
        dispatcher.lose_all("Ray Tune gave up: no head node")
        assert not dispatcher.over
    dispatcher.lose_all("Ray Tune gave up: no head node")
    assert dispatcher.over
    assert isinstance(dispatcher.failure, RunError)
    assert "no head node" in str(dispatcher.failure)


def test_a_machine_that_takes_many_workers_along_is_one_loss() -> None:
    search = Search(10_000)
    dispatcher = Dispatcher(Ask(search.ask), search.tell, most=64)
    jobs = {str(place): dispatcher.fetch(str(place)) for place in range(64)}
    for tag in list(jobs)[: 2 * PATIENCE]:
        dispatcher.lose(tag, "node has died")
    assert not dispatcher.over
    for wave in range(PATIENCE - 2):
        for place in range(64):
            dispatcher.fetch(f"{wave}-{place}")
        dispatcher.lose_all("node has died")
        assert not dispatcher.over, wave
    for place in range(64):
        dispatcher.fetch(f"last-{place}")
    dispatcher.lose_all("node has died")
    assert dispatcher.over, "a cluster on which nothing ever ends"


def test_the_first_error_is_the_one_that_is_told() -> None:
    search = Search(64)

    def full(job: Job, outcome: object) -> None:
        raise RunError("trials.jsonl: cannot be written (No space left on device)")

    dispatcher = Dispatcher(Ask(search.ask), full, most=64)
    jobs = {str(place): dispatcher.fetch(str(place)) for place in range(64)}
    dispatcher.finish("0", searches.sound(jobs["0"]))  # type: ignore[arg-type]
    for _ in range(PATIENCE):
        dispatcher.lose_all("Ray Tune gave up")
    assert "No space left on device" in str(dispatcher.failure)
