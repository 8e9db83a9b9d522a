"""ONNX files compute what PyTorch computes, for any batch, and say what they are."""

import copy
import json
import shutil

import detections
import onnx
import onnxruntime as ort
import pytest
import torch
from small_models import NARROW, every_part, model_of

from nas.errors import RunError, SettingError
from nas.registry import BLOCKS, FORMATS, HEADS, STEMS
from nas.report import onnx_files
from nas.report.export import export
from nas.report.exported import open_exported
from nas.report.formats import Shipment
from nas.report.onnx_files import OPSET, make_onnx


def logits(path, images):
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return torch.from_numpy(session.run(None, {"images": images.numpy()})[0])


@pytest.mark.long
@pytest.mark.parametrize("parts", list(every_part()), ids=lambda parts: "-".join([*parts[0], *parts[1:]]))
def test_every_block_stem_and_head_computes_the_same(parts, tmp_path):
    model = model_of(*parts, side=32)
    export(model, "onnx", tmp_path / "m.onnx")
    for batch in (1, 3, 7):
        images = torch.rand(batch, 3, 32, 32)
        with torch.no_grad():
            torch.testing.assert_close(logits(tmp_path / "m.onnx", images), model(images), rtol=0, atol=1e-4)


def test_every_part_has_every_kind():
    blocks, stems, heads = zip(*every_part(), strict=True)
    assert {name for some in blocks for name in some} == set(BLOCKS.names())
    assert set(stems) == set(STEMS.names())
    assert set(heads) == set(HEADS.names())


def test_the_file_says_what_it_is(learnt, shipped):
    proto = onnx.load(shipped("onnx"))
    onnx.checker.check_model(proto, full_check=True)
    said = {prop.key: prop.value for prop in proto.metadata_props}
    assert [entry.version for entry in proto.opset_import if entry.domain == ""] == [OPSET]
    assert {key: json.loads(said[key]) for key in ("classes", "facts")} == {
        "classes": list("0123456789"), "facts": learnt.model.facts,
    }  # fmt: skip
    assert json.loads(said["mean"]) == pytest.approx(learnt.model.mean.flatten().tolist())
    assert json.loads(said["std"]) == pytest.approx(learnt.model.std.flatten().tolist())
    assert json.loads(said["architecture"]) == learnt.model.architecture.to_dict()
    assert "from 0 to 1" in said["input"]
    shape = proto.graph.input[0].type.tensor_type.shape.dim
    assert (shape[0].dim_param, [side.dim_value for side in shape][1:]) == ("batch", [1, 8, 8])


def test_one_file_without_the_paths_of_this_machine(shipped):
    data = shipped("onnx").read_bytes()
    assert b".py" not in data
    assert not list(shipped("onnx").parent.glob("*.data"))


