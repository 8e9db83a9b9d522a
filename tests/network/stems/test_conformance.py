"""What every stem keeps: run over the registry, so that a new kind is tested by existing."""

from typing import Any

import conformance
import pytest
import torch
from timm_models import scrambled

from nas.network.options import Scalar
from nas.registry import STEMS

KINDS = STEMS.names()
SIDES = [(32, 32), (37, 50), (16, 5)]


def _stem(kind: str, channels: int = 3, **chosen: Scalar) -> Any:
    """In eval mode, with no weight at a value that would hide a layer."""
    width = conformance.width_for(STEMS, kind, **chosen)
    return scrambled(STEMS.get(kind)(channels, width, **chosen))


def _assert_shape(stem: Any, width: int, side: tuple[int, int], channels: int = 3) -> None:
    out = stem(torch.randn(1, channels, *side))
    assert out.shape == (1, width, *(-(-length // stem.stride) for length in side))
    assert out.isfinite().all()


@torch.no_grad()
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("side", SIDES, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_the_map_has_the_promised_shape(kind: str, side: tuple[int, int], channels: int) -> None:
    _assert_shape(_stem(kind, channels), conformance.width_for(STEMS, kind), side, channels)


@torch.no_grad()
@pytest.mark.parametrize(("kind", "option", "value"), conformance.options(STEMS))
def test_every_value_of_every_option_builds(kind: str, option: str, value: Scalar) -> None:
    width = conformance.width_for(STEMS, kind, **{option: value})
    _assert_shape(_stem(kind, **{option: value}), width, (37, 50))


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_reach_every_parameter(kind: str) -> None:
    conformance.assert_gradients_reach_every_parameter(_stem(kind), torch.randn(2, 3, 33, 40))


@torch.no_grad()
@pytest.mark.parametrize("kind", KINDS)
def test_evaluation_is_the_same_twice_and_image_by_image(kind: str) -> None:
    stem, x = _stem(kind), torch.randn(2, 3, 33, 40)
    together = stem(x)
    assert torch.equal(stem(x), together)
    torch.testing.assert_close(torch.cat([stem(x[:1]), stem(x[1:])]), together, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_channels_last_changes_nothing(kind: str) -> None:
    conformance.assert_same_in_channels_last(_stem(kind), torch.randn(2, 3, 33, 40))


@pytest.mark.parametrize("kind", KINDS)
def test_bfloat16_autocast_runs(kind: str) -> None:
    conformance.assert_runs_in_bfloat16(_stem(kind), torch.randn(2, 3, 33, 40))


@pytest.mark.parametrize("kind", KINDS)
def test_state_round_trips(kind: str) -> None:
    fresh = STEMS.get(kind)(3, conformance.width_for(STEMS, kind))
    conformance.assert_state_round_trips(_stem(kind), fresh, torch.randn(2, 3, 33, 40))


@pytest.mark.parametrize("kind", KINDS)
def test_a_stem_exports(kind: str) -> None:
    conformance.assert_exports(_stem(kind), torch.randn(2, 3, 33, 40))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_stem_compiles(kind: str) -> None:
    conformance.assert_compiles(_stem(kind), torch.randn(2, 3, 32, 32))
