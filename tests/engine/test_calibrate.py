"""A calibration trains every network on every rung and again, is resumed, read, and applied to later searches."""

import html
import json
import shlex
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from command import Command
from outside import forget
from outside import site as site
from sklearn.datasets import load_digits
from small_detection import FEW_SCENES
from small_searches import QUICK, SPACE, Stopped, search

import nas
from nas import calibrate, reliability
from nas.engine.watcher import Watcher
from nas.errors import SettingError
from nas.record.analysis.rates import FACTORS, rate_folder
from nas.record.journal import RECORD
from nas.record.run import Run
from nas.report.calibration_page import write_calibration

pytestmark = pytest.mark.long

SETTINGS = {"data": "digits", "sampler": "random", "recipe": QUICK, "networks": 8, "rungs": (1, 2), "workers": 1}


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """The file of a space of which there is a calibration."""
    path = tmp_path_factory.mktemp("calibrated") / "tiny.yaml"
    path.write_text(yaml.safe_dump(SPACE))
    return path


@pytest.fixture(scope="module")
def whole(shared):
    """A calibration that nothing interrupted."""
    return nas.calibrate(shared, name="whole", runs=shared.parent / "runs", **SETTINGS)


def test_what_is_warned_of_is_warned_of_once(tmp_path):
    stages = [{"block": ["conv", "mbconv"], "depth": [1], "width": [8], "stride": 2} for _ in range(3)]
    space = {"name": "cramped", "resolution": 8, "stem": {"kind": "conv", "width": [8], "stride": 1}, "stages": stages}
    path, said = tmp_path / "cramped.yaml", []
    path.write_text(yaml.safe_dump(space))
    nas.calibrate(path, name="cramped", runs=tmp_path, watcher=Watcher(warned=said.append), **SETTINGS)
    assert sum("map of one pixel" in line for line in said) == 1
    assert len(set(said)) == len(said)


def test_every_network_climbs_all_rungs_and_is_trained_again_also_after_a_stop(shared, whole):
    runs = shared.parent / "runs"
    steps = {(one.trial, one.rung, one.repeat) for one in whole.further}
    assert steps == {(n, 1, repeat) for n in range(8) for repeat in (0, 1)}
    assert len(whole.trials) == 8

    def stop(_further, run):
        if len(run.further) == 5:
            raise Stopped

    with pytest.raises(Stopped):
        nas.calibrate(shared, name="cut", runs=runs, watcher=Watcher(trained_further=stop), **SETTINGS)
    half_made = rate_folder(Run(runs / "cut"), FACTORS[0])
    half_made.mkdir(parents=True)
    (half_made / RECORD).touch()  # as a kill leaves it before the settings are written
    resumed = nas.calibrate(shared, name="cut", runs=runs, **SETTINGS | {"trial_timeout": 900})
    assert (
        {Run(rate_folder(resumed, f)).config.trial_timeout for f in FACTORS} == {resumed.config.trial_timeout} == {900}
    )
    told = [[(c.trial, c.repeat, c.outcome.metrics) for c in run.further] for run in (whole, resumed)]
    assert told[0] == told[1]
    found, same = nas.reliability(resumed), nas.reliability(whole)
    assert replace(found, options="") == replace(same, options=""), "they name the space of their own run"
    assert found.rates.keys() == {"conv", "mbconv", "transformer", "moat"}
    assert all(reached.keys() == {"0.33", "1", "3"} for reached in found.rates.values())
    assert len({value for reached in found.rates.values() for value in reached.values()}) > 3


@pytest.mark.parametrize("own", ["budget", "objectives", "promotion", "confirm"])
def test_what_a_calibration_decides_itself_is_refused(space, own):
    with pytest.raises(SettingError, match=f"{own}: a calibration has its own"):
        nas.calibrate(space, **{own: 3}, **SETTINGS)


def test_the_command_prints_and_draws(space, nas: Command, monkeypatch):
    monkeypatch.chdir(space.parent)
    goal = ("--space", space, "--data", "digits", "--subset", 64, "--batch-size", 32)
    goal += ("--plugins", (space.parent / "scenes.py"))
    (space.parent / "scenes.py").write_text(FEW_SCENES)
    answer = nas("calibrate", *goal, "-n", 8, "--rungs", "1,2,4", "--workers", 1, "--apply", "--scores", "naswot")
    assert answer.status == 0, answer.err
    assert "tau, all" in answer.out
    assert answer.err.count("images (train, validation, test)") == 1, "its searches have the same data"
    assert "[promote] trial 0 trained on to 2 epochs: accuracy" in answer.err
    assert "[confirm] trial 0 trained again: accuracy" in answer.err
    assert "8 networks were trained in full" in " ".join(answer.out.split())
    page = space.parent / "runs" / "calibration" / "calibration.html"
    assert "Agreement by cost" in page.read_text()
    assert "0.33 × the learning rate" in answer.out
    assert "The learning rate, by kind of block" in page.read_text()
    assert all(name in answer.out and name in page.read_text() for name in ("naswot", "parameters"))
    again = nas("calibrate", *goal, "-n", 8, "--rungs", "1,2,4", "--json", "--scores", "naswot")
    assert again.status == 0, again.err
    found = json.loads(again.out)
    assert found["options"].endswith("--data digits --batch-size 32 --subset 64")
    said = " ".join(answer.out.split())
    assert (found["networks"], found["lengths"], found["ladder"]) == (8, [1, 2, 4], [])
    assert "Nothing is kept for later searches." in said
    assert f"Next: nas calibrate {found['options']} --rungs 1,2,4 --name calibration --scores naswot --plugins" in said
    assert said.endswith("-n 24")
    refused = nas("resume", "calibration")
    assert refused.status == 2
    assert "the nas calibrate command that began it goes on with it, with --name calibration" in refused.err


