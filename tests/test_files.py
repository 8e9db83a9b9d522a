"""Files: whole or not at all, and what the cache folder keeps."""

import json
import os
import tempfile
from pathlib import Path

import pytest

from nas import files
from nas.errors import RunError, SettingError


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "a.yaml"
    files.write(path, "one")
    files.write(path, "two")
    assert path.read_text() == "two"
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="directory"):
        files.write(tmp_path / "folder", "three")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.yaml", "folder"]


def test_a_wrong_place_is_a_setting_and_a_full_disk_is_not(tmp_path):
    with (
        pytest.raises(SettingError, match=r"a/b: cannot be written \(No such file or directory\); take another$"),
        files.writing(tmp_path / "a" / "b", "take another"),
    ):
        files.write(tmp_path / "a" / "b", "text")
    with (
        pytest.raises(RunError, match=r"c: cannot be written \(No space left on device\)$"),
        files.writing(tmp_path / "c"),
    ):
        open("/dev/full", "w", buffering=1).write("text\n")  # noqa: PTH123, SIM115


def test_an_error_in_the_middle_leaves_the_old_file_alone(tmp_path):
    files.write(tmp_path / "a", "old")

    def half() -> None:
        with files.replacing(tmp_path / "a") as file:
            file.write(b"ne")
            raise KeyError

    with pytest.raises(KeyError):
        half()
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_text() == "old"


def test_what_a_link_leads_to_is_replaced_and_the_link_stays(tmp_path):
    (tmp_path / "there").mkdir()
    for name in ("old", "new"):
        link = tmp_path / name
        link.symlink_to(tmp_path / "there" / name)
        (tmp_path / "there" / "old").write_text("before")
        files.check_around(link)
        files.write(link, "text")
        assert link.is_symlink()
        assert (tmp_path / "there" / name).read_text() == "text"
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone" / "file")
    with pytest.raises(SettingError, match=r"nowhere: the folder \S+gone does not exist"):
        files.check_around(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="nowhere"):
        files.write(tmp_path / "nowhere", "text")


def test_a_pipe_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="a pipe or a device"):
        files.write(tmp_path / "pipe", "text")
    with pytest.raises(SettingError, match="it is a pipe or a device"):
        files.check_around(tmp_path / "pipe")
    assert (tmp_path / "pipe").is_fifo()


def test_an_error_names_the_file_that_was_asked_for(tmp_path):
    with pytest.raises(FileNotFoundError) as error:
        files.write(tmp_path / "gone" / "a.csv", "text")
    assert error.value.filename == str(tmp_path / "gone" / "a.csv")


def test_a_folder_is_made_whole_or_not_at_all(tmp_path):
    with files.making(tmp_path / "new" / "a") as place:
        (place / "file").write_text("whole")
        assert not (tmp_path / "new" / "a").exists()
    assert [path.name for path in (tmp_path / "new").rglob("*")] == ["a", "file"]
    assert (tmp_path / "new" / "a").stat().st_mode == (tmp_path / "new").stat().st_mode
    with pytest.raises(KeyError), files.making(tmp_path / "new" / "b") as place:
        raise KeyError
    with pytest.raises(OSError, match="Not a directory"), files.making(tmp_path / "new" / "a" / "file" / "c"):
        pass
    assert len(list((tmp_path / "new").rglob("*"))) == 2


def test_text_is_utf_8(tmp_path):
    files.write(tmp_path / "a", "ä\nb")
    assert (tmp_path / "a").read_bytes() == b"\xc3\xa4\nb"


def test_bytes_of_a_name_that_are_no_text_are_spelt(tmp_path):
    name = os.fsdecode(b"caf\xe9")
    files.write(tmp_path / "a", json.dumps({"name": name}, ensure_ascii=False))
    assert json.loads((tmp_path / "a").read_text()) == {"name": name}
    assert files.readable(name) == r"caf\xe9"
    assert files.readable("Caf\xe9 \u65e5\u672c \x1b[1m\n") == "Caf\xe9 \u65e5\u672c \\x1b[1m\\x0a"


def test_the_cache_forgets_what_is_damaged_or_of_another_key(tmp_path, monkeypatch):
    monkeypatch.setenv("NAS_CACHE", str(tmp_path))
    files.keep("things", {"a": 1}, {"b": 2})
    assert files.recall("things", {"a": 1}) == {"b": 2}
    assert files.recall("things", {"a": 2}) is None
    (file,) = (tmp_path / "things").iterdir()
    for damaged in ("{", "null", '{"key": {"a": 1}}', '{"key": {"a": 1}, "value": 2}', "[" * 100_000):
        file.write_text(damaged)
        assert files.recall("things", {"a": 1}) is None
    monkeypatch.setenv("NAS_CACHE", "/proc/nowhere")
    files.keep("things", {"a": 1}, {"b": 2})  # a folder that cannot be written keeps nothing
    assert files.recall("things", {"a": 1}) is None


def test_the_cache_lies_where_the_system_keeps_caches(monkeypatch):
    monkeypatch.delenv("NAS_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/some/where")
    assert str(files.cache_folder()) == "/some/where/nas"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert str(files.cache_folder()) == "/home/somebody/.cache/nas"


def test_who_has_no_home_gets_a_closed_folder_for_the_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # as for a user without a home or an entry
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for name in ("NAS_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    own = tmp_path / f"nas-home-{os.getuid()}"
    assert files.home() == files.home() == own
    assert own.stat().st_mode & 0o777 == 0o700
    assert files.cache_folder() == own / ".cache" / "nas"
    assert files.cache_remark().startswith(f"this user has no home: what is kept from run to run lies in {own}")
    own.rmdir()
    own.symlink_to("/")  # as another user might do
    files._passing_home.cache_clear()
    assert files.home().parent == tmp_path
    assert files.home() == files.home() != own, "one a process"
    assert len(list(tmp_path.iterdir())) == 2
    files._passing_home.cache_clear()


def test_a_cache_that_cannot_be_written_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("NAS_CACHE", str(tmp_path / "a"))
    assert files.cache_remark() == ""
    (tmp_path / "a").write_text("")
    reason = f"nothing is kept from run to run, as {tmp_path / 'a'} is not a folder; choose a folder by NAS_CACHE"
    assert files.cache_remark() == reason


def test_a_tilde_in_the_cache_folder_is_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no shell has expanded it: as it is, each working directory would have a cache of its own."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NAS_CACHE", "~/kept")
    assert files.cache_folder() == tmp_path / "kept"
