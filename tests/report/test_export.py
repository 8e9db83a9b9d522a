"""Writing in any format, whole or not at all, and opening whatever was written."""

import shutil
from dataclasses import replace
from types import SimpleNamespace

import detections
import numpy as np
import pytest
import torch
from run_fixtures import finished_run
from small_models import model_of

from nas.errors import DataError, RunError, SettingError
from nas.record.models import write_model
from nas.registry import FORMATS, format_name
from nas.report.export import export
from nas.report.exported import open_exported
from nas.report.formats import Format
from nas.report.parity import check_same, compare
from nas.space.library import load_architecture

READ = ("safetensors", "onnx", "pt2")


@pytest.fixture
def failing():
    """A format that writes something and then finds it wrong."""

    def write(shipment, path):
        path.write_text("half")
        path.with_suffix(".more").write_text("half")
        raise RunError("it differs")

    FORMATS.add("failing", Format("fails", write, suffix=".txt"), "a test")
    yield
    FORMATS.remove("failing")


@pytest.fixture
def pair():
    """A format that writes two files."""

    def write(shipment, path):
        path.write_text("main")
        path.with_suffix(".more").write_text("more")
        return ["two"]

    FORMATS.add("pair", Format("pairs", write, suffix=".txt"), "a test")
    yield
    FORMATS.remove("pair")


def test_names_are_written_as_in_commands():
    assert format_name("onnx-int8") == format_name("onnx_int8") == "onnx_int8"
    with pytest.raises(SettingError, match=r"unknown format 'onxn'. Did you mean 'onnx'\?.*onnx-int8"):
        export(model_of(["conv"]), "onxn", "x.onnx")


def test_weights_are_asked_for_where_they_are_needed(tmp_path):
    architecture = load_architecture("resnet_50")
    for form, place in (("onnx", "m.onnx"), ("pt2", "m.pt2"), ("hub", "m"), ("safetensors", "m.safetensors")):
        with pytest.raises(SettingError, match=f"format {form} needs weights: give a folder that nas train left"):
            export(architecture, form, tmp_path / place)
        with pytest.raises(SettingError, match="needs weights"):
            export("resnet_50", form, tmp_path / place)
    assert not list(tmp_path.iterdir())
    finished_run(tmp_path / "runs" / "first", complete=2)
    with pytest.raises(SettingError, match=r"a folder that nas train left, as by nas train first$"):
        export("first", "onnx", tmp_path / "m.onnx", runs=tmp_path / "runs")


def test_yaml_needs_none_and_rebuilds_the_network(tmp_path):
    done = export("resnet_50", "yaml", tmp_path / "m.yaml")
    assert load_architecture(done.path).key() == load_architecture("resnet_50").key()
    assert done.checks == [f"rebuilds the same network ({load_architecture('resnet_50').key()})"]


def test_yaml_of_a_trained_network_says_what_it_leaves_out(learnt, tmp_path):
    done = export(learnt.model, "yaml", tmp_path / "m.yaml")
    assert done.checks[1:] == ["the architecture alone, without the trained weights: --format safetensors has them"]


def test_safetensors_from_a_trained_folder(learnt, tmp_path):
    write_model(learnt.model, tmp_path / "best.safetensors")
    done = export(tmp_path / "best.safetensors", "safetensors", tmp_path / "copy.safetensors")
    assert "all equal" in done.checks[0]
    images = learnt.validation.images[:5]
    with torch.no_grad():
        expected = learnt.model(images)
    for place in (tmp_path, done.path):
        reader = open_exported(place)
        assert reader.classes == learnt.model.classes
        torch.testing.assert_close(reader.run(images), expected)


@pytest.mark.parametrize("form", ["safetensors", "hub"])
def test_facts_may_be_whatever_json_holds(form, tmp_path):
    if missing := FORMATS.get(form).missing():
        pytest.skip(missing)
    model = model_of(["conv"], note=("a", 1), calibration_error=float("nan"))
    done = export(model, form, tmp_path / {"safetensors": "m.safetensors"}.get(form, "m"))
    assert list(open_exported(done.path).facts["note"]) == ["a", 1]


def test_a_model_that_comes_back_changed_is_told_by_what_changed():
    model, other = (model_of(["conv"], note=note) for note in ("a", "b"))
    check_same(model, model_of(["conv"], note="a"))
    with pytest.raises(RunError, match="comes back changed: what it says of facts"):
        check_same(model, other)
    with torch.no_grad():
        next(other.network.parameters()).add_(1)
    with pytest.raises(RunError, match=r"comes back changed: stem\."):
        check_same(model, other)


