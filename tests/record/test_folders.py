"""A new run's folder: the name it is given, or one that no other run has."""

from pathlib import Path

import pytest
from run_fixtures import finished_run
from trained_fixtures import begun, ended

from nas.errors import SettingError
from nas.record.folders import find_run, new_folder
from nas.record.run import Run


def test_runs_begun_in_one_second_get_names_of_their_own(tmp_path: Path) -> None:
    found = []
    for _ in range(4):
        folder = new_folder(tmp_path, None, "cvt family")
        folder.mkdir()
        found.append(folder.name)
    assert len(set(found)) == 4
    assert all(name.startswith("cvt-family-20") for name in found)
    assert any(name.endswith(("-2", "-3")) for name in found)  # four folders never take two seconds


def test_a_given_name_that_is_taken_is_refused(tmp_path: Path) -> None:
    assert new_folder(tmp_path, "mine", "space") == tmp_path / "mine"
    (tmp_path / "mine").mkdir()
    with pytest.raises(SettingError, match="exists already"):
        new_folder(tmp_path, "mine", "space")
    with pytest.raises(SettingError, match="a run's name is that of one folder"):
        new_folder(tmp_path, "a/b", "space")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("deit_ti", "found 'deit_ti', which is taken for a published network, a space or a network's file"),
        ("cvt_family", "found 'cvt_family', which is taken for a published network"),
        ("best.onnx", "found 'best.onnx', which is taken for a published network, a space or a network's file"),
        ("網" * 90, "of 90 characters and 270 bytes; write at most 100 characters and 200 bytes"),
    ],
)
def test_a_name_that_would_be_taken_for_something_else_is_refused(tmp_path: Path, name: str, says: str) -> None:
    with pytest.raises(SettingError, match=says):
        new_folder(tmp_path, name, "space")


def test_a_run_has_its_name_wherever_it_is_looked_at_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = finished_run(tmp_path / "mine", complete=1).folder
    (tmp_path / "link").symlink_to(folder)
    monkeypatch.chdir(folder)
    assert Run(Path()).name == "mine"
    assert Run(tmp_path / "link").name == "link"
    (folder / "inside").mkdir()
    monkeypatch.chdir(folder / "inside")
    assert Run(Path("..")).name == "mine"


def test_a_training_is_no_search_and_goes_on_unless_it_is_finished(tmp_path: Path) -> None:
    begun(tmp_path / "stopped")
    ended(tmp_path / "done")
    with pytest.raises(SettingError, match=r"is a training; .* nas train \S*stopped --resume goes on with it$"):
        find_run("stopped", tmp_path)
    with pytest.raises(SettingError, match=r"is a finished training; .*nas show shows a training$"):
        find_run("done", tmp_path)