def test_later_searches_take_the_ladder(space, whole, monkeypatch):
    monkeypatch.setenv("NAS_CACHE", str(space.parent / "cache"))  # searches of other tests take none
    found = replace(nas.reliability(whole), ladder=(1, 2))
    found.apply(whole)
    later = search(space, "later", budget=2, recipe={"subset": 64, "batch_size": 32})
    assert later.config.rungs == found.ladder
    assert "was measured by the calibration" in (later.folder / "report.html").read_text()
    divided = search(space, "divided", budget=2, seed=1, recipe={"subset": 64, "batch_size": 32})
    assert divided.config.rungs == found.ladder, "another seed divides the same data otherwise"
    other = search(space, "other", budget=2, recipe={"subset": 63, "batch_size": 32})
    assert other.config.rungs == (1,)
    assert "was not measured" in (other.folder / "report.html").read_text()
    asked = search(space, "asked", budget=2, recipe={"subset": 64, "batch_size": 32}, rungs=(1, 3))
    assert asked.config.rungs == (1, 3)
    assert "was not measured" in (asked.folder / "report.html").read_text(), "of these lengths it says nothing"


def test_a_run_of_that_name_that_is_another_is_refused_before_anything_is_trained(space, shared, whole):
    plain, runs = search(space, "plain", budget=2), whole.folder.parent
    with pytest.raises(SettingError, match="plain is a search and no calibration; take another --name"):
        nas.calibrate(space, name="plain", runs=space.parent / "runs", **SETTINGS)
    assert len(plain.trials) == 2
    others = {
        "rungs: found 1, 3; .* with 1, 2": {"rungs": (1, 3)},
        r"recipe\.epochs: found 2; .* with 1\. Take": {"recipe": QUICK | {"epochs": 2}},
        "data: found relations; .* with digits": {"data": "relations"},
        r"maximum\.params: found 3000": {"maximum": {"params": 3000}},
        "scores: found synflow": {"scores": ("synflow",)},
        "threads: found 2": {"threads": 2},
        "target: found onnxruntime": {"target": "onnxruntime"},
    }
    for told, changes in others.items():
        with pytest.raises(SettingError, match=f"^{told}"):
            nas.calibrate(shared, name="whole", runs=runs, **(SETTINGS | changes))
    with pytest.raises(SettingError, match="whole: a calibration; the nas calibrate command that began it goes on"):
        nas.resume(whole, budget=9)
    assert len(Run(whole.folder).trials) == 8
    wider = [{**SPACE["stages"][0], "depth": [1, 2, 3]}, SPACE["stages"][1]]
    shared.write_text(yaml.safe_dump({**SPACE, "stages": wider}))
    with pytest.raises(SettingError, match=r"space\.stages\.0\.depth: found 1, 2, 3; .*whole was calibrated with 1, 2"):
        nas.calibrate(shared, name="whole", runs=runs, **SETTINGS)
    shared.write_text(yaml.safe_dump(SPACE))


def test_a_calibration_of_a_space_without_a_file_goes_on_by_the_command_it_names(space, nas: Command, monkeypatch):
    monkeypatch.chdir(space.parent)
    run = calibrate(SPACE, runs="own", seed=1, **SETTINGS)
    command = reliability(run).going_on(run).removeprefix("nas ")
    assert "--space own/calibration/space.yaml" in command
    answer = nas(*shlex.split(command), "-n", 9, "--workers", 1)
    assert answer.status == 0, answer.err
    assert len(Run(run.folder).trials) == 9
    assert [trial.outcome for trial in Run(run.folder).trials[:8]] == [trial.outcome for trial in run.trials]


