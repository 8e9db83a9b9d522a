"""Weights from files, and for another resolution."""

import gzip
import json
import os
import pickle
import re
import sys
import tarfile
from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
import torch
from safetensors.torch import save, save_file

from nas.errors import SettingError
from nas.network.architecture import Architecture
from nas.network.build import build
from nas.network.weight_files import read
from nas.network.weights import adapt, load_weights
from nas.space.library import load_architecture


def _architecture(side: int) -> Architecture:
    """Every kind of table: learned positions, Bello's, a window's that is clamped, a map's; and a class token."""
    options: dict[str, Any] = {"depth": 1, "width": 16, "stride": 1, "head_dim": 8}
    blocks = ["transformer", "bello", "swin", "shaw", "moat", "vit"]
    return load_architecture(
        {
            "resolution": side,
            "classes": 5,
            "stem": {"kind": "swin", "width": 16},
            "stages": [{"block": block, **options} for block in blocks],
            "head": {"kind": "class_token"},
        }
    )


SMALL, LARGE = _architecture(24), _architecture(40)


@torch.no_grad()
def test_a_network_gets_the_weights_of_a_file(tmp_path: Path) -> None:
    small, large = build(SMALL, seed=0).eval(), build(LARGE, seed=1).eval()
    save_file(small.state_dict(), tmp_path / "small.safetensors")
    load_weights(large, tmp_path / "small.safetensors")
    assert all(torch.equal(v, large.state_dict()[n]) for n, v in adapt(small.state_dict(), large).items())


@torch.no_grad()
def test_weights_move_to_another_resolution() -> None:
    small, large = build(SMALL, seed=0).eval(), build(LARGE, seed=1).eval()
    state = adapt(small.state_dict(), large)
    large.load_state_dict(state)
    assert state["stages.5.0.positions.map"].shape == (16, 10, 10)
    assert state["stages.0.0.attention.bias.table"].shape == (2, 19, 19)
    assert state["stages.1.0.attention.logits.rows"].shape == (19, 8)
    assert state["stages.2.0.attention.bias.table"].shape == (2, 13, 13)
    assert torch.equal(state["head.classifier.weight"], small.head.classifier.weight)
    # the smaller network resizes on the way what the larger has resized; a clamped window alone stays as built
    large.stages[2], small.stages[2] = torch.nn.Identity(), torch.nn.Identity()
    x = torch.randn(1, 3, 40, 40)
    torch.testing.assert_close(large(x), small(x), rtol=1e-4, atol=1e-5)


def test_the_same_resolution_is_left_alone() -> None:
    network = build(SMALL, seed=0)
    state = network.state_dict()
    adapted = adapt(state, network)
    assert list(adapted) == list(state)
    assert all(torch.equal(adapted[name], state[name]) for name in state)


@pytest.mark.parametrize("suffix", ["safetensors", "pt"])
def test_a_file_of_weights_is_read(tmp_path: Path, suffix: str) -> None:
    state = build(SMALL, seed=0).state_dict()
    path = tmp_path / f"weights.{suffix}"
    save_file(state, path) if suffix == "safetensors" else torch.save(state, path)
    found = read(path)
    assert found.keys() == state.keys()
    assert all(torch.equal(found[name], state[name]) for name in state)


class _Trap:
    def __reduce__(self) -> Any:
        return (pytest.fail, ("code in a file of weights was run",))


def _zipped(name: str) -> bytes:
    with ZipFile(stream := BytesIO(), "w") as archive:
        archive.writestr(name, "x")
    return stream.getvalue()


def _tarred() -> bytes:
    with tarfile.open(fileobj=(stream := BytesIO()), mode="w") as archive:
        archive.addfile(tarfile.TarInfo("model.pth"))
    return stream.getvalue()


def _saved(value: Any, **options: Any) -> bytes:
    torch.save(value, stream := BytesIO(), **options)
    return stream.getvalue()