def test_places_that_cannot_be_written(tmp_path):
    model = model_of(["conv"])
    (tmp_path / "there.safetensors").write_text("mine")
    for place, message in (
        ("there.safetensors", r"exists already.*--force"),
        ("no/m.safetensors", "folder .*no does not exist"),
        ("m.bin", r"name a file that ends in \.safetensors"),
        ("", r"is a folder; name a file in it, such as .*model\.safetensors"),
        ("x" * 300 + ".safetensors", "cannot be written"),
    ):
        with pytest.raises(SettingError, match=message):
            export(model, "safetensors", tmp_path / place)
    assert (tmp_path / "there.safetensors").read_text() == "mine"
    export(model, "safetensors", tmp_path / "there.safetensors", force=True)
    assert open_exported(tmp_path / "there.safetensors").classes == ("a", "b", "c", "d")
    assert [path.name for path in tmp_path.iterdir()] == ["there.safetensors"]


def test_a_failed_check_leaves_nothing_and_the_old_file(failing, tmp_path):
    (tmp_path / "m.txt").write_text("mine")
    with pytest.raises(RunError, match="it differs"):
        export(model_of(["conv"]), "failing", tmp_path / "m.txt", force=True)
    assert [path.name for path in tmp_path.iterdir()] == ["m.txt"]
    assert (tmp_path / "m.txt").read_text() == "mine"


def test_files_that_belong_together_appear_together(pair, tmp_path):
    (tmp_path / "m.more").write_text("mine")
    with pytest.raises(SettingError, match=r"m\.more exists already"):
        export(model_of(["conv"]), "pair", tmp_path / "m.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["m.more"]
    export(model_of(["conv"]), "pair", tmp_path / "m.txt", force=True)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"m.txt": "main", "m.more": "more"}


def test_a_folder_where_another_of_its_files_belongs_is_nobody_else_s(pair, tmp_path):
    (tmp_path / "m.more").mkdir()
    (tmp_path / "m.more" / "thesis.tex").write_text("mine")
    with pytest.raises(SettingError, match=r"m\.more is a folder; take another name than m\.txt"):
        export(model_of(["conv"]), "pair", tmp_path / "m.txt", force=True)
    assert (tmp_path / "m.more" / "thesis.tex").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["m.more"]


def test_a_folder_is_replaced_only_by_force_and_only_if_it_is_ours(shipped, tmp_path):
    folder, model = shutil.copytree(shipped("hub"), tmp_path / "hub"), model_of(["conv"])
    with pytest.raises(SettingError, match=r"exists already.*--force"):
        export(model, "hub", folder)
    export(model, "hub", folder, force=True)
    assert open_exported(folder).classes == ("a", "b", "c", "d")
    (folder / "thesis.tex").write_text("mine")
    with pytest.raises(SettingError, match=r"take another name$"):
        export(model, "hub", folder)
    with pytest.raises(SettingError, match="is not replaced"):
        export(model, "hub", folder, force=True)
    assert (folder / "thesis.tex").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["hub"]


def test_tolerance_is_a_share(tmp_path):
    for value in (-0.1, 1.0, float("nan")):
        with pytest.raises(SettingError, match="write a share from 0 to below 1"):
            export(model_of(["conv"]), "onnx-int8", tmp_path / "m.onnx", tolerance=value)


def test_a_tolerance_and_a_seed_may_be_numpy_s(tmp_path):
    """Both are understood before the images are found to be none for this network."""
    given = {"tolerance": np.float32(0.01), "split_seed": np.int64(3)}
    with pytest.raises(DataError, match=r"^digits: images of 1 channels, the network takes 3"):
        export(model_of(["conv"]), "onnx-int8", tmp_path / "m.onnx", data="digits", **given)


@pytest.mark.parametrize(
    ("form", "given", "able"),
    [
        ("yaml", {"dynamic_size": True}, "onnx or python"),
        ("safetensors", {"split_seed": 7}, "onnx-int8"),
        ("pt2", {"dynamic_size": True}, "onnx or python"),
        ("onnx", {"tolerance": 0.01}, "onnx-int8"),
        ("safetensors", {"data": "digits"}, "onnx-int8"),
    ],
)
def test_an_option_that_changes_nothing_is_refused(form, given, able, tmp_path):
    flag = "--" + next(iter(given)).replace("_", "-")
    with pytest.raises(SettingError, match=rf"^{flag}: the format {form} has no use for it; .* export to {able}$"):
        export(model_of(["conv"]), form, tmp_path / "m", **given)


