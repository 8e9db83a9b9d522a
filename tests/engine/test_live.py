"""The page while a search runs: there early, cheap, and never the end of a search."""

from pathlib import Path

import pytest
from run_fixtures import empty_run, trial
from small_searches import search

from nas.engine import live
from nas.engine.live import LivePage
from nas.engine.watcher import Watcher
from nas.record.results import Result
from nas.record.run import Run


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(live.time, "monotonic", clock)
    return clock


@pytest.fixture
def costs(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> list[float]:
    """The times at which a page was written, each of which took two seconds."""
    written: list[float] = []

    def write(run: Run, running: object) -> None:
        written.append(clock.now)
        clock.now += 2.0

    monkeypatch.setattr(live, "write_report", write)
    return written


def test_pages_take_a_small_part_of_the_time(tmp_path: Path, clock: Clock, costs: list[float]) -> None:
    run = empty_run(tmp_path / "a")
    page = LivePage(run, print)
    for second in range(3000):
        clock.now = max(clock.now, float(second))
        if second % 100 == 0:
            run.append(trial(run, second // 100))
        page.refresh()
    assert 20 <= costs[0] <= 60
    assert 25 <= len(costs) <= 0.02 * 3000 / 2


def test_a_new_point_of_the_front_is_not_waited_for(tmp_path: Path, clock: Clock, costs: list[float]) -> None:
    run = empty_run(tmp_path / "a")
    page = LivePage(run, print)
    clock.now = 1000.0
    page.refresh()
    page.refresh()
    assert len(costs) == 1
    run.append(trial(run, 0))
    page.refresh()
    assert costs == [1000.0, 1002.0]
    clock.now += live.EVERY
    page.refresh()
    assert len(costs) == 3


def test_a_look_at_the_front_counts_and_so_does_the_first_page_of_a_search_that_goes_on(
    tmp_path: Path, clock: Clock, costs: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, real = empty_run(tmp_path / "a"), Run.front

    def front(run: Run) -> list[Result]:
        clock.now += 1.0
        return real(run)

    monkeypatch.setattr(Run, "front", front)
    page = LivePage(run, print)
    for _ in range(40):  # trials of ten seconds
        clock.now += 10.0
        page.refresh()
    assert page.spent <= live.SHARE * clock.now
    run.append(trial(run, 0))
    later, began = LivePage(run, print), clock.now
    clock.now += 100.0
    later.refresh()
    assert later.spent == 3.0
    assert later.cost == 3.0
    clock.now = began + 299.0
    later.refresh()
    assert later.spent == 3.0


def test_a_page_that_cannot_be_written_is_said_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "SHARE", 1e9)
    run, said = empty_run(tmp_path / "a"), list[str]()
    (run.folder / "report.html").mkdir()
    page = LivePage(run, said.append)
    for number in range(3):
        run.append(trial(run, number))
        page.refresh()
    assert len(said) == 1
    assert "report.html" in said[0]


def test_a_search_writes_its_page_as_it_goes(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "SHARE", 1e9)
    monkeypatch.setattr(live, "EVERY", 0.0)
    pages = []
    watcher = Watcher(began=lambda job, run: pages.append((run.folder / "report.html").exists()))
    run = search(tiny, "a", 3, watcher=watcher, confirm=0)
    assert pages == [False, True, True]
    assert "This search is running" not in (run.folder / "report.html").read_text()