PLAIN = {"weight": torch.ones(300)}
FOREIGN = {
    "page": (b"\n<!DOCTYPE html><html>Sign in</html>", r"an HTML page; download the file itself, by its own link"),
    "old page": (b'<?xml version="1.0"?><!DOCTYPE html PUBLIC ""><html>', "an HTML page"),
    "pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 9\n", "a Git-LFS pointer to it; run"),
    "refusal": (b'{"error": "not found"}', "text that begins '{\"error\": \"not found\"}'; download the file itself"),
    "nothing": (b"", "empty; copy or download it again"),
    "zip": (_zipped("model.pth"), r"a zip archive of model\.pth; unpack it, and give the file in it"),
    "gzip": (gzip.compress(b"x"), "compressed by gzip; unpack it"),
    "tar": (_tarred(), "a tar archive; unpack it"),
    "hdf5": (b"\x89HDF\r\n\x1a\n", "HDF5, as Keras writes"),
    "cut": (_saved(PLAIN)[:700], "cut off, its end is missing; copy or download it again"),
    "cut old": (_saved(PLAIN, _use_new_zipfile_serialization=False)[:-9], "cut off, its end is missing"),
    "cut safe": (save(PLAIN)[:-9], "cut off, its end is missing"),
    "cut header": (save(PLAIN)[:20], "cut off, its end is missing"),
    "module": (_saved(torch.nn.Linear(2, 2)), r"holds a torch\.nn\.modules\.linear\.Linear, which is code"),
    "arguments": (_saved({"args": Namespace(a=1)}), r"holds a argparse\.Namespace, which is code and is not run; save"),
    "trap": (pickle.dumps(_Trap(), protocol=2), "code"),
    "trap 2": (_saved({"weight": _Trap()}), r"which is code and is not run"),
    "epoch": (_saved({"epoch": 3, "loss": 0.5}), "holds epoch, loss; a state dict of tensors is needed"),
    "list": (_saved([torch.ones(1)]), "holds a list; a state dict of tensors is needed"),
    "text": (b"not weights", "not a file of weights"),
}  # fmt: skip


@pytest.mark.parametrize("name", FOREIGN)
@pytest.mark.parametrize("suffix", ["pt", "safetensors"])
def test_what_is_no_file_of_weights_is_refused_in_words(tmp_path: Path, name: str, suffix: str) -> None:
    content, said = FOREIGN[name]
    path = tmp_path / f"w.{suffix}"
    path.write_bytes(content)
    with pytest.raises(SettingError, match=rf"w\.{suffix}: .*{said}") as error:
        read(path)
    assert "weights_only" not in str(error.value), "torch's advice to switch off what protects"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_a_path_that_is_no_utf8_is_read(tmp_path: Path) -> None:
    file = tmp_path / os.fsdecode(b"caf\xe9.safetensors")
    file.write_bytes(save({"x": torch.ones(2)}))
    assert read(file)["x"].tolist() == [1, 1]


def test_a_folder_and_a_program_of_torchscript_are_no_weights(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"missing\.pt: no such file"):
        read(tmp_path / "missing.pt")
    with pytest.raises(SettingError, match="a folder; give a file of weights"):
        read(tmp_path)
    save_file(PLAIN, tmp_path / "best.safetensors")
    with pytest.raises(SettingError, match=r"a folder; give the file in it, such as .*best\.safetensors"):
        read(tmp_path)
    (tmp_path / "jit.pt").write_bytes(_zipped("net/constants.pkl"))
    with pytest.raises(SettingError, match="a TorchScript program; save the weights alone where it was made"):
        read(tmp_path / "jit.pt")


def test_what_a_file_holds_tells_how_it_is_read_not_its_name(tmp_path: Path) -> None:
    torch.save(PLAIN, tmp_path / "w.safetensors")
    save_file(PLAIN, tmp_path / "w.bin")
    assert read(tmp_path / "w.safetensors").keys() == read(tmp_path / "w.bin").keys() == PLAIN.keys()


