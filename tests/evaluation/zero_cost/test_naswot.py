"""NASWOT: kernels of codes that can be counted by hand, and Hamming distances taken apart from the score's code."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from nas.evaluation.zero_cost import Sample
from nas.evaluation.zero_cost.naswot import naswot
from nas.network.architecture import Architecture, HeadSpec, StageSpec, StemSpec
from nas.network.build import build
from nas.training.catalogue import load_task

X = torch.tensor([[1.0, 1.0, -1.0], [1.0, -1.0, -1.0]])  # codes 110 and 100: three units, two agree
ACTIVATIONS = [nn.ReLU(), nn.ReLU(inplace=True), nn.GELU(), nn.SiLU(), nn.ReLU6(), nn.Hardswish(), nn.Sigmoid()]


def scored(network: Any, x: Tensor) -> float:
    return naswot(network, Sample(x, torch.zeros(len(x), dtype=torch.long), load_task("classification").loss))


class Method(nn.Module):
    """The activation that no module stands for."""

    def forward(self, x: Tensor) -> Tensor:
        return (1 * x).relu_()


@pytest.mark.parametrize("activation", [*ACTIVATIONS, Method()], ids=lambda module: type(module).__name__)
def test_the_kernel_counts_agreeing_units(activation: Any) -> None:
    """K = [[3, 2], [2, 3]], so |K| = 5."""
    assert scored(activation, X.clone()) == pytest.approx(math.log(5))


def test_the_units_of_all_layers_stand_in_one_code() -> None:
    """The second layer sees (1, 1, 0) and (1, 0, 0), less a half: 110 and 100 again. |[[6, 4], [4, 6]]| = 20."""
    second = nn.Linear(3, 3)
    second.weight.data, second.bias.data = torch.eye(3), torch.full((3,), -0.5)
    network: Any = nn.Sequential(nn.ReLU(), second, nn.ReLU())
    assert scored(network, X) == pytest.approx(math.log(20))


def test_images_with_one_code_cannot_be_told_apart() -> None:
    network: Any = nn.ReLU()
    assert scored(network, torch.ones(2, 3)) == -math.inf


def test_a_network_without_gates_tells_nothing_apart() -> None:
    network: Any = nn.Linear(3, 3)
    assert scored(network, X) == -math.inf


def test_a_hybrid_is_scored_by_the_signs_before_its_activations() -> None:
    """All activations of this network are modules: hooks, numpy and Hamming distances give the same kernel."""
    stages = (
        StageSpec("mbconv", 1, 8, 2, {"se_ratio": 0.0}),
        StageSpec("transformer", 1, 8, 1, {"head_dim": 4}),
    )
    network = build(Architecture(StemSpec("conv", 8), stages, HeadSpec("pool"), "tiny", 16, 1, 3), seed=0)
    x = torch.randn(6, 1, 16, 16, generator=torch.Generator().manual_seed(1))
    expected = scored(network, x)
    codes: list[Any] = []
    for module in network.modules():
        if isinstance(module, nn.GELU):
            module.register_forward_pre_hook(lambda _, given: codes.append(given[0].detach().numpy().reshape(6, -1)))
    network.train()(x)
    code = np.concatenate(codes, axis=1) > 0
    kernel = [[code.shape[1] - np.count_nonzero(a != b) for b in code] for a in code]
    assert len(codes) == 4
    assert expected == pytest.approx(np.linalg.slogdet(np.array(kernel, float))[1])
