"""What a run or a training began with: files that are gone, values that were changed, folders that are older."""

import json
import re
from pathlib import Path

import pytest
import trained_fixtures
from run_fixtures import empty_run, finished_run

from nas.errors import RunError, SettingError
from nas.record.folders import find_run, find_trained
from nas.record.run import Run
from nas.record.seal import SEAL
from nas.record.trained import Trained


def write(path: Path, *changes: tuple[str, str]) -> None:
    text = path.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)


@pytest.mark.parametrize("name", ["environment.json", "space.yaml", "trials.jsonl"])
def test_a_file_that_is_gone_is_named(tmp_path: Path, name: str) -> None:
    run = finished_run(tmp_path / "a", complete=1)
    (run.folder / name).rename(run.folder / "elsewhere")
    with pytest.raises(RunError, match=rf"{re.escape(name)}: missing; .*a began with it: put it back, or begin anew"):
        Run(run.folder)


def test_settings_that_are_gone_are_asked_for(tmp_path: Path) -> None:
    run, trained = empty_run(tmp_path / "a"), trained_fixtures.begun(tmp_path / "t")
    (run.folder / "config.yaml").write_text("")
    with pytest.raises(
        SettingError, match=r"config\.yaml: holds no settings; .*restore it \(seal\.json has its contents"
    ):
        Run(run.folder)
    (run.folder / "config.yaml").unlink()
    (trained.folder / "training.yaml").unlink()
    for found in (lambda: Run(run.folder), lambda: find_run("a", tmp_path)):
        with pytest.raises(SettingError, match=r"it has no config\.yaml any more: put it back; seal\.json has"):
            found()
    for again in (lambda: Trained(trained.folder), lambda: find_trained("t", tmp_path)):
        with pytest.raises(SettingError, match=r"it has no training\.yaml any more: put it back; seal\.json has"):
            again()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("objectives: [accuracy, latency]", "objectives: [accuracy, macs]"),
         "objectives: found accuracy, macs; .*a began with accuracy, latency. Write that back, or begin anew"),
        (("epochs: 1", "epochs: 2"), "recipe.epochs: found 2; .* began with 1"),
        (("maximum: {}", "maximum: {params: 9000}"), "maximum.params: found 9000.0; .* began with nothing"),
        (("sampler: pareto\n", ""), "sampler: found pareto; .* began with tpe"),
        (("dtype: float32", "dtype: bfloat16"), "dtype: found bfloat16; .* began with float32"),
    ],
)  # fmt: skip
def test_a_setting_that_was_changed_is_named_with_both_values(
    tmp_path: Path, change: tuple[str, str], says: str
) -> None:
    run = empty_run(tmp_path / "a", sampler="tpe" if "sampler" in change[0] else "pareto")
    old, new = change
    write(run.folder / "config.yaml", (old.replace("pareto", "tpe"), new))
    with pytest.raises(SettingError, match=f"config.yaml: {says}"):
        Run(run.folder)


def test_settings_that_touch_no_result_may_change(tmp_path: Path) -> None:
    run = finished_run(tmp_path / "a", complete=2)
    write(run.folder / "config.yaml", ("trials: 200", "trials: 7"), ("confirm: 2", "confirm: 0"), ("workers: auto",
          "workers: 3"), ("ray: null", "ray: auto"), ("data: cluttered_digits", "data: digits"))  # fmt: skip
    assert Run(run.folder).config.workers == 3
    moved = run.folder.rename(tmp_path / "b")
    assert Run(moved).trials == run.trials


def test_a_training_that_was_changed_is_refused(tmp_path: Path) -> None:
    trained = trained_fixtures.begun(tmp_path / "t")
    write(trained.folder / "architecture.yaml", ("width: 16", "width: 24"))
    with pytest.raises(SettingError, match=r"architecture\.yaml: stages\.1\.width: found 24; .* began with 16"):
        Trained(trained.folder)
    write(trained.folder / "architecture.yaml", ("width: 24", "width: 16"))
    write(trained.folder / "training.yaml", ("patience: null", "patience: 3"), ("loaders: null", "loaders: 2"))
    assert Trained(trained.folder).config.patience == 3
    write(trained.folder / "training.yaml", ("seed: 0", "seed: 1"))
    with pytest.raises(SettingError, match=r"training\.yaml: seed: found 1; .* began with 0"):
        Trained(trained.folder)


def test_an_older_folder_and_one_of_a_version_with_other_settings_are_opened(tmp_path: Path) -> None:
    run = finished_run(tmp_path / "a", complete=2)
    path = run.folder / SEAL
    seal = json.loads(path.read_text())
    seal["settings"]["of_another_version"] = 1
    seal["settings"]["pruner"] = "dominance"
    path.write_text(json.dumps(seal))
    assert Run(run.folder).trials == run.trials
    path.write_text("{")
    with pytest.raises(RunError, match=r"seal\.json: damaged; restore it, or delete it to go on unchecked"):
        Run(run.folder)
    path.unlink()
    write(run.folder / "config.yaml", ("seed: 0", "seed: 1"))
    assert Run(run.folder).trials == run.trials
