"""Memory: what is counted on the meta device is what tensors take where they are real."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from small_detection import NET
from torch import nn

from nas.costs.counts import cost
from nas.costs.memory import _bytes, _held, _Live, inference_memory, training_memory
from nas.network.architecture import Architecture
from nas.network.build import build
from nas.registry import BLOCKS
from nas.space.library import load_architecture, load_space
from nas.training.catalogue import load_task

CLASSIFICATION = load_task("classification")


def test_a_chain_of_maps_is_counted_by_hand():
    """1,000 numbers in, the same kept by the caller, two maps of 1,000 alive at once: each frees the one before."""
    network = nn.Sequential(nn.ReLU(), nn.Tanh(), nn.Sigmoid())
    x = torch.empty(1000, device="meta")
    with torch.inference_mode(), _Live([x]) as live:
        network(x)
    assert live.peak == 2 * 4 * 1000


def test_views_and_weights_take_nothing_more():
    weight = torch.empty(10, 10, device="meta")
    with torch.inference_mode(), _Live([weight]) as live:
        weight.view(100).reshape(20, 5)[1:].t()
    assert live.peak == 0


@pytest.mark.parametrize("block", ["conv", "mbconv", "moat"])
def test_the_meta_device_counts_what_the_processor_holds(block):
    """The transformer is left out: the processor fuses attention, the meta device need not."""
    space = load_space("cvt_family")
    a = space.decide(lambda name, values: block if name.endswith(".block") else values[-1])
    network, x = build(a, seed=0).eval(), torch.zeros(1, 3, 32, 32)
    held = _held(network, x)
    with torch.inference_mode(), _Live(held) as live:
        network(x)
    expected = sum(t.untyped_storage().nbytes() for t in held) + live.peak
    assert inference_memory(a) == pytest.approx(expected, rel=0.02)


def step_on_the_processor(a: Architecture, loss: Callable[[Any], torch.Tensor]) -> int:
    """The bytes that one training step on four images takes where tensors are real."""
    network, x = build(a, seed=0).train(), torch.zeros(4, *a.image_shape)
    held = _held(network, x)
    with _Live(held) as live:
        loss(network(x)).backward()
    return _bytes(held) + 2 * _bytes(list(network.parameters())) + live.peak


@pytest.mark.parametrize("block", ["vit", "transformer", "moat", "cvt", "swin", "shaw", "bello"])
def test_attention_that_trains_counts_what_the_processor_keeps_of_it(block):
    """Fused attention keeps no weights for the backward pass; attention with a learnt bias keeps them once."""
    stage = {"block": block, "depth": 2, "width": 32, "stride": 1, "head_dim": 16}
    stem = {"kind": "patchify", "width": 16, "patch_size": 2}
    a = load_architecture({"name": block, "resolution": 32, "channels": 3, "classes": 10, "stem": stem,
                           "stages": [stage], "head": {"kind": "pool"}})  # fmt: skip
    task = replace(CLASSIFICATION, loss=lambda scores, labels: scores.sum())
    assert training_memory(a, 4, task) == step_on_the_processor(a, torch.sum)


@pytest.mark.parametrize("dropout", [0.0, 0.1])
@pytest.mark.parametrize("anchors", [False, True])
def test_a_detectors_attention_counts_what_the_processor_keeps_of_it(dropout, anchors):
    head = NET["head"] | {"dropout": dropout, "anchors": anchors, "denoising": 0, "queries": 64, "heads": 4}
    a = load_architecture(NET | {"head": head})
    real = step_on_the_processor(a, lambda out: torch.stack([out.logits.sum(), out.boxes.sum()]).sum())
    assert training_memory(a, 4, load_task("detection")) == real


def test_training_takes_more_and_grows_with_the_batch():
    a = load_architecture("tiny_moat_0")
    weights = 4 * cost(a).params
    sizes = [training_memory(a, batch, CLASSIFICATION) for batch in (1, 2, 4)]
    assert weights < inference_memory(a) < 4 * weights < sizes[0]
    assert sizes[2] - sizes[1] == pytest.approx(2 * (sizes[1] - sizes[0]), rel=0.05)
    assert inference_memory(a, batch=8) > inference_memory(a)


def small(block: str) -> Architecture:
    """The first network of a space whose stages have this block."""
    zoo = load_space("hybrid_zoo").fit(resolution=32, channels=3, classes=10)
    return zoo.decide(lambda name, values: block if block in values else values[0])


@pytest.mark.parametrize("block", BLOCKS.names())
def test_a_network_that_is_built_counts_as_its_architecture_and_is_left_alone(block):
    a = small(block)
    network = build(a, seed=0).to(memory_format=torch.channels_last)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    assert inference_memory(network) == inference_memory(a)
    assert training_memory(network, 4, CLASSIFICATION) == training_memory(a, 4, CLASSIFICATION)
    assert network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(p.grad is None for p in network.parameters())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_numbers_of_another_type_count_as_in_single_precision(dtype):
    a = small("moat")
    network = build(a, seed=0).to(dtype)
    assert inference_memory(network) == inference_memory(a)
    assert training_memory(network, 2, CLASSIFICATION) == training_memory(a, 2, CLASSIFICATION)
    assert {p.dtype for p in network.parameters()} == {dtype}


def test_the_loss_is_the_tasks_own():
    a = small("moat")

    def wasteful(scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return scores.new_zeros(10**8).sum() + scores.sum()

    assert (
        training_memory(a, 1, replace(CLASSIFICATION, loss=wasteful)) - training_memory(a, 1, CLASSIFICATION)
        > 3 * 10**8
    )


@pytest.mark.long
def test_a_detector_trains_with_its_denoising_queries_and_is_left_alone():
    task = load_task("detection")

    def detector(**head: object) -> Architecture:
        return load_architecture(NET | {"head": NET["head"] | head})

    plain, guided = (training_memory(detector(denoising=groups), 4, task) for groups in (0, 5))
    assert inference_memory(detector()) < plain < guided
    assert inference_memory(detector(denoising=0)) < inference_memory(detector()), "the labels are weights"
    network = build(detector(), seed=0)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    assert training_memory(network, 4, task) == training_memory(detector(), 4, task)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    sizes = [training_memory(detector(), batch, task) for batch in (2, 4, 8)]
    assert sizes[2] - sizes[1] == pytest.approx(2 * (sizes[1] - sizes[0]), rel=0.05)
