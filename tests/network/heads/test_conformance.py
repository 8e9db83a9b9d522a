"""What every head keeps: run over the registry, so that a new kind is tested by existing."""

from typing import Any

import conformance
import pytest
import torch
from timm_models import scrambled
from torch import nn

from nas.network.options import Scalar
from nas.registry import HEADS

KINDS = HEADS.names()
MAPS = [(7, 7), (3, 5), (1, 1)]
CLASSES = 10


def _width(kind: str, **chosen: Scalar) -> int:
    return conformance.width_for(HEADS, kind, **chosen)


def _head(kind: str, **chosen: Scalar) -> Any:
    """In eval mode, with no weight at a value that would hide a layer."""
    return _Fed(scrambled(HEADS.get(kind)(_width(kind, **chosen), CLASSES, **chosen)))


class _Fed(nn.Module):
    """A head on a map; a head that wants a class token is given its own, mixed with the map as the stage does."""

    def __init__(self, head: Any) -> None:
        super().__init__()
        self.head = head

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features = self.head.token + x.mean((2, 3))[:, None] if self.head.wants_token else x
        return self.head(features)


def _map(kind: str, size: tuple[int, int] = (4, 3), **chosen: Scalar) -> torch.Tensor:
    return torch.randn(2, _width(kind, **chosen), *size)


@torch.no_grad()
@pytest.mark.parametrize("size", MAPS, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_there_is_one_score_a_class(kind: str, size: tuple[int, int]) -> None:
    scores = _head(kind)(_map(kind, size))
    assert scores.shape == (2, CLASSES)
    assert scores.isfinite().all()


@torch.no_grad()
@pytest.mark.parametrize(("kind", "option", "value"), conformance.options(HEADS))
def test_every_value_of_every_option_builds(kind: str, option: str, value: Scalar) -> None:
    chosen = {option: value}
    assert _head(kind, **chosen)(_map(kind, **chosen)).shape == (2, CLASSES)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_reach_every_parameter(kind: str) -> None:
    conformance.assert_gradients_reach_every_parameter(_head(kind), _map(kind))


@torch.no_grad()
@pytest.mark.parametrize("kind", KINDS)
def test_evaluation_is_the_same_twice_and_image_by_image(kind: str) -> None:
    head, x = _head(kind), _map(kind)
    together = head(x)
    assert torch.equal(head(x), together)
    torch.testing.assert_close(torch.cat([head(x[:1]), head(x[1:])]), together, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_channels_last_changes_nothing(kind: str) -> None:
    conformance.assert_same_in_channels_last(_head(kind), _map(kind))


@pytest.mark.parametrize("kind", KINDS)
def test_bfloat16_autocast_runs(kind: str) -> None:
    conformance.assert_runs_in_bfloat16(_head(kind), _map(kind))


@pytest.mark.parametrize("kind", KINDS)
def test_state_round_trips(kind: str) -> None:
    conformance.assert_state_round_trips(_head(kind), _Fed(HEADS.get(kind)(_width(kind), CLASSES)), _map(kind))


@pytest.mark.parametrize("kind", KINDS)
def test_a_head_exports(kind: str) -> None:
    conformance.assert_exports(_head(kind), _map(kind))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_head_compiles(kind: str) -> None:
    conformance.assert_compiles(_head(kind), _map(kind))
