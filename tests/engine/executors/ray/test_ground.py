"""Where Ray cannot stand, this is said in seconds and before anything is written."""

import os
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from command import Command

from nas.engine.executors._ray.ground import check_address, ray_folder
from nas.errors import SettingError

SEARCH = ("search", "--data", "digits", "--objectives", "accuracy,params", "--subset", 64, "--budget", 1)


@contextmanager
def listening(answer: bytes) -> Iterator[str]:
    """A port of this machine that gives everyone the same answer."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            line, _ = server.accept()
            with line:
                line.recv(100)
                line.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        thread.join()


@pytest.fixture
def closed() -> str:
    """A port at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"127.0.0.1:{server.getsockname()[1]}"


def test_what_speaks_as_a_cluster_does_is_taken_for_one() -> None:
    with listening(b"\0\0\6\4\0\0\0\0\0\0\4\0\1\0\0") as address:  # HTTP/2's settings
        check_address(address, "--ray x")


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"", b"SSH-2.0-OpenSSH_9.2\r\n"])
def test_what_speaks_otherwise_is_refused(answer: bytes) -> None:
    with listening(answer) as address, pytest.raises(SettingError, match="what listens there is not Ray"):
        check_address(address, "--ray x")


@pytest.mark.parametrize("address", ["10.0.0.1", ":6379", "a:b", "a:0", "a:65536", "local", "[/b]", "a b:1", ""])
def test_what_is_no_address_is_answered_with_its_form(address: str) -> None:
    with pytest.raises(SettingError, match=r"write host:port, such as 10\.0\.0\.1:6379, or auto"):
        check_address(address, f"--ray {address}")


def test_a_closed_port_is_refused_before_a_folder_is_made(
    nas: Command, tmp_path: Path, closed: str, tiny: Path
) -> None:
    answer = nas(*SEARCH, "--space", tiny, "--ray", closed, "--runs", tmp_path / "runs")
    assert answer.status == 2
    assert answer.err.startswith(f"error: --ray {closed}: no Ray cluster answers (")
    assert answer.err.endswith("Connection refused). Start one with: ray start --head\n")
    assert not (tmp_path / "runs").exists()


def test_a_folder_too_long_missing_or_closed_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_TMPDIR", raising=False)
    deep = tmp_path / ("x" * 100)
    deep.mkdir()
    for folder in (deep, tmp_path / "missing", Path("/proc")):
        monkeypatch.setenv("TMPDIR", str(folder))
        assert ray_folder() == Path("/tmp")
    monkeypatch.setenv("RAY_TMPDIR", "/dev/shm")
    assert ray_folder() == Path("/dev/shm")


def test_only_linux_shares_by_a_folder_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(SettingError, match="/dev/shm is missing or closed to you; write --workers 1"):
        ray_folder()
    monkeypatch.setattr(sys, "platform", "darwin")
    assert ray_folder().is_dir()


def test_where_no_folder_will_do_one_worker_is_proposed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nas.engine.executors._ray.ground.LONGEST", 0)
    with pytest.raises(SettingError, match="/dev/shm; name another with TMPDIR, or write --workers 1"):
        ray_folder()
