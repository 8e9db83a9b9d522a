"""SynFlow: the flow through networks small enough to be computed by hand, and its law on every block."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from nas.evaluation.zero_cost import Sample
from nas.evaluation.zero_cost.synflow import synflow
from nas.network.architecture import Architecture, HeadSpec, StageSpec, StemSpec
from nas.network.build import build
from nas.network.layers.attention import SelfAttention
from nas.network.properties import width_for
from nas.registry import BLOCKS
from nas.training.catalogue import load_task

FIRST = torch.tensor([[1.0, -2.0], [3.0, 4.0]])
SECOND = torch.tensor([[-1.0, 2.0]])
FLOW = 17.0  # (1, 2) |SECOND| on (1 + 2, 3 + 4) |FIRST| (1, 1)


def linear(weight: Tensor) -> nn.Linear:
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=False)
    layer.weight.data = weight.clone()
    return layer


def flow(network: Any, x: Tensor) -> float:
    return synflow(network, Sample(x, torch.tensor([0, 0]), load_task("classification").loss))


def test_each_layer_carries_the_whole_flow() -> None:
    assert flow(nn.Sequential(linear(FIRST), linear(SECOND)), torch.randn(2, 2)) == pytest.approx(2 * FLOW)


@pytest.mark.parametrize(
    "between",
    [nn.ReLU(), nn.GELU(), nn.SiLU(), nn.ReLU6(), nn.Tanh(), nn.Hardswish(), nn.BatchNorm1d(2), nn.LayerNorm(2)],
    ids=lambda module: type(module).__name__,
)
def test_activations_and_norms_let_it_pass(between: nn.Module) -> None:
    for parameter in between.parameters():
        nn.init.constant_(parameter, -3.0)
    assert flow(nn.Sequential(linear(FIRST), between, linear(SECOND)), torch.randn(2, 2)) == pytest.approx(2 * FLOW)


def test_a_kernel_is_summed_where_it_lies_on_the_map() -> None:
    """A 3 x 3 kernel of ones on 2 x 2 ones, padded: each of four places sees four pixels."""
    conv = nn.Conv2d(1, 1, 3, padding=1, bias=False)
    nn.init.constant_(conv.weight, -1.0)
    assert flow(nn.Sequential(conv, nn.Flatten()), torch.randn(2, 1, 2, 2)) == pytest.approx(16.0)


def test_attention_is_the_mean_of_its_values() -> None:
    """Queries and keys carry nothing: each of three equal tokens gets `|out| |value| 1`."""
    attention = SelfAttention(2, 2, head_dim=2)
    nn.init.zeros_(attention.qkv.bias)
    nn.init.zeros_(attention.out.bias)
    attention.qkv.weight.data[:4] = 100.0
    attention.qkv.weight.data[4:] = FIRST
    attention.out.weight.data = torch.tensor([[-1.0, 2.0], [0.0, 0.0]])
    assert flow(attention, torch.randn(2, 3, 2)) == pytest.approx(2 * 3 * FLOW)


def test_the_flow_through_a_hundred_wide_layers_is_a_number() -> None:
    layers = [linear(torch.ones(64, 64)) for _ in range(100)]
    assert flow(nn.Sequential(*layers), torch.randn(2, 64)) == pytest.approx(100 * 64.0**101)


def test_a_mask_stays_a_mask() -> None:
    layer = linear(torch.ones(4, 4))
    expected = flow(layer, torch.randn(2, 4))
    layer.register_buffer("mask", torch.zeros(2, dtype=torch.bool))
    assert flow(layer, torch.randn(2, 4)) == expected


@pytest.mark.parametrize("block", BLOCKS.names())
def test_the_flow_of_a_block_is_linear_in_the_signal(block: str) -> None:
    """Twice the stem's kernels, twice the flow: softmax, gates and norms left in place would break it."""
    width = width_for(BLOCKS.get(block))
    stages = (StageSpec(block, 2, width, 2), StageSpec(block, 1, 2 * width, 1))
    network = build(Architecture(StemSpec("conv", 8), stages, HeadSpec("pool"), "tiny", 16, 1, 3), seed=0)
    kernels = {id(m.weight) for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)}
    for parameter in network.parameters():
        if id(parameter) not in kernels:
            nn.init.zeros_(parameter)  # positions and biases are added to the signal, not carried by it
    before = flow(network, torch.randn(2, 1, 16, 16))
    with torch.no_grad():
        network.stem.conv1.weight.mul_(2)
    assert flow(network, torch.randn(2, 1, 16, 16)) == pytest.approx(2 * before, rel=1e-9)
    assert before > 0
