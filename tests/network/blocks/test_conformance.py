"""What every block keeps: run over the registry, so that a new kind is tested by existing."""

from collections import Counter
from dataclasses import replace
from typing import Any

import conformance
import pytest
import torch
from timm_models import scrambled
from torch import nn

from nas.network.blocks import Block, Site
from nas.network.options import Scalar
from nas.registry import BLOCKS

KINDS = BLOCKS.names()
IN_WIDTH = 24
MAPS = [(8, 8), (7, 5), (2, 9), (1, 1)]


def _site(kind: str, stride: int = 1, resolution: tuple[int, int] = (8, 6), **chosen: Scalar) -> Site:
    return Site(IN_WIDTH, conformance.width_for(BLOCKS, kind, **chosen), stride, resolution)


def _block(kind: str, site: Site, **chosen: Scalar) -> Any:
    """In eval mode, with no weight at a value that would hide a branch."""
    return scrambled(BLOCKS.get(kind)(site, **chosen))


def _images(site: Site, batch: int = 2) -> torch.Tensor:
    return torch.randn(batch, site.in_width, *site.resolution)


def test_letters_differ() -> None:
    letters = {kind: BLOCKS.get(kind).letter for kind in KINDS}
    assert max(Counter(letters.values()).values()) == 1, letters
    assert all(letter.isalpha() and letter.isupper() and len(letter) <= 2 for letter in letters.values())


@pytest.mark.parametrize("kind", KINDS)
def test_a_block_says_what_it_is(kind: str) -> None:
    block = BLOCKS.get(kind)
    assert issubclass(block, Block)
    assert block.__doc__
    assert "https://" in (__import__(block.__module__, fromlist=["_"]).__doc__ or ""), "the paper's link comes first"


@torch.no_grad()
@pytest.mark.parametrize("resolution", MAPS, ids=str)
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_the_map_has_the_promised_shape(kind: str, stride: int, resolution: tuple[int, int]) -> None:
    site = _site(kind, stride, resolution)
    out = _block(kind, site)(_images(site, batch=1))
    assert out.shape == (1, site.width, *site.out_resolution)
    assert out.isfinite().all()


@torch.no_grad()
@pytest.mark.parametrize("kind", KINDS)
def test_a_block_keeps_a_width(kind: str) -> None:
    site = replace(_site(kind), in_width=conformance.width_for(BLOCKS, kind), index=1, depth=2)
    assert _block(kind, site)(_images(site)).shape == (2, site.width, 8, 6)


@torch.no_grad()
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize(("kind", "option", "value"), conformance.options(BLOCKS))
def test_every_value_of_every_option_builds(kind: str, option: str, value: Scalar, stride: int) -> None:
    site = _site(kind, stride, (9, 6), **{option: value})
    out = _block(kind, site, **{option: value})(_images(site, batch=1))
    assert out.shape == (1, site.width, *site.out_resolution)
    assert out.isfinite().all()


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_gradients_reach_every_parameter(kind: str, stride: int) -> None:
    site = _site(kind, stride, (7, 5))
    conformance.assert_gradients_reach_every_parameter(_block(kind, site), _images(site))


@pytest.mark.parametrize(("kind", "option", "value"), conformance.options(BLOCKS))
def test_gradients_reach_the_parameters_of_every_option(kind: str, option: str, value: Scalar) -> None:
    site = _site(kind, 1, (6, 4), **{option: value})
    conformance.assert_gradients_reach_every_parameter(_block(kind, site, **{option: value}), _images(site))


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_a_single_odd_image_trains(kind: str, stride: int) -> None:
    site = replace(_site(kind, stride, (7, 5)), drop_path=0.2)
    block = BLOCKS.get(kind)(site).train()
    block(_images(site, batch=1)).square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in block.parameters())


@torch.no_grad()
@pytest.mark.parametrize("kind", KINDS)
def test_drop_path_is_for_training_only(kind: str) -> None:
    site = replace(_site(kind), in_width=conformance.width_for(BLOCKS, kind))
    dropping = _block(kind, replace(site, drop_path=0.5))
    plain = _block(kind, site)
    plain.load_state_dict(dropping.state_dict())
    x = _images(site)
    assert torch.equal(dropping(x), plain(x))
    assert dropping.train()(x).isfinite().all()


@torch.no_grad()
@pytest.mark.parametrize("kind", KINDS)
def test_evaluation_is_the_same_twice_and_image_by_image(kind: str) -> None:
    site = _site(kind, 2, (7, 5))
    block, x = _block(kind, site), _images(site)
    together = block(x)
    assert torch.equal(block(x), together)
    torch.testing.assert_close(torch.cat([block(x[:1]), block(x[1:])]), together, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_the_input_is_left_as_it_was(kind: str) -> None:
    site = replace(_site(kind), in_width=conformance.width_for(BLOCKS, kind))
    x = _images(site)
    before = x.clone()
    with torch.no_grad():
        _block(kind, site)(x)
    assert torch.equal(x, before)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_channels_last_changes_nothing(kind: str, stride: int) -> None:
    site = _site(kind, stride, (7, 5))
    conformance.assert_same_in_channels_last(_block(kind, site), _images(site))


@pytest.mark.parametrize("kind", KINDS)
def test_bfloat16_autocast_runs(kind: str) -> None:
    site = _site(kind, 2)
    block = _block(kind, site)
    conformance.assert_runs_in_bfloat16(block, _images(site))
    with torch.autocast("cpu", torch.bfloat16):
        loss = block.train()(_images(site)).float().square().mean()
    loss.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in block.parameters())


@pytest.mark.parametrize("kind", KINDS)
def test_state_round_trips(kind: str) -> None:
    site = _site(kind, 2)
    block, fresh = _block(kind, site), BLOCKS.get(kind)(site)
    conformance.assert_state_round_trips(block, fresh, _images(site))


@pytest.mark.parametrize("kind", KINDS)
def test_a_block_can_be_counted_without_memory(kind: str) -> None:
    site = _site(kind, 2, (7, 5))
    with torch.device("meta"):
        block: nn.Module = BLOCKS.get(kind)(site).eval()
        out = block(torch.empty(1, site.in_width, *site.resolution))
    assert out.shape == (1, site.width, *site.out_resolution)
    assert all(p.is_meta for p in block.parameters())


@pytest.mark.parametrize("kind", KINDS)
def test_a_block_exports(kind: str) -> None:
    site = _site(kind, 2, (7, 5))
    conformance.assert_exports(_block(kind, site), _images(site))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_block_compiles(kind: str) -> None:
    site = _site(kind, 2)
    conformance.assert_compiles(_block(kind, site), _images(site))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("kind", KINDS)
def test_a_block_moves_to_a_gpu(kind: str) -> None:
    site = _site(kind, 2, (7, 5))
    block, x = _block(kind, site), _images(site)
    with torch.no_grad():
        expected = block(x)
        found = block.cuda()(x.cuda()).cpu()
    torch.testing.assert_close(found, expected, rtol=1e-2, atol=1e-2)
