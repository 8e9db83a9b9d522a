"""What can happen to a run between two starts: it goes on with what it began with, or says why not."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command import Command
from run_fixtures import empty_run
from small_searches import CONVOLUTION_FIRST
from small_trainings import archive

from nas.engine.plan import plan_of
from nas.engine.search import resume, search
from nas.engine.watcher import Watcher
from nas.errors import DataError, RunError, SettingError
from nas.record.run import Run
from nas.report.page import render

CLASSES = ("cat", "dog", "owl")
KNOWN = """
name: known
resolution: 8
stem: {kind: conv, width: 8, stride: 1}
stages:
  - {block: mbconv, depth: 1, width: 8, stride: 2}
  - {block: transformer, depth: 1, width: 16, stride: 2, head_dim: 8}
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run, whose space and known network are gone, and its data."""
    home = tmp_path_factory.mktemp("home")
    (home / "space.yaml").write_text(CONVOLUTION_FIRST)
    (home / "known.yaml").write_text(KNOWN)
    data = archive(home / "data.npz", CLASSES)
    settings: dict[str, Any] = {"objectives": ("accuracy", "params"), "recipe": {"epochs": 1, "subset": 32}}
    search(home / "space.yaml", data=data, budget=2, name="a", runs=home, confirm=0, sampler="random",
           seed_with=(str(home / "known.yaml"),), **settings)  # fmt: skip
    (home / "space.yaml").unlink()
    (home / "known.yaml").unlink()
    return home


@pytest.fixture
def run(home: Path, tmp_path: Path) -> Run:
    """A copy of the run, with a copy of its data."""
    shutil.copytree(home / "a", tmp_path / "moved")
    shutil.copy(home / "data.npz", tmp_path / "data.npz")
    edit(tmp_path / "moved" / "config.yaml", f"npz:{home}", f"npz:{tmp_path}")
    return Run(tmp_path / "moved")


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def refused(run: Run, error: type[Exception], says: str) -> None:
    """The run does not go on, and is as it was but for the damage."""
    before = {path: path.read_bytes() for path in run.folder.iterdir() if path.is_file() and path.name != ".lock"}
    with pytest.raises(error, match=says):
        resume(run.folder, budget=3)
    assert {path: path.read_bytes() for path in before} == before


def test_a_moved_run_goes_on_where_its_data_its_space_and_its_known_networks_were_moved(run: Run) -> None:
    edit(run.folder / "environment.json", run.environment["versions"]["torch"], "2.0.0")
    edit(run.folder / "environment.json", run.environment["device"], "Another CPU")
    said: list[str] = []
    more = resume(run.folder, budget=3, watcher=Watcher(warned=said.append))
    assert more.trials[:2] == run.trials
    assert len(more.trials) == 3
    assert [line.split(" is ")[0] for line in said] == ["the device", "torch"]
    assert said[0].endswith("now and was Another CPU when moved began: results may differ a little")
    (start,) = more.environment["starts"]
    assert start["versions"]["torch"] in said[1]
    assert {"started", "device", "commit"} <= start.keys()
    assert start["elapsed"] == run.elapsed
    page = render(more)
    assert f"Another CPU, later {start['device']}" in page
    assert f"2.0.0, later {start['versions']['torch']}" in page


def test_known_networks_that_were_not_trained_yet_come_first(run: Run) -> None:
    """As after an interruption before the first trial."""
    (run.folder / "trials.jsonl").write_text("")
    (run.folder / "trials.csv").unlink()
    assert resume(run.folder, budget=1).trials[0].key == run.trials[0].key
    assert run.trials[0].layout == "M-T"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"classes": (*CLASSES, "yak")}, "the class 'yak' is new; 'cat' has 40 images, not 54"),
        ({"classes": ("cat", "dog", "uhu")}, "the class 'owl' is called 'uhu'"),
        ({"count": 163}, "'cat' has 55 images, not 54"),
        ({"seed": 1}, "its images have other pixels"),
    ],
)
def test_other_data_are_refused(run: Run, change: dict[str, Any], says: str) -> None:
    archive(run.folder.parent / "data.npz", **({"classes": CLASSES} | change))
    refused(
        run, DataError, rf"npz:data\.npz is not what .*moved began with: {says}.* Put the data back .*--warm-start "
    )


def test_labels_that_were_changed_are_refused(run: Run) -> None:
    path = run.folder.parent / "data.npz"
    arrays = dict(np.load(path))
    arrays["y"][[0, 1]] = arrays["y"][[1, 0]]
    np.savez(path, **arrays)
    refused(run, DataError, "its images have other labels, or lie in other parts")


def test_data_that_were_moved_are_named_at_their_new_place(run: Run) -> None:
    place = run.folder.parent / "elsewhere.npz"
    (run.folder.parent / "data.npz").rename(place)
    refused(run, DataError, rf"nothing lies there.* If .* moved, .*: nas resume {run.folder} --data npz:PATH$")
    more = resume(run.folder, budget=3, data=f"npz:{place}")
    assert (len(more.trials), more.config.data) == (3, f"npz:{place}")
    assert len(resume(run.folder, budget=4).trials) == 4, "the place was kept"


def test_other_data_that_are_named_are_refused(run: Run) -> None:
    archive(run.folder.parent / "other.npz", classes=("cat", "dog", "uhu"))
    with pytest.raises(DataError, match="the class 'owl' is called 'uhu'"):
        resume(run.folder, budget=3, data=f"npz:{run.folder.parent / 'other.npz'}")
    assert Run(run.folder).config == run.config


@pytest.mark.long
def test_where_networks_are_trained_may_change(run: Run) -> None:
    more = resume(run.folder, budget=3, workers="2", trial_timeout="90")
    assert (more.config.workers, more.config.trial_timeout, len(more.trials)) == (2, 90, 3)
    assert "The search began with" in (page := render(more))
    assert "--workers auto --trial-timeout none" in page
    assert "--workers 2 --trial-timeout 90" in page
    last = resume(run.folder, workers=1, trial_timeout="none", ray="none")
    assert (last.config.workers, last.config.trial_timeout, last.config.ray) == (1, None, None)


def test_the_command_takes_what_may_change(run: Run, nas: Command) -> None:
    answer = nas("resume", run.folder, "--budget", 3, "--confirm", 1, "--workers", 1, "--trial-timeout", "none")
    assert answer.status == 0, answer.err
    config = Run(run.folder).config
    assert (config.budget.trials, config.confirm, config.workers, config.trial_timeout) == (3, 1, 1, None)
    refused = nas("resume", run.folder, "--seed", 3)
    assert refused.status == 2
    assert "--seed" in refused.err


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (
            {"seed": 3},
            r"^seed: must stay what it is; these may change between two starts: data, budget, confirm, device, ",
        ),
        ({"space": "hybrid_zoo"}, "^space: must stay"),
        ({"data": ""}, "^data: found an empty text"),
        ({"worker": 3}, "unknown setting 'worker'. Did you mean 'workers'"),
        ({"workers": "many"}, "workers many: write a number or auto"),
        ({"trial_timeout": "long"}, "trial_timeout: found 'long'; write a number above 0"),
    ],
)
def test_a_setting_that_must_stay_or_is_wrong_is_refused(run: Run, settings: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingError, match=says):
        resume(run.folder, **settings)
    assert Run(run.folder).config == run.config


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("width: [8, 12, 16]", "width: [8, 12]", r"stem\.width: found 8, 12; .* began with 8, 12, 16"),
        ("depth: [1, 2]", "depth: [1, 2, 3]", r"stages\.0\.depth: found 1, 2, 3; .* began with 1, 2"),
        ("{head_dim: 8}", "{head_dim: 4}", r"stages\.1\.blocks\.\w+\.head_dim: found 4; .* began with 8"),
    ],
)
def test_a_space_that_was_changed_is_refused(run: Run, old: str, new: str, says: str) -> None:
    edit(run.folder / "space.yaml", old, new)
    refused(run, SettingError, rf"space\.yaml: {says}")


def test_a_record_that_was_emptied_is_refused(run: Run) -> None:
    (run.folder / "trials.jsonl").write_text("")
    refused(run, RunError, r"holds no trial, but trials\.csv lists some")


def test_a_line_of_another_run_is_refused(run: Run) -> None:
    line = json.loads((run.folder / "trials.jsonl").read_text().splitlines()[0])
    line["number"], line["architecture"]["classes"] = 9, 10
    with (run.folder / "trials.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")
    refused(run, RunError, r"trial 9 is not a point of space\.yaml")


def test_times_of_another_device_are_refused(tmp_path: Path) -> None:
    timed = empty_run(tmp_path / "a", data="digits")
    with pytest.raises(
        SettingError, match=r"a: its trials were timed on cpu, and here is .* Go on there, or begin ano"
    ):
        plan_of(timed)
    (timed.folder / "environment.json").write_text('{"device": "cpu", "timed_on": "a GPU of old"}')
    with pytest.raises(SettingError, match="timed on a GPU of old"):
        plan_of(timed)
    untimed = empty_run(tmp_path / "b", data="digits", objectives=("accuracy", "macs"))
    assert plan_of(untimed).devices.timed == ""
