"""A network is measured where its search counts latency, unless told otherwise; limits are held to a space."""

import json
from dataclasses import replace

import pytest
import torch
import yaml
from latency_spaces import tiny
from picture_folders import write
from run_fixtures import finished_run
from small_searches import SPACE

from nas.cli.profiling import survey_lines
from nas.config import make_config
from nas.costs.latency.predictor import Predictor, write_device
from nas.data.sets.digit_scenes import Scene, digit_scenes
from nas.engine.survey import Survey
from nas.space.library import load_space
from nas.space.space import draw


def profiled(nas, *words):
    found = nas("profile", *words, "--json", "--seconds", 0.1)
    assert found.status == 0, found.err
    return json.loads(found.out)["latency_ms"], found.err


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_as_in_its_search_but_for_what_is_typed(nas, home):
    pytest.importorskip("onnxruntime")
    finished_run(home / "runs" / "first", complete=2, target="onnxruntime", latency_batch=3, threads=2)
    latency, said = profiled(nas, "first")
    assert (latency["target"], latency["batch"], latency["threads"], said) == ("onnxruntime", 3, 2, "")
    latency, _ = profiled(nas, "first", "--target", "cpu", "--batch", 1)
    assert (latency["target"], latency["batch"], latency["threads"]) == ("cpu", 1, 2)


def test_what_the_data_leave_out_is_told(nas, home):
    write(home / "photos")
    (home / "photos" / "cat" / "notes.txt").write_text("fed at noon")
    (home / "tiny.yaml").write_text(yaml.safe_dump(SPACE))
    answer = nas("profile", "tiny.yaml", "-n", 2, "--data", "image_folder:photos", "--resolution", 8)
    assert answer.status == 0, answer.err
    assert "1 left out of the data: no image that Pillow reads: cat/notes.txt" in answer.out


@pytest.mark.parametrize("file", ["net.onnx", "net.pt2", "net.py"])
def test_an_exported_file_is_no_network_to_profile(nas, home, file):
    (home / file).write_bytes(b"\xff")
    answer = nas("profile", file)
    assert answer.status == 2
    assert f"{file}: a file for another runtime, from which no network is built; name the training" in " ".join(
        answer.err.split()
    )


def test_on_the_device_of_its_search_where_no_target_was_named(nas, home):
    finished_run(home / "runs" / "here", complete=2, device="cpu")
    assert profiled(nas, "here")[0]["target"] == "cpu"
    finished_run(home / "runs" / "there", complete=2, device="cuda")
    latency, said = profiled(nas, "there")
    elsewhere = "Its search counts latency on cuda, which is not here" in said
    assert (latency["target"], elsewhere) == (("cuda", False) if torch.cuda.is_available() else ("cpu", True))
    latency, said = profiled(nas, "there", "--target", "cpu")
    assert (latency["target"], said) == ("cpu", "")


def test_here_and_with_a_word_where_the_search_was_for_a_device_elsewhere(nas, home):
    finished_run(home / "runs" / "first", complete=2, target="file:mydevice.yaml", threads=2)
    latency, said = profiled(nas, "first")
    assert (latency["target"], latency["threads"]) == ("cpu", 1)
    assert "Its search counts latency on file:mydevice.yaml, which is not here: it is measured on this machine." in said


TINY = """
name: tiny
stem: {kind: conv, width: 8}
stages:
  - {block: [conv, mbconv], depth: 1, width: [8, 16], stride: 2}
"""


def test_on_a_device_elsewhere_latency_is_predicted(nas, home):
    drawn = [replace(one, channels=1) for one in draw(tiny(), 12)]
    times = tuple((one, 0.1 * sum(stage.depth for stage in one.stages)) for one in drawn)
    where = {"device": "a toaster", "target": "onnxruntime", "batch": 4, "threads": "2"}
    write_device(home / "toaster.yaml", Predictor(where, "tiny", times))
    drawn[0].save(home / "net.yaml")
    answer = nas("profile", "net.yaml", "--target", "file:toaster.yaml", "--json")
    assert answer.status == 0, answer.err
    told = json.loads(answer.out)["latency_ms"]
    assert told["median"] == pytest.approx(times[0][1], rel=0.2)
    assert (told["source"], told["device"], told["batch"], told["threads"]) == ("predicted", "a toaster", 4, 2)
    assert told["error"]["high"] < 0.5
    shown = " ".join(nas("profile", "net.yaml", "--target", "file:toaster.yaml").out.split())
    assert " ms, predicted for a toaster: median error " in shown
    for typed, why in (
        (("net.yaml", "--resolution", 16), "was measured with the resolution 8, tiny has 16"),
        (("net.yaml", "--threads", 1), "threads: found 1; file:toaster.yaml was measured with 2"),
        (("net.yaml", "--batch", 8), "images at once: found 8; file:toaster.yaml was measured with 4"),
        (("net.yaml", "--seconds", 1), "--seconds says nothing here, as latency on file:toaster.yaml is predicted"),
        (("vit_b_16",), "never measured block vit, head class_token, stem patchify, which vit_b_16 has"),
    ):
        refused = nas("profile", *typed, "--target", "file:toaster.yaml")
        assert refused.status == 2
        assert why in " ".join(refused.err.split())
    finished_run(home / "runs" / "baked", complete=2, target="file:toaster.yaml")
    assert "file:toaster.yaml: never measured block" in nas("profile", "baked").err, (
        "predicted, as its search counts it"
    )