def _named(state: Any, name: Callable[[str], str]) -> Any:
    return {name(key): value for key, value in state.items()}


def _compiled_parts(name: str) -> str:
    return name.replace("stages.0.", "stages.0._orig_mod.").replace("stem.", "_orig_mod.stem.")


WRAPPED: dict[str, tuple[Callable[[Any], Any], str]] = {
    "DataParallel": (lambda s: _named(s, "module.{}".format), r"took module\. off the names"),
    "compiled": (lambda s: _named(s, "_orig_mod.{}".format), r"took _orig_mod\. off the names"),
    "both": (lambda s: _named(s, "module._orig_mod.{}".format), r"took _orig_mod\. and module\. off"),
    "both, the other way": (lambda s: _named(s, "_orig_mod.module.{}".format), r"took _orig_mod\. and module\. off"),
    "compiled parts": (lambda s: _named(s, _compiled_parts), r"took _orig_mod\. off the names"),
    "averaged": (lambda s: _named(s, "module.{}".format) | {"n_averaged": torch.ones(1)}, r"took module\. off"),
    "Lightning": (lambda s: {"state_dict": _named(s, "model.{}".format), "epoch": 3, "callbacks": {}},
                  r"took the weights 'state_dict' of a checkpoint; took model\. off the names"),
    "with a loss": (lambda s: _named(s, "net.{}".format) | {"loss.weight": torch.ones(2)},
                    r"took net\. off the names; left out 1 weights of others"),
    "checkpoint": (lambda s: {"model": s, "optimizer": {"state": {0: {}}, "param_groups": []}}, "took the weights"),
    "timm": (lambda s: {"state_dict_ema": _named(s, "module.{}".format), "rng": {"cpu": torch.ones(9)}},
             r"took the weights 'state_dict_ema' of a checkpoint; took module\. off"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRAPPED)
def test_wrappers_are_taken_off_and_said(tmp_path: Path, name: str) -> None:
    wrap, said = WRAPPED[name]
    source, network = build(SMALL, seed=0), build(SMALL, seed=1)
    torch.save(wrap(source.state_dict()), tmp_path / "w.pt")
    with pytest.warns(UserWarning, match=rf"w\.pt: {said}"):
        assert load_weights(network, tmp_path / "w.pt") == []
    assert all(torch.equal(value, source.state_dict()[n]) for n, value in network.state_dict().items())


def test_a_wrapped_network_and_a_backbone_get_weights_too(tmp_path: Path) -> None:
    source = build(SMALL, seed=0)
    torch.save(source.state_dict(), tmp_path / "w.pt")
    load_weights(torch.nn.DataParallel(network := build(SMALL, seed=1)), tmp_path / "w.pt")
    assert torch.equal(network.head.token, source.head.token)
    torch.save(_named(source.state_dict(), "module.{}".format), tmp_path / "m.pt")
    with pytest.warns(UserWarning, match="took module"):
        left = load_weights(build(SMALL, features=True), tmp_path / "m.pt")
    assert left == [n for n in source.state_dict() if n.startswith("head.") and n != "head.token"]


def test_where_several_weights_may_be_meant_none_is_taken(tmp_path: Path) -> None:
    state, network = build(SMALL).state_dict(), build(SMALL)
    torch.save({"model": state, "model_ema": state}, tmp_path / "two.pt")
    with pytest.raises(
        SettingError, match=r"weights model and model_ema; choose one: torch\.save\(torch\.load\('.*two\.pt'"
    ):
        load_weights(network, tmp_path / "two.pt")
    with pytest.raises(SettingError, match="model and model_ema"):
        read(tmp_path / "two.pt")
    both = _named(state, "student.{}".format) | _named(state, "teacher.{}".format)
    torch.save(both, tmp_path / "pair.pt")
    with pytest.raises(
        SettingError, match=r"pair\.pt: holds the weights of several networks, named student\. and teacher\."
    ):
        load_weights(network, tmp_path / "pair.pt")


def test_classes_that_do_not_fit_are_named(tmp_path: Path) -> None:
    state = build(SMALL).state_dict()
    save_file(state, tmp_path / "w.safetensors", {"classes": json.dumps(["ant", "bee", "cat", "dog", "elk"])})
    said = (
        r"knows 5 classes, the network 7; build the network for 5, or load a backbone.*\. Those of the file: ant, bee, "
    )
    with pytest.raises(SettingError, match=said):
        load_weights(build(replace(SMALL, classes=7)), tmp_path / "w.safetensors")


@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor")
@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        (
            "stages.2.0.attention.bias.table",
            lambda x: x.flatten(1),
            r"is \(2, \d+\), the network needs \(2, \d+, \d+\)",
        ),
        ("stages.2.0.attention.bias.table", lambda x: x[:, :0], r"is \(2, 0, \d+\), the network needs"),
        ("stages.1.0.attention.logits.rows", lambda x: x[:0], r"is \(0, 8\), the network needs"),
        (
            "head.classifier.weight",
            lambda x: x.to_sparse(),
            "is torch.sparse_coo; the network needs a dense tensor of torch.fl",
        ),
        ("head.classifier.weight", lambda x: x.to("meta"), "is on torch's meta device, without numbers; the network"),
        (
            "head.classifier.weight",
            lambda x: torch.quantize_per_tensor(x, 0.1, 0, torch.qint8),
            "is quantized; the net",
        ),
        (
            "head.classifier.weight",
            lambda x: x.to(torch.int8),
            r"is torch\.int8; the network needs a dense .* save the",
        ),
        ("head.classifier.weight", lambda x: x.to(torch.complex64), r"is torch\.complex64; the network needs a dense"),
    ],
)
def test_a_weight_that_cannot_be_loaded_without_loss_is_refused_by_its_name(
    name: str, change: Callable[[torch.Tensor], torch.Tensor], said: str
) -> None:
    network = build(_architecture(32), seed=0)
    state = network.state_dict()
    with pytest.raises(SettingError, match=f"the weight '{re.escape(name)}' {said}"):
        adapt(state | {name: change(state[name])}, network)