def test_the_exporter_is_quiet_and_leaves_the_model_as_it_was(capfd, caplog, tmp_path):
    model = model_of(["mbconv"]).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    export(model, "onnx", tmp_path / "m.onnx")
    assert capfd.readouterr() == ("", "")
    assert not [record for record in caplog.records if record.levelno > 20]
    assert model.training
    assert all(p.requires_grad for p in model.parameters())
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_images_of_any_size(tmp_path):
    model = model_of(["conv"])
    done = export(model, "onnx", tmp_path / "m.onnx", dynamic_size=True)
    assert "4 image sizes" in done.checks[0]
    assert "multiples of 4 pixels" in done.checks[1]
    for size in ((16, 16), (40, 24), (64, 96)):
        images = torch.rand(2, 3, *size)
        with torch.no_grad():
            torch.testing.assert_close(logits(done.path, images), model(images), rtol=0, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("block", BLOCKS.names())
def test_every_block_at_any_size(block, tmp_path):
    model = model_of([block])
    path = export(model, "onnx", tmp_path / "m.onnx", dynamic_size=True).path
    images = torch.rand(3, 3, 24, 56)
    with torch.no_grad():
        torch.testing.assert_close(logits(path, images), model(images), rtol=0, atol=1e-4)


@pytest.mark.slow
def test_what_torch_cannot_export_at_any_size_is_refused_in_words(tmp_path, monkeypatch):
    monkeypatch.setitem(NARROW, "distance", 16)  # more than small maps have tokens, so that another way is taken there
    with pytest.raises(RunError, match="leave --dynamic-size out"):
        export(model_of(["shaw"]), "onnx", tmp_path / "m.onnx", dynamic_size=True)
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def made():
    """A small model as ONNX, which takes 16 x 16 pixels alone."""
    return make_onnx(model_of(["conv"]))


def test_a_network_that_differs_is_refused(made, tmp_path, monkeypatch):
    model, proto = model_of(["conv"]), copy.deepcopy(made)
    weight = max(proto.graph.initializer, key=lambda tensor: len(tensor.raw_data))
    weight.raw_data = bytes(len(weight.raw_data))
    monkeypatch.setattr("nas.report.formats.onnx.make_onnx", lambda *_: proto)
    with pytest.raises(RunError, match=r"differs from PyTorch by .* at batch size 1 and 16 x 16 pixels; 0\.0001 is"):
        FORMATS.get("onnx").write(Shipment(model.architecture, model), tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("side", "remedy"), [(18, "export it with --resolution 16, or leave"), (6, "leave")])
def test_a_side_that_any_size_leaves_out_is_the_cause(made, tmp_path, monkeypatch, side, remedy):
    monkeypatch.setattr("nas.report.formats.onnx.make_onnx", lambda *_: made)
    model = model_of(["conv"], side=side)
    why = rf"multiples of 4 pixels, from 8, and this network's {side} is none; {remedy} --dynamic-size out"
    with pytest.raises(SettingError, match=why):
        FORMATS.get("onnx").write(Shipment(model.architecture, model, dynamic_size=True), tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())


def test_other_numbers_of_classes_than_the_metadata_name(shipped, tmp_path):
    proto = onnx.load(shipped("onnx"))
    said = {prop.key: prop for prop in proto.metadata_props}
    said["classes"].value = json.dumps(list("012345678"))
    onnx.save(proto, tmp_path / "names.onnx")
    with pytest.raises(SettingError, match="names 9 classes for a head of 10"):
        open_exported(tmp_path / "names.onnx")
    said["architecture"].value = said["architecture"].value.replace('"classes": 10', '"classes": 9')
    onnx.save(proto, tmp_path / "both.onnx")
    with pytest.raises(SettingError, match="gives 10 outputs, but its metadata name 9 classes"):
        open_exported(tmp_path / "both.onnx")


@pytest.mark.parametrize(
    ("found", "written"),
    [
        ('"resolution": 8', '"resolution": 800000'),
        ('"channels": 1', '"channels": "1"'),
        ('"stages": [', '"stages": [3, '),
    ],
)
def test_a_damaged_architecture_in_the_metadata(found, written, shipped, tmp_path):
    proto = onnx.load(shipped("onnx"))
    said = next(prop for prop in proto.metadata_props if prop.key == "architecture")
    said.value = said.value.replace(found, written)
    onnx.save(proto, tmp_path / "m.onnx")
    with pytest.raises(SettingError, match="its metadata are damaged"):
        open_exported(tmp_path / "m.onnx")


def test_a_block_from_outside_is_not_needed_to_run_a_file(shipped, tmp_path):
    proto = onnx.load(shipped("onnx"))
    said = next(prop for prop in proto.metadata_props if prop.key == "architecture")
    said.value = said.value.replace('"mbconv"', '"my_block"')
    onnx.save(proto, tmp_path / "m.onnx")
    assert open_exported(tmp_path / "m.onnx").run(torch.rand(2, 1, 8, 8)).shape == (2, 10)


def test_files_that_others_wrote(shipped, tmp_path):
    proto = onnx.load(shipped("onnx"))
    del proto.metadata_props[:]
    onnx.save(proto, tmp_path / "bare.onnx")
    with pytest.raises(SettingError, match="hold no architecture, so it is not a file that nas exported"):
        open_exported(tmp_path / "bare.onnx")
    proto = onnx.load(shipped("onnx"))
    onnx.save(proto, tmp_path / "apart.onnx", save_as_external_data=True, size_threshold=0)
    with pytest.raises(SettingError, match="keeps weights in other files"):
        open_exported(tmp_path / "apart.onnx")


def test_it_reads_back(learnt, shipped, tmp_path):
    shutil.copy(shipped("onnx"), tmp_path / "UPPER.ONNX")
    reader = open_exported(tmp_path / "UPPER.ONNX")
    assert (reader.classes, reader.channels, reader.resolution) == (tuple("0123456789"), 1, 8)
    images = learnt.validation.images[:9]
    with torch.no_grad():
        torch.testing.assert_close(reader.run(images), learnt.model(images), rtol=0, atol=1e-4)


@pytest.mark.long
def test_a_detector_gives_boxes_and_says_what_they_are(tmp_path):
    model = detections.model()
    model.facts = {"threshold": 0.37}
    done = export(model, "onnx", tmp_path / "m.onnx", queries=3, resolution=16)
    session = ort.InferenceSession(str(done.path), providers=["CPUExecutionProvider"])
    (output,) = session.get_outputs()
    assert (output.name, output.shape) == ("boxes", ["batch", 3, 7])
    said = session.get_modelmeta().custom_metadata_map
    assert said["output"].startswith("boxes: float32 (batch, queries, 4 + classes): centre x")
    assert "upright and on white where it is transparent, is scaled (bicubic) to fit the square" in said["input"]
    assert "laid in its upper left corner, on grey (114 of 255)" in said["input"]
    small, reader = model.lowered(3, 16), open_exported(done.path)
    assert (reader.outputs, reader.resolution, tuple(reader.classes)) == ("boxes", 16, detections.NAMES)
    assert reader.threshold == 0.37
    images = torch.rand(2, 3, 16, 16)
    with torch.no_grad():
        torch.testing.assert_close(reader.run(images), small(images), rtol=0, atol=1e-4)


@pytest.mark.slow
def test_a_detector_takes_images_of_any_size(tmp_path):
    model = detections.model(anchors=True, focal=True, levels=2)
    done = export(model, "onnx", tmp_path / "m.onnx", dynamic_size=True)
    assert "4 image sizes" in done.checks[0]


def test_a_file_is_run_without_the_package_that_writes_one(learnt, shipped, tmp_path, monkeypatch):
    real = onnx_files.find_spec
    monkeypatch.setattr(onnx_files, "find_spec", lambda name: None if name == "onnxscript" else real(name))
    assert open_exported(shipped("onnx")).run(torch.rand(2, 1, 8, 8)).shape == (2, 10)
    with pytest.raises(SettingError, match="onnxscript not installed"):
        export(learnt.model, "onnx", tmp_path / "m.onnx")