def test_a_calibration_goes_on_with_data_that_were_moved(tmp_path, nas: Command, monkeypatch):
    monkeypatch.chdir(tmp_path)
    digits = load_digits()
    np.savez("digits.npz", x=digits.images[:300].astype(np.uint8), y=digits.target[:300])
    one_kind = [{"block": "conv", "depth": [1, 2], "width": [4, 8, 12, 16, 20], "stride": 2}]
    Path("tiny.yaml").write_text(yaml.safe_dump({**SPACE, "stages": one_kind, "blocks": {}}))
    words = "--space tiny.yaml --rungs 1,2 --epochs 1 --sampler random --workers 1 -n 8"
    command = ["calibrate", *words.split(), "--data"]
    assert nas(*command, "npz:digits.npz").status == 0
    Path("digits.npz").rename("moved.npz")
    refused = nas(*command, "npz:digits.npz")
    assert "name their new place: the same command, with --data npz:PATH" in refused.err
    answer = nas(*command, "npz:moved.npz", "--log", "tensorboard")
    assert answer.status == 0, answer.err
    run = Run("runs/calibration")
    assert (run.config.data, run.config.log) == ("npz:moved.npz", ("tensorboard",))
    assert {Run(rate_folder(run, factor)).config.data for factor in FACTORS} == {"npz:moved.npz"}
    np.savez("moved.npz", x=16 - digits.images[:300].astype(np.uint8), y=digits.target[:300])
    refused = nas(*command, "npz:moved.npz")
    assert refused.status == 2
    assert "calibrate anew, under another --name" in refused.err


def test_the_report_of_a_calibration_says_what_that_says(whole, nas: Command, tmp_path):
    run = Run(shutil.copytree(whole.folder, tmp_path / "whole"))
    on = f"{reliability(run).going_on(run)} -n 8"
    assert nas("report", run.folder).out.split("\n")[-2].strip() == on, "no page yet: it is stopped"
    page = (run.folder / "report.html").read_text()
    for false in ("was not measured", "might belong to the front went", "nas resume", "nas search"):
        assert false not in page
    assert f"{on}</code>" in page
    assert f"{on.replace('--name whole', '--name whole-again')}</code>" in page
    write_calibration(run, reliability(run)).write_text("old")
    answer = nas("report", run.folder)
    assert reliability(run).verdict in " ".join(answer.out.split())
    assert "nas resume" not in answer.out
    assert f"{on}</code>" not in (run.folder / "report.html").read_text(), "which would do nothing"
    assert reliability(run).verdict in html.unescape((run.folder / "calibration.html").read_text())
    assert json.loads(nas("report", run.folder, "--json").out)["networks"] == 8


def test_a_calibration_goes_on_after_a_kill_in_the_making_of_a_run_of_its_own(shared, whole):
    shutil.copytree(whole.folder, whole.folder.with_name("killed"))
    rate = whole.folder.with_name("killed") / "rates" / rate_folder(whole, FACTORS[-1]).name
    for file in rate.rglob("*"):
        if file.is_file() and file.name not in ("space.yaml", "environment.json"):
            file.unlink()
    run = nas.calibrate(shared, name="killed", runs=shared.parent / "runs", **SETTINGS)
    assert len(Run(rate).trials) == len(Run(rate_folder(whole, FACTORS[-1])).trials)
    assert run.trials == whole.trials


def test_a_calibration_knows_the_kinds_of_its_plug_ins(space, site, tmp_path):
    (tmp_path / "own.py").write_text("def own(network, sample) -> float: return 1.0\n")
    own = {"plugins": tmp_path / "own.py", "scores": ("own",)}
    run = nas.calibrate(space, runs=space.parent / "runs", **SETTINGS, **own)
    assert {trial.outcome.scores["own"] for trial in run.trials} == {1.0}
    shutil.rmtree(run.folder / "rates")  # as by an interruption before them
    (tmp_path / "moved").mkdir()
    (tmp_path / "own.py").rename(tmp_path / "moved" / "own.py")
    forget()
    own["plugins"] = tmp_path / "moved" / "own.py"
    again = nas.calibrate(space, runs=space.parent / "runs", **SETTINGS, **own)
    assert (again.folder / "rates").is_dir()


@pytest.mark.parametrize("few", [{"networks": 7}, {"rungs": (4,)}, {"rungs": "auto"}])
def test_what_could_not_tell_anything_is_refused_at_once(space, few):
    with pytest.raises(SettingError, match=r"a calibration takes (a whole number of them, from 8|two or more)"):
        nas.calibrate(space, runs=space.parent / "runs", **(SETTINGS | few))
    assert not (space.parent / "runs").exists()


def test_a_space_without_a_kind_for_all_stages_has_no_learning_rates(tmp_path):
    stages = [{**SPACE["stages"][0], "block": "conv"}, {**SPACE["stages"][1], "block": "moat"}]
    space = {**SPACE, "stages": stages, "blocks": {"moat": SPACE["blocks"]["moat"]}}
    run = nas.calibrate(space, name="mixed", runs=tmp_path, **SETTINGS)
    assert nas.reliability(run).rates == {}
