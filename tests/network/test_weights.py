"""Weights from files, and for another resolution."""

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from nas.errors import SettingError
from nas.network.architecture import Architecture
from nas.network.build import build
from nas.network.weights import adapt, load_weights, read
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


def test_what_is_no_file_of_weights_is_refused(tmp_path: Path) -> None:
    trap, text, cut, other = (tmp_path / name for name in ("trap.pt", "text.pt", "cut.safetensors", "other.pt"))
    trap.write_bytes(pickle.dumps(_Trap(), protocol=2))
    torch.save({"weight": _Trap()}, tmp_path / "trap_2.pt")
    text.write_text("not weights")
    cut.write_bytes(b"\x10\x00")
    torch.save({"epoch": 3}, other)
    for path in (trap, tmp_path / "trap_2.pt", text, cut, other, tmp_path / "missing.pt", tmp_path):
        with pytest.raises(SettingError, match=path.name):
            read(path)


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