@torch.no_grad()
def test_weights_of_other_numbers_are_resized_as_those_of_the_network() -> None:
    """Torch scales no table of eight bits."""
    state, larger = build(_architecture(32), seed=0).state_dict(), build(_architecture(64))
    eight = {name: x.to(torch.float8_e4m3fn) if x.is_floating_point() else x for name, x in state.items()}
    adapted = adapt(eight, larger)
    exact = adapt({name: x.float() if x.is_floating_point() else x for name, x in eight.items()}, larger)
    larger.load_state_dict(adapted)
    assert all(torch.equal(x.float(), exact[name].float()) for name, x in adapted.items())


def test_weights_of_another_network_are_refused() -> None:
    state, network = build(SMALL).state_dict(), build(SMALL)
    with pytest.raises(SettingError, match=r"no weight 'heed.token'. Did you mean 'head.token'"):
        adapt(state | {"heed.token": torch.zeros(1)}, network)
    with pytest.raises(SettingError, match=r"'head\.token' is missing"):
        adapt({k: v for k, v in state.items() if k != "head.token"}, network)
    with pytest.raises(SettingError, match=r"'head\.classifier\.weight' is \(5, 16\), the network needs \(7, 16\)"):
        adapt(state, build(replace(SMALL, classes=7)))
    heads = {k: v[:1] if k.endswith("bias.table") else v for k, v in state.items()}
    with pytest.raises(SettingError, match=r"stages\.0\.0\.attention\.bias\.table"):
        adapt(heads, build(LARGE))
