"""nas dashboard, as a browser sees it: a real server over a mirror of a run."""

import json
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.error import HTTPError

import pytest
from command import Command
from run_fixtures import finished_run, trial

from nas.record.run import Run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return finished_run(tmp_path_factory.mktemp("runs") / "a run", complete=6)


@contextmanager
def served(run: Run, port: int = 0) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server of a run, and its address."""
    words = [sys.executable, "-m", "nas.cli", "dashboard", str(run.folder), "--port", str(port)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        found = re.search(r"http://127\.0\.0\.1:\d+/", process.stdout.readline())
        assert found, process.communicate()
        try:
            yield process, found[0]
        finally:
            process.kill()


@pytest.fixture(scope="module")
def address(run: Run) -> Iterator[str]:
    with served(run) as (_, address):
        yield address


def ask(url: str, method: str = "GET", data: Any = None) -> Any:
    body = json.dumps(data).encode() if data is not None else None
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        text = answer.read().decode()
    return json.loads(text) if "application/json" in answer.headers.get("Content-Type", "") else text


def study(address: str) -> Any:
    return ask(f"{address}api/studies/0")


def test_the_page_and_every_trial_are_served(run: Run, address: str) -> None:
    assert "<html" in ask(address)
    found = study(address)
    assert found["name"] == "a run"
    assert found["directions"] == ["maximize", "minimize"]
    assert found["objective_names"] == ["accuracy", "latency"]
    assert len(found["trials"]) == len(run.trials)
    first, of_record = found["trials"][0], run.trials[0]
    assert first["values"] == [of_record.metrics["accuracy"], of_record.metrics["latency"]]
    assert first["state"] == "Complete"
    facts = {one["key"]: one["value"] for one in first["user_attrs"]}
    assert facts["layout"] == of_record.layout
    assert facts["architecture"] == of_record.architecture.to_yaml()
    assert float(facts["seconds"]) == pytest.approx(sum(of_record.outcome.seconds.values()), abs=0.001)
    failed = {one["key"]: one["value"] for one in found["trials"][6]["user_attrs"]}
    assert failed["reason"] == "the loss became nan in epoch 2"
    assert failed["trial"] == "6"


def test_it_follows_the_record_and_never_writes_it(run: Run, address: str) -> None:
    before = {path: path.read_bytes() for path in run.folder.rglob("*") if path.is_file()}
    for number in (11, 9):  # as workers end
        run.append(replace(trial(run, number), ended=1000.0 - number))
    record = (run.folder / "trials.jsonl").read_bytes()
    end = time.monotonic() + 60
    while len(study(address)["trials"]) < len(run.trials) and time.monotonic() < end:
        time.sleep(0.5)
    facts = [{one["key"]: one["value"] for one in found["user_attrs"]} for found in study(address)["trials"]]
    assert sorted(int(found["trial"]) for found in facts) == sorted(one.number for one in run.trials)
    ask(f"{address}api/studies/0/note", "PUT", {"body": "mine", "version": 1})
    assert study(address)["note"]["body"] == "mine"
    after = {path: path.read_bytes() for path in run.folder.rglob("*") if path.is_file()}
    assert after == before | {run.folder / "trials.jsonl": record}


@pytest.mark.long
def test_it_listens_on_loopback_alone_and_takes_a_free_port(run: Run, address: str) -> None:
    port = int(address.rstrip("/").rpartition(":")[2])
    with socket.socket() as other, pytest.raises(ConnectionRefusedError):
        other.connect(("127.0.0.2", port))  # what listens everywhere answers there
    with served(run, port) as (process, second):
        assert second != address
        assert len(study(second)["trials"]) == len(run.trials)
        with pytest.raises(HTTPError):
            ask(f"{second}api/studies/7")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out, err) == (0, "", "")


def test_without_the_extra_it_says_what_to_install(run: Run, nas: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nas.cli.dashboard.find_spec", lambda name: None)
    answer = nas("dashboard", run.folder)
    assert answer.status == 2
    assert "pip install 'hybrid-nas[dashboard]'" in answer.err
