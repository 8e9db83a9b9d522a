"""Trials' memory, in a process of its own, and their time."""

import importlib
import platform
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nas.engine import attempt as attempts
from nas.engine.attempt import attempt, time_limit
from nas.errors import TimeLimitError
from nas.evaluation.job import Job, Outcome
from nas.space.library import load_architecture

TRIALS = """
import resource
from nas.engine.attempt import attempt
from nas.evaluation.job import Job, Outcome
from nas.space.library import load_architecture

kept = []

def held():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()

def evaluate(job):
    arrays = [bytearray([1]) * 2**16 for _ in range(1600)]
    kept.append(arrays[-1])  # behind them all
    return Outcome("complete")

job = Job(0, load_architecture("coatnet_0"), 0)
before = held()
evaluate(job)
print(held() - before)
attempt(evaluate, job, None)
print(held() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_a_trial_leaves_no_memory_behind() -> None:
    done = subprocess.run([sys.executable, "-c", TRIALS], capture_output=True, text=True, check=True)
    without, after = map(int, done.stdout.split())
    assert without > 50 * 2**20, "glibc keeps it otherwise"
    assert after < 10 * 2**20


def busy(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


JOB = Job(0, load_architecture("coatnet_0"), 0)
OVER = "TimeLimitError: took longer than 0.1 s"


def test_a_limit_that_a_library_takes_for_its_own_error_holds_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "AGAIN", 0.1)
    ended: list[int] = []

    def evaluate(job: Job) -> Outcome:
        for number in range(2):
            try:
                busy(10)
            except TimeLimitError:
                ended.append(number)
        busy(10)
        raise AssertionError("nobody ended it")

    assert attempt(evaluate, JOB, 0.1).reason == OVER
    assert ended == [0, 1]


def test_a_trial_that_ends_well_but_late_is_failed_with_what_it_has() -> None:
    def evaluate(job: Job) -> Outcome:
        try:
            busy(10)
        except TimeLimitError:
            return Outcome("complete", {"accuracy": 0.5})
        raise AssertionError("nobody ended it")

    found = attempt(evaluate, JOB, 0.1)
    assert (found.state, found.reason, found.metrics) == ("failed", OVER, {"accuracy": 0.5})
    assert attempt(lambda job: Outcome("complete"), JOB, 0.1).state == "complete"


def test_an_import_is_let_finish(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(attempts, "AGAIN", 0.1)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "slow_to_load.py").write_text("import time\ntime.sleep(0.5)\nready = True\n")

    def load() -> None:
        with time_limit(0.1) as late:
            loaded.append(importlib.import_module("slow_to_load").ready)
            assert late.is_set()
            busy(10)

    loaded: list[bool] = []
    with pytest.raises(TimeLimitError):
        load()
    assert loaded == [True]
    (tmp_path / "search_at_once.py").write_text(
        "from nas.engine.attempt import time_limit\nwith time_limit(0.1):\n    while True: pass\n"
    )
    with pytest.raises(TimeLimitError):  # the import is around it
        importlib.import_module("search_at_once")


def test_no_limit_however_short_rings_once_its_trial_has_ended() -> None:
    for seconds in (1e-6, 2e-6, 5e-6, 1e-5, 2e-5) * 20:
        attempt(lambda job: Outcome("complete"), JOB, seconds)
        assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGALRM) is signal.SIG_DFL
