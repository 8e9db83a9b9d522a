"""timm, the yardstick of our blocks, where torchvision cannot be had (it has no build for this CPU torch).

timm takes from torchvision image transforms, data sets and two classes for `isinstance`; no model needs any
of them. While timm is imported, classes without content stand for them.
"""

import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any
from unittest.mock import patch

import pytest
import torch
from torch import Tensor, nn

PARTS = (
    "torchvision",
    "torchvision.datasets",
    "torchvision.models",
    "torchvision.models.feature_extraction",
    "torchvision.ops",
    "torchvision.ops.misc",
    "torchvision.transforms",
    "torchvision.transforms.functional",
)


class _Meta(type):
    """Any attribute of the class is its own name, as timm's tables of interpolation modes need."""

    def __getattr__(cls, name: str) -> str:
        if name.startswith("__"):
            raise AttributeError(name)
        return name


class _Empty(ModuleType):
    """A module in which every name is a class without content."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__path__: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return sys.modules.get(f"{self.__name__}.{name}") or _Meta(name, (nn.Module,), {})


def timm() -> Any:
    """The timm package; the test that asks is skipped where it is not installed."""
    if "timm" in sys.modules or find_spec("torchvision"):
        return pytest.importorskip("timm")
    if find_spec("timm") is None:
        pytest.skip("timm is not installed: pip install --no-deps timm, then huggingface_hub and safetensors")
    with patch.dict(sys.modules):
        sys.modules.update({name: _Empty(name) for name in PARTS})
        import_module("timm")
        loaded = {name: module for name, module in sys.modules.items() if name not in PARTS}
    sys.modules.update(loaded)
    return sys.modules["timm"]


def scrambled(model: nn.Module, seed: int = 0) -> nn.Module:
    """The model in eval mode with every weight and statistic random, so that no part of it is an identity."""
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if name.endswith("running_var"):
                tensor.copy_(torch.rand(tensor.shape, generator=rng) + 0.5)
            elif tensor.is_floating_point() and tensor.ndim < 2:
                tensor.add_(torch.randn(tensor.shape, generator=rng) * 0.1)
    return model.eval()


def transplant(source: nn.Module, target: nn.Module, rename: Callable[[str], str] | None = None) -> None:
    """Move every weight and statistic of `source` into `target`.

    Without `rename` (a name in `source` -> the name in `target`) both must list them in the same order.
    """
    theirs, ours = source.state_dict(), target.state_dict()
    assert len(theirs) == len(ours), f"{len(theirs)} tensors against {len(ours)}"
    names = [rename(name) for name in theirs] if rename else list(ours)
    state = {name: tensor.reshape(ours[name].shape) for name, tensor in zip(names, theirs.values(), strict=True)}
    target.load_state_dict(state)


@torch.no_grad()
def assert_same_function(theirs: nn.Module, ours: nn.Module, *sides: int, tolerance: float = 1e-4) -> None:
    """Both give the same scores for random images of each side, to a relative error of `tolerance`."""
    theirs.eval(), ours.eval()
    for side in sides:
        images = torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(side))
        expected, found = theirs(images), ours(images)
        assert relative_error(found, expected) < tolerance, f"at {side} pixels"


def relative_error(found: Tensor, expected: Tensor) -> float:
    """The largest difference as a share of the largest value."""
    return float((found - expected).abs().max() / expected.abs().max())
