"""Opening whatever was written, and nothing else."""

import shutil

import pytest
import torch
from hostile import hostile
from outside import offer
from outside import site as site
from small_models import model_of

from nas.errors import SettingError
from nas.registry import FORMATS
from nas.report.export import export
from nas.report.exported import open_exported
from nas.report.formats import Format, Reader

READ = ("safetensors", "onnx", "pt2")


def test_what_cannot_be_opened_is_said_with_what_can(tmp_path):
    (tmp_path / "m.yaml").write_text("name: x")
    (tmp_path / "training.yaml").write_text("")
    for place, message in (
        (tmp_path / "none.onnx", "no such file or folder"),
        (tmp_path / "m.yaml", r"'\.yaml' is no kind of file"),
        (tmp_path, r"the folder has no best\.safetensors yet"),
    ):
        with pytest.raises(SettingError, match=rf"{message}.*Give a folder .*\.onnx, \.pt2, \.py, \.safetensors"):
            open_exported(place)
    (tmp_path / "training.yaml").unlink()
    with pytest.raises(SettingError, match=r"holds neither best\.safetensors nor config\.json"):
        open_exported(tmp_path)


@pytest.mark.parametrize("form", READ)
def test_hostile_and_truncated_files_are_refused_and_nothing_runs(form, shipped, tmp_path):
    marker, path = tmp_path / "ran", tmp_path / f"m.{form}"
    for name, data in hostile(shipped(form).read_bytes(), marker):
        path.write_bytes(data)
        with pytest.raises(SettingError, match=f"m.{form}"):
            open_exported(path)
        assert not marker.exists(), name


def test_hostile_weights_of_a_folder_are_refused(shipped, tmp_path):
    folder, marker = shutil.copytree(shipped("hub"), tmp_path / "hub"), tmp_path / "ran"
    weights = folder / "model.safetensors"
    for name, data in hostile(weights.read_bytes(), marker):
        weights.write_bytes(data)
        with pytest.raises(SettingError, match=r"model\.safetensors"):
            open_exported(folder)
        assert not marker.exists(), name


@pytest.mark.parametrize("suffix", ["onnx", "pt2", "safetensors"])
def test_a_file_that_only_stands_for_a_network_says_how_to_get_it(tmp_path, suffix):
    path = tmp_path / f"net.{suffix}"
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 9\n")
    with pytest.raises(SettingError, match=rf"net\.{suffix}: not a network, but a Git-LFS pointer to it; run git lfs"):
        open_exported(path)
    path.write_text("<!DOCTYPE html><html>Sign in</html>")
    with pytest.raises(SettingError, match="an HTML page; download the file itself"):
        open_exported(path)


@pytest.fixture
def own():
    """A format of the suffix .onnx that claims what begins with its mark."""
    reader = Reader(("mine",), 1, 8, lambda x: x)
    kind = Format("own", lambda *_: [], ".onnx", reads=lambda _: reader, claims=lambda p: p.read_bytes()[:4] == b"mine")
    FORMATS.add("own", kind, "a test")
    yield
    FORMATS.remove("own")


def test_a_format_that_cannot_be_imported_harms_nobody_else(shipped, site):
    offer(site, "broken", "1.0", "[nas.formats]", "broken = no_such_module:broken")
    assert open_exported(shipped("onnx")).run(torch.rand(1, 1, 8, 8)).shape == (1, 10)


def test_a_suffix_may_have_several_dots(tmp_path):
    reader = Reader(("mine",), 1, 8, lambda x: x)
    kind = Format("packed", lambda _, path: [path.write_text("x") and "written"], ".net.ONNX", weights=False,
                  reads=lambda _: reader)  # fmt: skip
    FORMATS.add("packed", kind, "a test")
    try:
        done = export(model_of(["conv"]), "packed", tmp_path / "m.net.onnx")
        assert open_exported(done.path).classes == ("mine",)
    finally:
        FORMATS.remove("packed")


def test_of_formats_that_share_a_suffix_the_one_that_claims_a_file_opens_it(own, shipped, tmp_path):
    path = tmp_path / "net.onnx"
    path.write_bytes(b"mine, and more")
    assert open_exported(path).classes == ("mine",)
    assert open_exported(shipped("onnx")).classes != ("mine",)
