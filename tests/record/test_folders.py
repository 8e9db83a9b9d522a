"""A new run's folder: the name it is given, or one that no other run has."""

from pathlib import Path

import pytest

from nas.errors import SettingError
from nas.record.folders import new_folder


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
