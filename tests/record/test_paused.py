"""Trainings that wait on disk."""

from pathlib import Path

import pytest

from nas.errors import RunError
from nas.record import paused


def test_what_is_kept_is_read_and_what_is_below_is_dropped(tmp_path: Path) -> None:
    for rung in (0, 1, 2):
        paused.keep(tmp_path, 7, rung, bytes([rung]))
    paused.keep(tmp_path, 17, 0, b"other")
    assert paused.load(tmp_path, 7, 1) == b"\x01"
    paused.drop(tmp_path, 7, below=2)
    assert [paused.load(tmp_path, 7, rung) for rung in (0, 1, 2)] == [None, None, b"\x02"]
    assert paused.load(tmp_path, 17, 0) == b"other"


def test_the_least_promising_give_way_where_room_is_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for trial in range(5):
        paused.keep(tmp_path, trial, 0, bytes(100))
    paused.trim(tmp_path, [3, 1, 0, 2])
    assert all(paused.load(tmp_path, trial, 0) for trial in range(5)), "there is room"
    monkeypatch.setattr(paused, "ROOM", 250)
    paused.trim(tmp_path, [3, 1, 0, 2])
    assert [paused.load(tmp_path, trial, 0) is not None for trial in range(5)] == [False, True, False, True, False]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "paused").write_text("a file")
    with pytest.raises(RunError, match=r"paused: cannot be written .*nas resume"):
        paused.keep(tmp_path, 1, 0, b"x")
