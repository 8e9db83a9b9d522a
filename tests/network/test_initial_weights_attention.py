"""Initial weights of the transformers: truncated normal with deviation 0.02, biases zero, tables as published."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from nas.network.blocks import Site
from nas.registry import BLOCKS

SITE = Site(64, 128, 2, (16, 16), token=False)


def _matrices(kind: str) -> dict[str, Tensor]:
    block = BLOCKS.get(kind)(SITE, head_dim=32)
    linear = {n: m for n, m in block.named_modules() if isinstance(m, nn.Linear)}
    assert all(m.bias is None or not m.bias.any() for m in linear.values())
    return {name: m.weight for name, m in linear.items()}


@pytest.mark.parametrize("kind", ["vit", "shaw", "bello", "cvt", "swin", "transformer", "moat"])
def test_matrices_have_a_deviation_of_two_hundredths(kind: str) -> None:
    torch.manual_seed(0)
    for name, weight in _matrices(kind).items():
        assert weight.std().item() == pytest.approx(0.02, rel=0.05), name
        assert abs(weight.mean().item()) < 1e-3, name


@pytest.mark.parametrize(
    ("kind", "table"),
    [("vit", "positions.map"), ("swin", "attention.bias.table"), ("transformer", "attention.bias.table"),
     ("moat", "attention.bias.table")],
)  # fmt: skip
def test_tables_too(kind: str, table: str) -> None:
    torch.manual_seed(0)
    block: Any = BLOCKS.get(kind)(SITE, head_dim=32)
    assert block.get_parameter(table).std().item() == pytest.approx(0.02, rel=0.1)


def test_relative_logits_are_scaled_by_the_width_of_a_head() -> None:
    torch.manual_seed(0)
    logits: Any = BLOCKS.get("bello")(SITE, head_dim=32).attention.logits
    for table in (logits.rows, logits.columns):
        assert table.std().item() == pytest.approx(32**-0.5, rel=0.2)
