"""Runs are opened by what a caller has of them: an object, a path or a name."""

from pathlib import Path

import pytest
from run_fixtures import finished_run

import nas
from nas.errors import SettingError


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two runs, above which the test stands."""
    for seed, name in enumerate(("first", "second")):
        finished_run(tmp_path / "runs" / name, complete=4, seed=seed)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "runs"


def test_runs_are_compared_by_objects_paths_and_names(runs: Path) -> None:
    for given in (
        [nas.Run(runs / "first"), nas.Run(runs / "second")],
        ["runs/first", runs / "second"],
        ("first", "second"),
    ):
        (side,) = nas.compare(given).sides
        assert [run.folder.resolve() for run in side.runs] == [runs / "first", runs / "second"]
    assert nas.layouts("first", members=20) == nas.layouts([runs / "first"], members=20)


def test_a_run_that_is_not_there_is_refused_with_the_nearest() -> None:
    for ask in (nas.compare, nas.layouts, nas.reliability, nas.resume, nas.write_report):
        given = ["first", "frst"] if ask in (nas.compare, nas.layouts) else "frst"
        with pytest.raises(SettingError, match=r"^no run 'frst'\. Did you mean 'first'"):
            ask(given)
        with pytest.raises(SettingError, match=r"^run: found 5; write a text or a path"):
            ask(5)
    with pytest.raises(SettingError, match="two runs or more"):
        nas.compare("first")
    with pytest.raises(SettingError, match=r"^runs/first: 0 networks were trained on 1 rungs"):
        nas.reliability("first")


def test_a_page_is_written_of_a_run_by_its_name_or_path(runs: Path) -> None:
    for given in (nas.Run(runs / "first"), "first", "runs/first", runs / "first"):
        (runs / "first" / "report.html").unlink(missing_ok=True)
        assert nas.write_report(given).resolve() == runs / "first" / "report.html"
        assert (runs / "first" / "report.html").is_file()
    nas.write_comparison(nas.compare(["first", "second"]), "sides.html")
    assert Path("sides.html").is_file()
