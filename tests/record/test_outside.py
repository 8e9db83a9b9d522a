"""A run keeps what it uses from outside nas, and goes on with that."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import small_searches
import yaml
from command import Command
from outside import forget, offer, withdraw
from outside import site as site

import nas
from nas.engine.watcher import Watcher
from nas.errors import RunError, SettingError
from nas.record.run import Run

FILE = """
from nas.evaluation.objectives import Objective
__all__ = ["stages"]
stages = Objective("minimize", title="Stages", known=lambda candidate: 1.0 * len(candidate.architecture.stages))
"""
PACKAGE = """
from nas.network.blocks.resnet import Conv
class Plain(Conv):
    letter = "Q"
"""
Search = Callable[..., Run]


@pytest.fixture
def search(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Search:
    """A search of two trials whose space offers a package's block, and whose objective is a file's."""
    monkeypatch.chdir(tmp_path)
    (site / "my_package.py").write_text(PACKAGE)
    offer(site, "my-blocks", "1.0", "[nas.blocks]", "plain = my_package:Plain")
    Path("mine.py").write_text(FILE)
    stage = {"block": ["plain", "conv"], "depth": [1, 2], "width": [4, 8], "stride": 2}
    space = {"name": "tiny", "resolution": 8, "stem": {"kind": "conv", "width": [4, 8]}, "stages": [stage]}
    Path("tiny.yaml").write_text(yaml.safe_dump(space))

    def run(**changes: object) -> Run:
        settings = {"objectives": ("accuracy", "stages"), "plugins": ("mine.py",), "budget": 2, "confirm": 0} | changes
        return small_searches.search(Path("tiny.yaml"), "first", **settings)

    return run


def test_a_run_keeps_files_and_versions_and_opens_with_them(search: Search) -> None:
    run = search()
    kept = json.loads((run.folder / "plugins.json").read_text())
    assert [(file["name"], file["path"]) for file in kept["files"]] == [("mine.py", "mine.py")]
    assert kept["packages"] == {"my-blocks": "1.0"}
    assert (run.folder / "plugins" / "mine.py").read_text() == FILE
    assert run.environment["versions"]["my-blocks"] == "1.0"
    assert run.config.plugins == ("mine.py",)
    Path("mine.py").unlink()
    forget()
    again = Run(run.folder)
    assert again.space.size() > 1
    assert again.front()[0].metrics["stages"] == 1.0
    assert len(nas.resume(again, budget=3).trials) == 3, "a file that is gone is no obstacle"


def test_a_file_that_was_loaded_before_is_kept_where_its_kinds_are_used(search: Search) -> None:
    nas.load_plugins("mine.py")
    run = search(plugins=())
    other = small_searches.search(Path("tiny.yaml"), "other", objectives=("accuracy", "params"), budget=1, confirm=0)
    assert not other.outside.files, "none of the file's kinds is used"
    Path("mine.py").unlink()
    forget()
    assert [file.name for file in Run(run.folder).outside.files] == ["mine.py"]
    assert len(nas.resume("first", budget=3).trials) == 3


def test_a_tracker_of_a_file_goes_along(search: Search) -> None:
    text = "class Notes(Tracker):\n    def begin(self, subject): return 0\n    def note(self, step, values): ...\n"
    Path("notes.py").write_text(
        f"from nas.record.trackers import Tracker\n{text}    def end(self, ending, files): ...\n"
    )
    nas.load_plugins("notes.py")
    search(log=("notes",))
    Path("notes.py").unlink()
    forget()
    assert len(nas.resume("first", budget=3).trials) == 3


def test_a_search_of_our_own_kinds_keeps_nothing_of_it(search: Search) -> None:
    run = small_searches.search(Path("cvt_family"), "plain", objectives=("accuracy", "params"), budget=1, confirm=0)
    assert not (run.folder / "plugins.json").exists()
    assert not (run.folder / "plugins").exists()


def test_a_file_that_was_changed_since_is_refused_on_resume(search: Search, nas: Command) -> None:
    run = search()
    Path("mine.py").write_text(FILE + "# changed\n")
    forget()
    answer = nas("resume", run.folder, "--budget", 3)
    assert answer.status == 2
    assert "mine.py: changed since runs/first began (sha256 " in answer.err
    assert "write: cp runs/first/plugins/mine.py mine.py; to use the change, begin another search" in answer.err
    assert nas("report", run.folder).status == 0, "reading the run needs its copy alone"
    shutil.copy(run.folder / "plugins" / "mine.py", "mine.py")
    assert nas("resume", run.folder, "--budget", 3).status == 0


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            lambda folder: (folder / "plugins/mine.py").write_text(FILE + "#"),
            r"plugins/mine\.py: was changed since .*sha256",
        ),
        (
            lambda folder: (folder / "plugins/mine.py").unlink(),
            r"plugins/mine\.py: cannot be read; restore it \(sha256",
        ),
        (lambda folder: (folder / "plugins.json").write_text("{"), r"plugins\.json: damaged; restore it"),
        (lambda folder: (folder / "plugins.json").write_text('{"files": [3]}'), r"plugins\.json: damaged"),
    ],
)
def test_copies_that_were_changed_are_refused(search: Search, damage: Callable[[Path], object], message: str) -> None:
    run = search()
    damage(run.folder)
    forget()
    with pytest.raises(RunError, match=message):
        Run(run.folder)


def test_another_version_of_a_package_is_a_warning_a_missing_one_an_error(search: Search, site: Path) -> None:
    run, said = search(), []
    withdraw(site, "my-blocks")
    with pytest.raises(
        SettingError, match=r"first: the package my-blocks 1\.0, whose kinds .* pip install my-blocks==1"
    ):
        Run(run.folder)
    offer(site, "my-blocks", "2.0", "[nas.blocks]", "plain = my_package:Plain")
    forget()
    nas.resume(run.folder, budget=3, watcher=Watcher(warned=said.append))
    assert said == ["my-blocks is 2.0 now and was 1.0 when first began: its kinds may differ"]


def test_the_warning_is_shown(search: Search, site: Path, nas: Command) -> None:
    run = search()
    withdraw(site, "my-blocks")
    offer(site, "my-blocks", "2.0", "[nas.blocks]", "plain = my_package:Plain")
    forget()
    assert "warning: my-blocks is 2.0 now" in nas("resume", run.folder, "--budget", 3).out


def test_the_networks_of_a_run_are_shown_with_its_kinds(search: Search, nas: Command) -> None:
    run = search()
    for shown in ("first", run.folder / "best.yaml", next((run.folder / "front").glob("*.yaml"))):
        forget()
        assert nas("show", shown).status == 0, shown
    answer = nas("export", "first", "-o", "picked.yaml")
    assert f"nas show picked.yaml --plugins {run.folder}/plugins/mine.py" in answer.out
