"""A search that predicts, the front it measures, and devices that are elsewhere."""

from dataclasses import replace

import pytest
from command import Command
from latency_spaces import tiny

import nas
from nas import document
from nas.config import Budget, make_config
from nas.costs.latency.predictor import Predictor, write_device
from nas.engine.prediction import predicts
from nas.errors import SettingError
from nas.evaluation.objectives import timed
from nas.record.run import PREDICTOR
from nas.report.page import write_report
from nas.space.grammar import to_dict
from nas.space.space import draw

SETTINGS = {
    "data": "digits",
    "recipe": {"subset": 32},
    "device": "cpu",
    "workers": 1,
    "confirm": 0,
    "sampler": "random",
}


@pytest.fixture
def space(tmp_path):
    path = tmp_path / "tiny.yaml"
    path.write_text(document.dump(to_dict(tiny())))
    return path


@pytest.fixture
def device(tmp_path):
    """A device on which a network takes a tenth of a millisecond a block."""
    drawn = [replace(a, channels=1) for a in draw(tiny(), 12)]
    times = tuple((a, 0.1 * sum(s.depth for s in a.stages)) for a in drawn)
    write_device(tmp_path / "toaster.yaml", Predictor({"device": "a toaster"}, "tiny", times))
    return f"file:{tmp_path / 'toaster.yaml'}"


def test_a_search_for_a_device_elsewhere(space, device, tmp_path):
    run = nas.search(space, budget=5, runs=tmp_path, target=device, maximum={"latency": 0.35}, **SETTINGS)
    assert len(run.results) == 5
    for trial in run.results:
        depth = sum(stage.depth for stage in trial.architecture.stages)
        assert trial.metrics["latency"] == pytest.approx(0.1 * depth, rel=0.2)
        assert trial.trial.outcome.readings["latency"]["source"] == "predicted"
        assert depth <= 3
    assert run.front_values("latency") == {}, "what is elsewhere cannot be measured here"
    assert "predicted during the search" in write_report(run).read_text()

    (tmp_path / "toaster.yaml").unlink()
    again = nas.resume(run.folder, budget=7)
    assert len(again.results) == 7, "the run keeps what it predicts with"


def measured_with(path, channels=1, **where):
    """A device's file with what it was measured with, as texts, as results have them."""
    drawn = [replace(a, channels=channels) for a in draw(tiny(), 12)]
    times = tuple((a, 0.1 * sum(s.depth for s in a.stages)) for a in drawn)
    write_device(path, Predictor({"device": "a kettle", **where}, "tiny", times))
    return f"file:{path}"


def test_a_search_is_timed_as_its_device_was(space, tmp_path):
    """Its settings, its page and what it is compared by are those of the measurements."""
    target = measured_with(tmp_path / "kettle.yaml", batch=4, threads="2", dtype="float32", target="onnxruntime")
    run = nas.search(space, budget=3, runs=tmp_path, name="kettle", target=target, **SETTINGS)
    assert (run.config.latency_batch, run.config.threads, run.config.dtype) == (4, 2, "float32")
    page = " ".join(write_report(run).read_text().split())
    assert "Latency is that of 4 images at once on a kettle (target onnxruntime, 2 threads, float32), predicted" in page
    assert nas.resume(run.folder, budget=4).config.threads == 2
    for name, typed, file in (("threads", 1, 2), ("latency_batch", 8, 4), ("dtype", "bfloat16", "float32")):
        shown = "images at once" if name == "latency_batch" else name
        with pytest.raises(SettingError, match=f"{shown}: found {typed}; file:.* was measured with {file}"):
            nas.search(space, budget=3, runs=tmp_path, target=target, **SETTINGS, **{name: typed})
    untold = measured_with(tmp_path / "untold.yaml", threads="unknown")
    assert nas.search(space, budget=1, runs=tmp_path, target=untold, threads=3, **SETTINGS).config.threads == 3
    with pytest.raises(SettingError, match=r"target file:.*: dtype: found 'float8'"):
        nas.search(space, target=measured_with(tmp_path / "odd.yaml", dtype="float8"), **SETTINGS)
    with pytest.raises(SettingError, match="with the channels 3, the search has 1; name images with 3, or collect it"):
        nas.search(space, target=measured_with(tmp_path / "coloured.yaml", channels=3), **SETTINGS)


def test_a_typed_default_is_held_against_the_device_too(nas: Command, space, tmp_path) -> None:
    target = measured_with(tmp_path / "kettle.yaml", threads="2")
    answer = nas("search", "--space", space, "--target", target, "--data", "digits", "--threads", "1")
    assert answer.status == 2
    assert "threads: found 1; file:" in answer.err
    assert nas("profile", space, "--target", target, "--data", "digits", "-n", "4").status == 0


