"""Convolutions that are torch's functions: strided ones that corrupt no memory, depthwise ones quick in bfloat16."""

import subprocess
import sys

import pytest
import torch
from small_models import leave_no_numbers
from torch import nn

from nas.network.layers.residual import MLP, Convolution, Depthwise, InvertedBottleneck, Pointwise

TRAINING = """
import torch
from nas.network.blocks import Site
from nas.network.blocks.attention_augmented import AttentionAugmented
from nas.network.layers.residual import Pointwise
torch.set_num_threads(1)
augmented = AttentionAugmented(Site(12, 16, 2, (64, 64)), residual="basic", kernel_size=1, heads=1, attention_stride=2)
for layer in (Pointwise(12, 8, 2), Pointwise(12, 12, 2), augmented):
    layer.to(memory_format=torch.channels_last)
    for _ in range(20):
        x = torch.randn(36, 12, 64, 64, requires_grad=True)
        layer(x.to(memory_format=torch.channels_last)).square().mean().backward()
print("fine")
"""


@pytest.mark.parametrize(("stride", "side"), [(1, 8), (2, 8), (2, 7)])
def test_training_and_inference_are_the_convolution_of_torch(stride, side):
    ours, theirs = Pointwise(16, 32, stride), nn.Conv2d(16, 32, 1, stride, bias=False)
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(4, 16, side, side)
    for training in (True, False):
        ours.train(training)
        given, wanted = (x.clone().requires_grad_() for _ in range(2))
        out, expected = ours(given), theirs(wanted)
        torch.testing.assert_close(out, expected)
        for layer, value in ((ours, out), (theirs, expected)):
            layer.zero_grad()
            value.square().sum().backward()
        torch.testing.assert_close(given.grad, wanted.grad)
        torch.testing.assert_close(ours.weight.grad, theirs.weight.grad)


def test_narrow_layers_on_large_maps_train_without_a_crash():
    """In a process of its own: torch 2.13's strided convolution ends it by a signal."""
    done = subprocess.run([sys.executable, "-c", TRAINING], capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stdout) == (0, "fine\n"), done.stderr


@pytest.mark.parametrize(("kernel_size", "stride", "side"), [(3, 1, 8), (3, 2, 7), (5, 2, 8)])
def test_a_depthwise_convolution_computes_in_float32_under_a_processors_autocast(kernel_size, stride, side):
    ours = Depthwise(16, kernel_size, stride)
    theirs = nn.Conv2d(16, 16, kernel_size, stride, kernel_size // 2, groups=16, bias=False)
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(4, 16, side, side).bfloat16().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        half = ours(x)
    whole, gradient = theirs(x.float()), torch.randn_like(half)
    assert torch.equal(half, whole.bfloat16())
    assert torch.equal(ours(x.float()), whole)
    half.backward(gradient)
    whole.backward(gradient.float())
    assert torch.equal(ours.weight.grad, theirs.weight.grad)


@pytest.mark.parametrize(("kernel_size", "stride", "side"), [(3, 2, 1), (5, 2, 1), (7, 4, 3)])
@pytest.mark.parametrize("width", [8, 48])
def test_a_convolution_of_a_map_below_its_stride_has_its_gradients_under_a_processors_autocast(
    kernel_size: int, stride: int, side: int, width: int
) -> None:
    ours = Convolution(width, width, kernel_size, stride)
    x, kept = torch.randn(4, width, side, side).bfloat16(), ours.weight.detach().clone().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        half = ours(x)
    leave_no_numbers()
    half.backward(gradient := torch.randn_like(half))
    nn.functional.conv2d(x.float(), kept, None, stride, kernel_size // 2).backward(gradient.float())
    torch.testing.assert_close(ours.weight.grad, kept.grad)


@torch.no_grad()
def test_a_narrow_branch_keeps_one_channel():
    branch = InvertedBottleneck(8, 8, 2, expansion=0.01, kernel_size=3, se_ratio=0.25, stride_on="expand")
    assert branch.eval()(torch.randn(1, 8, 5, 5)).shape == (1, 8, 3, 3)
    assert MLP(8, 0.01).expand.out_features == 1