def surveyed(nas, *typed):
    answer = nas("profile", "tiny.yaml", "-n", 4, "--json", *typed)
    assert answer.status == 0, answer.err
    return json.loads(answer.out)


def test_a_space_is_as_in_the_search_that_is_proposed(nas, home):
    (home / "tiny.yaml").write_text(TINY)
    usual, typed = surveyed(nas), surveyed(nas, "--data", "digits")
    assert (usual["data"], usual["resolutions"], usual["channels"], usual["classes"]) == (
        "cluttered_digits", [32], 1, 10,
    )  # fmt: skip
    assert usual["ranges"]["params"] == surveyed(nas, "--data", "cluttered_digits")["ranges"]["params"]
    assert (typed["data"], typed["resolutions"]) == ("digits", [8])
    assert typed["ranges"]["macs"]["largest"] < usual["ranges"]["macs"]["largest"]
    limit = usual["ranges"]["params"]["smallest"] + 1
    assert surveyed(nas, "--max", f"params={limit}")["shares"]["params"] > 0, "a head of 1000 classes would break it"
    large = surveyed(nas, "--resolution", 64)
    assert (large["resolutions"], large["channels"]) == ([64], 1)
    answer = nas("profile", "tiny.yaml", "-n", 4, "--data", "image_folder:nowhere")
    assert answer.status == 2
    assert "nowhere" in answer.err


def test_what_the_networks_are_counted_for_is_said(nas, home):
    (home / "tiny.yaml").write_text(TINY)
    said = "as in a search on cluttered_digits: {} px, channels 1, classes 10"
    shown = " ".join(nas("profile", "tiny.yaml", "-n", 4).out.split())
    assert said.format(32) + "; the space says 224 px (--resolution)" in shown
    shown = " ".join(nas("profile", "tiny.yaml", "-n", 4, "--resolution", 64).out.split())
    assert said.format(64) in shown
    assert "the space says" not in shown


@pytest.mark.parametrize(
    ("what", "typed"),
    [
        ("moat_0", "--max params=1"),
        ("moat_0", "--data digits"),
        ("moat_0", "--budget 5"),
        ("moat_0", "--subset 50"),
        ("moat_0", "--task detection"),
        ("moat_0", "-n 100"),
        ("cvt_family", "--scores"),
        ("cvt_family", "--seconds 10"),
    ],
)
def test_an_option_that_says_nothing_there_is_refused(nas, home, what, typed):
    answer = nas("profile", what, *typed.split())
    assert answer.status == 2
    kind = "a space" if what == "cvt_family" else "a network"
    assert f"{typed.split()[0]} says nothing here, as {what} is {kind}; leave it out" in " ".join(answer.err.split())


def test_limits_that_no_sampled_network_keeps_are_told_of():
    config = make_config({"maximum": {"params": 1e4, "macs": 1e6}})
    shares = {"params": 0.2, "macs": 0.1, "all": 0.0}
    none = Survey(load_space("cvt_family"), {}, shares)
    told = ["".join(piece if isinstance(piece, str) else piece[0] for piece in line)
            for line in survey_lines(none, config, timed=False)]  # fmt: skip
    assert told[1:] == ["none keeps them all: a search would reject most of what it proposes"]
    assert len(survey_lines(replace(none, shares=shares | {"all": 0.1}), config, timed=False)) == 1


def test_the_time_of_a_search_is_that_of_its_length(nas, home):
    (home / "tiny.yaml").write_text(TINY)
    asked = ("profile", "tiny.yaml", "--budget", 4, "--data", "digits", "-n", 2)
    brief = (*asked, "--subset", 64, "--validation", 50)
    found = nas(*brief)
    assert found.status == 0
    assert "--data digits --budget 4 --seed 0 --subset 64 --validation 50" in found.out
    short, long = (nas(*each, "--json") for each in (brief, (*asked, "--subset", 640, "--epochs", 3)))
    assert json.loads(long.out)["seconds_per_trial"] > json.loads(short.out)["seconds_per_trial"]


def test_the_search_of_a_space_of_detectors_is_one_for_detection(nas, home, monkeypatch):
    few = Scene(train=24, validation=8, test=8, resolution=32)
    monkeypatch.setitem(digit_scenes.__kwdefaults__, "scene", few)
    answer = nas("profile", "detr_family", "-n", 2)
    assert answer.status == 0, answer.err
    assert "--data digit_scenes --task detection" in answer.out
    for shown in (("detr_family",), ("detr_family", "-o", "mine.yaml")):
        assert "--task detection --budget 200" in nas("spaces", *shown).out
    assert "--task" not in nas("spaces", "cvt_family").out
