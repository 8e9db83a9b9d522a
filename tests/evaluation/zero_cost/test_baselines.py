"""The baselines: parameters and multiply-adds of a network small enough to count."""

import torch

from nas.evaluation.zero_cost import Sample
from nas.evaluation.zero_cost.baselines import macs, params
from nas.network.architecture import Architecture, HeadSpec, StageSpec, StemSpec
from nas.network.build import build
from nas.training.catalogue import load_task

NET = Architecture(
    StemSpec("patchify", 8, {"patch_size": 4}), (StageSpec("conv", 1, 8, 1),), HeadSpec("pool"), "net", 16, 3, 5
)
BATCH = Sample(torch.randn(2, 3, 16, 16), torch.tensor([0, 1]), load_task("classification").loss)


def test_a_small_network_is_counted() -> None:
    network, places = build(NET, seed=0), 4 * 4
    stem, convs, classifier = 3 * 4 * 4 * 8, 2 * 8 * 3 * 3 * 8, 8 * 5
    assert macs(network, BATCH) == places * (stem + convs) + classifier
    norms_and_biases = sum(p.numel() for p in network.parameters() if p.ndim == 1)
    assert params(network, BATCH) == stem + convs + classifier + norms_and_biases
    assert norms_and_biases >= 2 * 2 * 8 + 5
