"""8-bit files keep the accuracy, or are refused."""

import dataclasses
import re

import onnx
import pytest
import torch

from nas.errors import DataError, RunError, SettingError
from nas.network.build import build
from nas.registry import FORMATS
from nas.report.export import export
from nas.report.exported import open_exported
from nas.report.formats import Shipment
from nas.report.formats import onnx_int8 as home
from nas.training.model import Model

pytestmark = pytest.mark.long


def accuracy(logits, examples):
    return (logits.argmax(1) == examples.labels).double().mean().item()


def test_the_accuracy_is_told_before_and_after_and_kept(learnt, tmp_path):
    done = export(learnt.model, "onnx-int8", tmp_path / "m.onnx", tolerance=0.02)
    reader = open_exported(done.path)
    images = learnt.validation.images
    with torch.no_grad():
        before = accuracy(learnt.model(images), learnt.validation)
    after = accuracy(reader.run(images), learnt.validation)
    assert before > 0.8
    assert before - after <= 0.02
    assert done.checks[0] == f"accuracy {before:.4f} before, {after:.4f} after, on 359 validation images"
    assert "measured on 256 training images" in done.checks[1]
    was, now, verdict = re.fullmatch(
        r"([\d.]+) ms an image before, ([\d.]+) ms after: (\w+), in one thread here", done.checks[3]
    ).groups()  # fmt: skip
    assert 0 < float(was) < 100
    assert now == was or verdict == ("faster" if float(now) < float(was) else "slower")
    assert [p.name for p in tmp_path.iterdir()] == ["m.onnx"]


def test_weights_are_bytes_by_channel_in_qdq_form(learnt, shipped):
    proto = onnx.load(shipped("onnx-int8"))
    constants = {tensor.name: tensor for tensor in proto.graph.initializer}
    kinds = {node.op_type for node in proto.graph.node}
    assert {"QuantizeLinear", "DequantizeLinear", "Conv"} <= kinds
    scales = [constants[node.input[1]] for node in proto.graph.node
              if node.op_type == "DequantizeLinear" and node.input[0] in constants
              and constants[node.input[0]].data_type == onnx.TensorProto.INT8]  # fmt: skip
    assert any(list(scale.dims) == [64] for scale in scales), "no scale for each channel of mbconv's expansion"
    said = {prop.key: prop.value for prop in proto.metadata_props}
    assert {"architecture", "classes", "mean", "std", "facts", "input"} <= said.keys()
    assert open_exported(shipped("onnx-int8")).run(torch.rand(5, 1, 8, 8)).shape == (5, 10)


def test_a_network_that_loses_too_much_is_refused_after_every_attempt(learnt, tmp_path, monkeypatch):
    made = []
    real = home._quantised

    def ruined(proto, attempt, images, metadata):
        made.append(attempt)
        return real(proto, home.ATTEMPTS[0], torch.zeros_like(images[:16]), metadata)  # ranges of black images

    monkeypatch.setattr(home, "_quantised", ruined)
    shipment = Shipment(
        learnt.model.architecture, learnt.model, lambda: learnt.training, lambda: learnt.validation, 0.01
    )
    with pytest.raises(RunError, match=r"accuracy falls from 0\.\d+ to 0\.\d+ at best of 5 .*--tolerance 0\.01"):
        FORMATS.get("onnx_int8").write(shipment, tmp_path / "m.onnx")
    assert made == list(home.ATTEMPTS)
    assert not list(tmp_path.iterdir())


def test_a_way_that_fails_leaves_the_next(learnt, tmp_path, monkeypatch):
    real, made = home._quantised, []

    def failing(proto, attempt, images, metadata):
        made.append(attempt)
        if len(made) < 3:
            raise RunError("onnxruntime cannot quantise this network (MemoryError)")
        return real(proto, home.ATTEMPTS[0], images, metadata)

    monkeypatch.setattr(home, "_quantised", failing)
    done = export(learnt.model, "onnx-int8", tmp_path / "m.onnx", tolerance=0.05)
    assert made[2].about in done.checks[1]
    monkeypatch.setattr(home, "ATTEMPTS", home.ATTEMPTS[:2])
    made.clear()
    with pytest.raises(RunError, match="cannot quantise this network"):
        export(learnt.model, "onnx-int8", tmp_path / "n.onnx")


