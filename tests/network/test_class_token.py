"""The class token: where it joins, what carries it, and what the grammar refuses."""

from typing import Any

import pytest
import torch
from torch import nn

from nas.costs.counts import cost
from nas.errors import SpaceError
from nas.network import properties
from nas.network.architecture import Architecture
from nas.network.build import build, skeleton
from nas.registry import BLOCKS, HEADS
from nas.space.library import load_architecture, load_space

CVT = {"block": "cvt", "depth": 2, "width": 32, "stride": 2, "head_dim": 8}
VIT = {"block": "vit", "depth": 2, "width": 32, "stride": 2, "head_dim": 8}
SWIN = {"block": "swin", "depth": 2, "width": 16, "stride": 1, "head_dim": 8, "window": 3}


def _architecture(*stages: dict[str, Any], head: str = "class_token") -> Architecture:
    stem = {"kind": "swin", "width": 16}
    return load_architecture(
        {"resolution": 36, "classes": 5, "stem": stem, "stages": list(stages), "head": {"kind": head}}
    )


@pytest.mark.parametrize("last", [CVT, VIT], ids=["cvt", "vit"])
def test_a_network_with_a_token_trains_exports_and_counts(last: dict[str, Any]) -> None:
    architecture = _architecture(SWIN, last)
    network = build(architecture, seed=0).train()
    x = torch.randn(2, 3, 36, 36)
    network(x).square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())
    network.eval()
    properties.assert_exports(network, x)
    properties.assert_runs_in_bfloat16(network, x)
    assert cost(architecture).params == sum(p.numel() for p in network.parameters())


@torch.no_grad()
def test_the_token_joins_in_the_last_stage_only() -> None:
    network = build(_architecture(CVT, VIT | {"stride": 1}), seed=0).eval()
    x = torch.randn(1, 3, 36, 36)
    images = network.stages[0](network.stem(x))
    before = network(x)
    network.head.token.normal_()
    assert torch.equal(network.stages[0](network.stem(x)), images)
    assert not torch.allclose(network(x), before)
    assert network.stages[1][0].positions.token.shape == (32,)


def test_vit_has_no_token_entry_where_the_map_is_pooled() -> None:
    pooled = build(_architecture(VIT, head="norm_pool"))
    assert pooled.stages[0][0].positions.token is None


def test_a_last_block_that_carries_no_token_is_refused_when_the_space_is_loaded() -> None:
    with pytest.raises(SpaceError, match=r"stages\.1\.block: the head 'class_token' .*'swin'.* cvt or vit"):
        _architecture(CVT, SWIN)
    space = {
        "stem": {"kind": "conv", "width": 16},
        "stages": [{"block": ["vit", "mbconv"], "depth": 1, "width": 64, "stride": 2}],
        "head": {"kind": "class_token"},
    }
    with pytest.raises(SpaceError, match=r"space: stages\.0\.block: .*'mbconv' does not carry"):
        load_space(space)
    for kinds, size in (("pool", 2), (["pool", "class_token"], 3)):  # behind mbconv only pooling stands
        assert load_space(space | {"head": {"kind": kinds}}).size() == size


def test_who_carries_and_who_wants_a_token() -> None:
    assert {k for k in BLOCKS.names() if BLOCKS.get(k).carries_token} == {"vit", "cvt"}
    assert {k for k in HEADS.names() if HEADS.get(k).wants_token} == {"class_token"}


@pytest.mark.parametrize(("name", "eps"), [("cvt_13", 1e-5), ("cvt_w24", 1e-5), ("deit_ti", 1e-6), ("vit_b_16", 1e-6)])
def test_the_token_is_normed_as_in_the_authors_code(name: str, eps: float) -> None:
    norms = [module.eps for module in skeleton(load_architecture(name)).modules() if isinstance(module, nn.LayerNorm)]
    assert set(norms) == {eps}