def test_a_device_that_never_measured_a_kind_is_refused(space, device, tmp_path):
    wide = to_dict(tiny())
    wide["stem"]["kind"] = ["conv", "patchify"]
    wide["stages"][0]["block"] = ["conv", "bottleneck", "depthwise_separable"]
    (tmp_path / "wide.yaml").write_text(document.dump(wide))
    with pytest.raises(
        SettingError,
        match=r"never measured block bottleneck, block depthwise_separable, stem patchify, which the space tiny",
    ):
        nas.search(tmp_path / "wide.yaml", budget=2, runs=tmp_path / "runs", target=device, **SETTINGS)
    assert not (tmp_path / "runs").exists()


def test_a_device_of_another_space_is_refused_before_anything_is_written(space, device, tmp_path):
    for other, message in (
        ({"name": "other"}, "was measured for the space tiny, not for other"),
        ({"resolution": [8, 16]}, "was measured with the resolution 8, the search has 8, 16"),
    ):
        (tmp_path / "other.yaml").write_text(document.dump(to_dict(tiny()) | other))
        with pytest.raises(SettingError, match=message):
            nas.search(tmp_path / "other.yaml", budget=2, runs=tmp_path / "runs", target=device, **SETTINGS)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"latency": "measured"}, "the device of file:.* is elsewhere; write predicted"),
        ({"objectives": ("accuracy", "throughput")}, "throughput: cannot be measured on a device that is elsewhere"),
        ({"maximum": {"latency": 0.001}}, "every network of tiny is above that; the closest has latency="),
    ],
)
def test_what_a_device_elsewhere_cannot_do(space, device, tmp_path, settings, message):
    with pytest.raises(SettingError, match=message):
        nas.search(space, budget=2, runs=tmp_path / "runs", target=device, **(SETTINGS | settings))


def test_the_front_of_a_predicted_search_is_measured(space, tmp_path, monkeypatch):
    for name, value in (("NETWORKS", 9), ("ROUNDS", 1)):
        monkeypatch.setattr(f"nas.costs.latency.sampling.{name}", value)
    monkeypatch.setitem(timed.LATENCY_SECONDS, "full", 0.1)
    run = nas.search(space, budget=3, runs=tmp_path, latency="predicted", **SETTINGS)
    front = run.front()
    measured = run.front_values("latency")
    assert {t.key for t in front} <= measured.keys()
    for trial in front:
        assert measured[trial.key] > 0
        assert run.facts("front_latency.json")[trial.key]["target"] == "cpu"
        assert trial.metrics["latency"] == pytest.approx(measured[trial.key], rel=2.0)
    assert run.predictor_error["networks"] == 9
    page = write_report(run).read_text()
    assert "An arrow leads to the latency measured in full" in page
    assert "→" in page


def test_when_a_search_predicts():
    def settings(**changes):
        return make_config({"budget": Budget(trials=200)} | changes)

    assert predicts(settings(), tiny())
    assert not predicts(settings(budget=Budget(trials=20)), tiny())
    assert predicts(settings(budget=Budget(trials=20), latency="predicted"), tiny())
    assert predicts(settings(budget=Budget(seconds=7200.0)), tiny())
    assert not predicts(settings(ray="auto"), tiny())
    assert not predicts(settings(latency="measured"), tiny())
    assert not predicts(settings(objectives=("accuracy", "macs")), tiny())
    assert predicts(settings(objectives=("accuracy", "macs"), maximum={"latency": 3.0}), tiny())
    stage = replace(tiny().stages[0], depths=(1,), widths=(8,))
    few = replace(tiny(), stem=replace(tiny().stem, widths=(8,)), stages=(stage,))
    assert few.size() == 2
    assert not predicts(settings(), few), "so few are measured"


def test_a_space_of_few_networks_is_measured(space, tmp_path, monkeypatch):
    """Too few to predict others by: by themselves they are soon measured."""
    monkeypatch.setattr("nas.engine.prediction.MANY_TRIALS", 2)
    one = {"block": "conv", "depth": [1, 2], "width": 8, "stride": 2}
    space.write_text(document.dump(to_dict(tiny()) | {"stem": {"kind": "conv", "width": 8}, "stages": [one]}))
    run = nas.search(space, budget=2, runs=tmp_path, **SETTINGS)
    assert all("runs" in trial.outcome.readings["latency"] for trial in run.spent)
    with pytest.raises(SettingError, match="latency: found predicted; tiny has 2 of the 8 networks that make"):
        nas.search(space, budget=2, runs=tmp_path, latency="predicted", **SETTINGS)


def test_a_search_that_measures_goes_on_measuring(space, tmp_path, monkeypatch):
    monkeypatch.setattr("nas.engine.prediction.MANY_TRIALS", 3)
    run = nas.search(space, budget=2, runs=tmp_path, **SETTINGS)
    assert not (run.folder / PREDICTOR).exists()
    nas.resume(run, budget=3)
    assert not (run.folder / PREDICTOR).exists()
    assert all("runs" in t.outcome.readings["latency"] for t in nas.Run(run.folder).spent)
