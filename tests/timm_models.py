"""timm, the yardstick of our blocks, where torchvision cannot be had (it has no build for this CPU torch).

timm takes from torchvision image transforms, data sets and two classes for `isinstance`; no model needs any
of them. While timm is imported, classes without content stand for them.
"""

import re
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

from nas.network.properties import scrambled as scrambled

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


def transplant(source: nn.Module, target: nn.Module, rename: Callable[[str], str] | None = None) -> None:
    """Move every weight and statistic of `source` into `target`.

    Without `rename` (a name in `source` -> the name in `target`) both must list them in the same order.
    """
    theirs, ours = source.state_dict(), target.state_dict()
    assert len(theirs) == len(ours), f"{len(theirs)} tensors against {len(ours)}"
    names = [rename(name) for name in theirs] if rename else list(ours)
    state = {name: tensor.reshape(ours[name].shape) for name, tensor in zip(names, theirs.values(), strict=True)}
    target.load_state_dict(state)


# timm's names -> ours, as patterns tried in turn
COATNET = {
    r"stem\.norm1": "stem.norm",
    r"blocks\.": "",
    r"shortcut\.expand": "shortcut.1",
    r"pre_norm": "branch.norm",
    r"conv1_1x1": "branch.expand",
    r"conv2_kxk": "branch.depthwise",
    r"conv3_1x1": "branch.project",
    r"(stages\.[01]\.\d)\.norm1": r"\1.branch.expand_norm",
    r"(stages\.[01]\.\d)\.norm2": r"\1.branch.depthwise_norm",
    r"se\.fc1": "branch.gate.reduce",
    r"se\.fc2": "branch.gate.expand",
    r"norm1\.norm": "norm1",
    r"head\.pre_logits\.fc": "head.hidden.0",
}
SWIN = {
    r"patch_embed\.proj": "stem.embed.project",
    r"patch_embed\.norm": "stem.embed.norm",
    r"layers\.(\d)\.downsample\.reduction": r"stages.\1.0.merge.reduce",
    r"layers\.(\d)\.downsample": r"stages.\1.0.merge",
    r"layers\.(\d)\.blocks": r"stages.\1",
    r"^norm": "head.norm",
}
VIT = {
    r"cls_token": "head.token",
    r"patch_embed\.proj": "stem.project",
    r"blocks": "stages.0",
    r"^norm": "head.norm",
    r"^head\.(weight|bias)": r"head.classifier.\1",
}
SHARED = {
    r"attn\.(rel_pos\.)?relative_position_bias_table": "attention.bias.table",
    r"attn\.proj": "attention.out",
    r"attn": "attention",
    r"mlp\.fc1": "mlp.expand",
    r"mlp\.fc2": "mlp.project",
    r"head\.fc": "head.classifier",
}


def move(source: nn.Module, target: nn.Module, names: dict[str, str], *, by_head: bool = False) -> None:
    """timm's weights into ours; `by_head`: timm keeps a head's queries, keys and values together."""
    ours, moved = target.state_dict(), {}
    for name, value in source.state_dict().items():
        if name == "pos_embed":
            moved["stages.0.0.positions.token"] = value[0, 0]
            name, value = "stages.0.0.positions.map", value[0, 1:].T
        for pattern, ours_name in (names | SHARED).items():
            name = re.sub(pattern, ours_name, name)
        if name.endswith("bias.table"):
            value = value.T
        if by_head and ".qkv." in name:
            value = _heads_last(value)
        moved[name] = value.reshape(ours[name].shape)
    target.load_state_dict(moved)


def _heads_last(qkv: Tensor, head_dim: int = 32) -> Tensor:
    return qkv.view(-1, 3, head_dim, *qkv.shape[1:]).transpose(0, 1).reshape(qkv.shape)


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