def test_a_file_has_no_facts_of_what_another_measured(learnt, tmp_path):
    known = {"test": {"images": 3}, "latency": {"median": 9.0}, "calibration_error": 0.5, "params": 7}
    model = Model(learnt.model.network, learnt.model.classes, [0.5], [0.5], learnt.model.facts | known).eval()
    facts = open_exported(export(model, "onnx-int8", tmp_path / "m.onnx", tolerance=0.05).path).facts
    assert facts["params"] == 7
    assert not {"test", "latency", "calibration_error"} & facts.keys()
    assert open_exported(export(model, "onnx", tmp_path / "f.onnx").path).facts["test"] == {"images": 3}


def test_networks_of_other_targets_than_classes_are_refused(learnt, tmp_path):
    model = learnt.model
    tagged = Model(model.network, model.classes, [0.5], [0.5], model.facts | {"targets": "tags"}).eval()
    with pytest.raises(SettingError, match="judges what it loses by classes, and 'digits' gives logits of tags"):
        export(tagged, "onnx-int8", tmp_path / "m.onnx")
    path = export(tagged, "onnx", tmp_path / "f.onnx").path
    assert open_exported(path).outputs == "logits of tags"
    said = {prop.key: prop.value for prop in onnx.load(path).metadata_props}
    assert said["output"] == "logits: float32 (batch, classes)"


def test_a_loss_of_just_the_tolerance_is_allowed(learnt, tmp_path, monkeypatch):
    """190 of 200 before and 188 after differ by .01, for floats by a little more."""
    shares = iter([190 / 200, 188 / 200])
    monkeypatch.setattr(home, "_accuracy", lambda data, validation: next(shares))
    monkeypatch.setattr(home, "_quantised", lambda proto, attempt, images, metadata: proto.SerializeToString())
    shipment = Shipment(
        learnt.model.architecture, learnt.model, lambda: learnt.training, lambda: learnt.validation, 0.01
    )
    said = FORMATS.get("onnx_int8").write(shipment, tmp_path / "m.onnx")
    assert said[0].startswith("accuracy 0.9500 before, 0.9400 after")


@pytest.mark.slow
@pytest.mark.parametrize("attempt", home.ATTEMPTS, ids=lambda attempt: attempt.about)
def test_every_attempt_keeps_the_accuracy_of_an_easy_network(attempt, learnt, tmp_path, monkeypatch):
    monkeypatch.setattr(home, "ATTEMPTS", (attempt,))
    assert attempt.about in export(learnt.model, "onnx-int8", tmp_path / "m.onnx", tolerance=0.03).checks[1]


def test_it_needs_images_of_the_models_own_data(learnt, tmp_path):
    model = learnt.model
    forgetful = Model(model.network, model.classes, [0.5], [0.5]).eval()
    with pytest.raises(SettingError, match="does not say which images it was trained on; name them with --data"):
        export(forgetful, "onnx-int8", tmp_path / "m.onnx")
    renamed = Model(model.network, [f"digit {name}" for name in model.classes], [0.5], [0.5]).eval()
    with pytest.raises(DataError, match="its classes are not the model's"):
        export(renamed, "onnx-int8", tmp_path / "m.onnx", data="digits")
    colour = build(dataclasses.replace(model.architecture, channels=3))
    with pytest.raises(DataError, match="images of 1 channels, the network takes 3"):
        export(Model(colour, model.classes, [0.5] * 3, [0.5] * 3), "onnx-int8", tmp_path / "m.onnx", data="digits")
    with pytest.raises(SettingError, match="--dynamic-size: the format onnx-int8 has no use"):
        export(model, "onnx-int8", tmp_path / "m.onnx", dynamic_size=True)
    assert not list(tmp_path.iterdir())