def test_parity_tells_what_is_wrong():
    model = model_of(["conv"])
    assert compare(model, torch.no_grad()(model)).startswith("the same logits bit for bit at batch sizes 1, 2, 5")

    def broken(images):
        raise ValueError("no such operator\nmore")

    for logits, message in (
        (lambda images: model(images) + 2e-4, r"differs from PyTorch by 0\.0002"),
        (lambda images: model(images) * float("nan"), "differs from PyTorch by nan"),
        (lambda images: model(images)[:, :3], r"gives \(1, 3\) for \(1, 4\)"),
        (lambda images: model(images)[:1], r"gives \(1, 4\) for \(2, 4\) at batch size 2"),
        (broken, r"does not run at batch size 1 .*ValueError: no such operator\)"),
    ):
        with pytest.raises(RunError, match=message):
            compare(model, torch.no_grad()(logits))


def test_an_architecture_of_another_name_is_the_same_network(tmp_path):
    architecture = replace(model_of(["conv"]).architecture, name="another")
    assert load_architecture(export(architecture, "yaml", tmp_path / "m.yaml").path).name == "another"


@pytest.mark.parametrize(("form", "place"), [("timm", "m.py"), ("onnx-int8", "m.onnx")])
def test_a_format_of_classifiers_refuses_a_detector_and_names_those_that_can(form, place, tmp_path):
    with pytest.raises(SettingError, match=f"format {form}: writes networks that give logits; 'finder' gives boxes. "
                                           "Formats for it: .*hub, onnx, pt2, python, safetensors, yaml"):  # fmt: skip
        export(detections.model(), form, tmp_path / place)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("form", "place"), [("safetensors", "m.safetensors"), ("python", "m.py"), ("hub", "m")])
def test_a_detector_leaves_and_comes_back(form, place, tmp_path):
    model, images = detections.model(selected=True, denoising=1), torch.rand(2, 3, 32, 32)
    model.facts = {"threshold": 0.37}
    done = export(model, form, tmp_path / place)
    reader = open_exported(done.path)
    assert (reader.outputs, tuple(reader.classes), reader.threshold) == ("boxes", detections.NAMES, 0.37)
    with torch.no_grad():
        torch.testing.assert_close(reader.run(images), model(images), rtol=0, atol=1e-6)


def test_a_network_is_lowered_before_it_is_written(tmp_path):
    done = export(detections.network(), "yaml", tmp_path / "few.yaml", queries=4, resolution=16)
    found = load_architecture(done.path)
    assert (found.head.options["queries"], found.resolution) == (4, 16)
    small = export(model_of(["moat"]), "safetensors", tmp_path / "small.safetensors", resolution=8)
    assert open_exported(small.path).resolution == 8
    cost = f"what 8 pixels cost was not measured; nas evaluate {small.path} --data NAME[:PATH] tells"
    assert small.checks[0] == cost
    with pytest.raises(SettingError, match="only networks that find boxes have queries"):
        export(model_of(["conv"]), "safetensors", tmp_path / "m.safetensors", queries=4)
    with pytest.raises(SettingError, match="resolution 32 is not allowed; a network can be lowered to 4 to 16"):
        export(model_of(["conv"]), "safetensors", tmp_path / "m.safetensors", resolution=32)


class Rough:
    """Stands for a detector that orders what a rounding parts: where the first pixel is brighter than `limit`."""

    architecture, outputs = SimpleNamespace(resolution=8, channels=3), "boxes"

    def __init__(self, limit):
        self.limit, self.shown = limit, []

    def __call__(self, images):
        self.shown.append(images)
        sums = images.double().sum((2, 3))
        return torch.where(images[:, 0, 0, :1] > self.limit, (1e8 * sums).sin(), sums)[:, None]


def test_outputs_are_compared_where_roundings_do_not_decide():
    rough = Rough(0.5)
    assert compare(rough, rough) == "the same boxes bit for bit at batch sizes 1, 2, 5"
    compared = rough.shown[-1]
    assert len(compared) == 5
    assert (compared[:, 0, 0, 0] <= 0.5).all()
    assert (torch.cat(rough.shown)[:, 0, 0, 0] > 0.5).any()
    with pytest.raises(RunError, match=r"roundings decide what the network answers, by more than .*train it longer"):
        compare(Rough(-1), rough)
