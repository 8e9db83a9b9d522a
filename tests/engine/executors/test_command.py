"""The command line with two workers, ended, refused and hindered from outside; real trainings, tiny ones."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from forks import Forked
from processes import left_behind

pytestmark = pytest.mark.long

SPACE = """
name: tiny
resolution: 8
stem: {kind: conv, width: [4, 8]}
stages:
  - {block: [conv, mbconv, transformer], depth: [1, 2], width: [8, 12, 16], stride: 2}
  - {block: [conv, mbconv, transformer], depth: [1, 2], width: [8, 16, 24], stride: 2}
blocks: {transformer: {head_dim: 4}}
"""
SEARCH = "search --space tiny.yaml --data digits --subset 200 --objectives accuracy,params --sampler random --confirm 0"
AS_OWNER = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]  # root, whom modes of files bind

Process = subprocess.Popen[str] | Forked

LEAVES_NO_TRACE = """
import os
import sklearn  # sets variables of its own
before = dict(os.environ)
import nas
nas.resume("a", budget=BUDGET)
after = dict(os.environ)
assert after == before, {name: (before.get(name), after.get(name)) for name in before.keys() ^ after.keys()}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where the commands run; closed folders are opened again for pytest to remove."""
    (tmp_path / "tiny.yaml").write_text(SPACE)
    yield tmp_path
    if (tmp_path / "runs" / "a").exists():
        (tmp_path / "runs" / "a").chmod(0o755)


def nas(line: str, folder: Path, before: list[str] | None = None) -> Process:
    if before is None:
        return Forked(line.split(), folder)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "COLUMNS": "200"}
    return subprocess.Popen(
        [*before, sys.executable, "-m", "nas.cli", *line.split()], cwd=folder, env=environment, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip


def record(folder: Path) -> list[dict[str, Any]]:
    path = folder / "runs" / "a" / "trials.jsonl"
    whole = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    return [json.loads(line) for line in whole]


def begin(folder: Path, trials: int, budget: int, before: list[str] | None = None) -> Process:
    """A search with two workers, of which so many trials are on disk."""
    process = nas(f"{SEARCH} --budget {budget} --workers 2 --name a", folder, before)
    end = time.monotonic() + 180
    while len(record(folder)) < trials:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "the search did not begin"
        time.sleep(0.02)
    return process


def done(process: Process) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=180)
    return process.returncode, out, err


def test_a_search_killed_is_finished_by_resume_and_nobody_else_goes_on_with_it_meanwhile(folder: Path) -> None:
    """And the resume, with a Ray of its own too, gives the environment back as it was."""
    process = begin(folder, 2, budget=1000)
    status, _, err = done(nas("resume a", folder))
    assert (status, err) == (1, "error: runs/a: another process is searching there; wait for it or end it\n")
    process.kill()
    process.communicate()
    kept = record(folder)
    begun = [json.loads(line) for line in (folder / "runs" / "a" / "begun.jsonl").read_text().splitlines()]
    assert not left_behind(process.pid, but="Agent"), "Ray's processes outlive the driver"  # its agents do, for minutes
    budget = len(kept) + 4
    status, _, err = done(Forked([LEAVES_NO_TRACE.replace("BUDGET", str(budget))], folder, "forks:script"))
    assert status == 0, err
    trials = record(folder)
    assert trials[: len(kept)] == kept
    assert {trial["outcome"]["state"] for trial in trials} <= {"complete"}
    assert len({trial["key"] for trial in trials}) == len({trial["number"] for trial in trials}) == budget
    decided = [trial["decisions"] for trial in trials]
    assert all(decisions in decided for decisions in begun), "an interrupted trial was not repeated"


@pytest.mark.faults
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_within_seconds(folder: Path, number: signal.Signals) -> None:
    process = begin(folder, 2, budget=1000)
    process.send_signal(number)
    asked = time.monotonic()
    status, out, err = done(process)
    assert time.monotonic() - asked < 15
    assert (status, err) == (130, "")
    assert "Every finished trial is kept. Go on with: nas resume runs/a" in out
    assert (folder / "runs" / "a" / "report.html").exists()
    assert not left_behind(process.pid)


@pytest.mark.faults
def test_a_full_disk_is_said_and_the_search_goes_on_afterwards(folder: Path) -> None:
    """From now on the driver, and it alone, may write hardly more to a file than the record holds."""
    process = begin(folder, 2, budget=12)
    size = (folder / "runs" / "a" / "trials.jsonl").stat().st_size
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size + 100, resource.RLIM_INFINITY))
    status, _, err = done(process)
    assert status == 1
    path = "runs/a/trials.jsonl"
    assert err.endswith(f"error: {path}: cannot be written (File too large); free it and run: nas resume runs/a\n")
    assert "Traceback" not in err
    before = record(folder)
    assert b"\n".join((folder / path).read_bytes().split(b"\n")[-1:]) == b"", "a torn line was left"
    status, _, err = done(nas("resume a", folder))
    assert status == 0, err
    assert record(folder)[: len(before)] == before
    assert len(record(folder)) == 12


@pytest.mark.faults
@pytest.mark.skipif(os.geteuid() == 0 and not shutil.which("setpriv"), reason="root writes anywhere")
def test_a_folder_that_turns_read_only_is_said(folder: Path) -> None:
    before = AS_OWNER if os.geteuid() == 0 else None
    process = begin(folder, 2, budget=1000, before=before)
    for path in (folder / "runs" / "a" / "trials.jsonl", folder / "runs" / "a"):
        path.chmod(0o555)
    status, _, err = done(process)
    assert status == 1
    assert err.endswith("trials.jsonl: cannot be written (Permission denied); free it and run: nas resume runs/a\n")
    (folder / "runs" / "a" / ".lock").unlink(missing_ok=True)
    status, _, err = done(nas("resume a", folder, before))
    assert (status, err) == (1, "error: runs/a: cannot be written (Permission denied)\n")
