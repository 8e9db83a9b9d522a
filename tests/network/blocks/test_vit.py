"""ViT's block: where its positions stand, and the class token beside its map."""

import pytest
import torch

from nas.network.blocks import Site
from nas.network.blocks.vit import ViT

SITE = Site(8, 8, 1, (3, 4), depth=2)
INNER = Site(8, 8, 1, (3, 4), index=1, depth=2)


def _parameters(site: Site, position: str) -> int:
    return sum(p.numel() for p in ViT(site, head_dim=4, position=position).parameters())  # type: ignore[arg-type]


def test_positions_are_added_once_a_stage() -> None:
    assert _parameters(SITE, "learned") - _parameters(SITE, "none") == 8 * 3 * 4
    assert _parameters(SITE, "sinusoidal") == _parameters(SITE, "none")
    assert _parameters(INNER, "learned") == _parameters(INNER, "none")


@torch.no_grad()
def test_without_positions_the_order_of_places_is_unknown() -> None:
    x = torch.randn(1, 8, 3, 4)
    flipped = x.flip(2, 3)
    for position, known in (("none", False), ("learned", True), ("sinusoidal", True)):
        block = ViT(SITE, head_dim=4, position=position)  # type: ignore[arg-type]
        assert torch.allclose(block(flipped), block(x).flip(2, 3), atol=1e-5) is not known, position


@torch.no_grad()
def test_map_and_token_attend_each_other() -> None:
    block = ViT(Site(8, 8, 1, (3, 4), token=True), head_dim=4)
    for name, parameter in block.named_parameters():
        if "qkv" in name or "out" in name:
            parameter.normal_()
    x, token = torch.randn(1, 8, 3, 4), torch.randn(1, 1, 8)
    out, out_token = block(x, token)
    assert out.shape == x.shape
    assert out_token.shape == token.shape
    assert not torch.allclose(block(x + torch.randn_like(x), token)[1], out_token)
    assert not torch.allclose(block(x, token + torch.randn_like(token))[0], out)


@pytest.mark.parametrize(("width", "fits"), [(16, True), (18, False)])
def test_sines_need_four_channels_a_frequency(width: int, fits: bool) -> None:
    assert (ViT.misfit("position", "sinusoidal", width) is None) is fits
    assert ViT.misfit("position", "learned", width) is None
    assert ViT.misfit("head_dim", 5, width) is not None
