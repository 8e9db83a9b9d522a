"""The published detectors: their sizes, and the function that the published definition computes."""

from typing import Any

import pytest
import torch
from published_detr import PublishedDETR, ResNet50, freeze_as_published, move
from timm_models import relative_error
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from nas.network.build import build, skeleton
from nas.network.properties import scrambled
from nas.space.library import load_architecture

NAMES = {"detr_r50": False, "detr_r50_dc5": True}


def trainable(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


def macs(network: nn.Module, height: int, width: int) -> float:
    """In billions, with attention in plain products, as the fused one counts as nothing."""
    counter: Any = FlopCounterMode(display=False)
    with torch.device("meta"), torch.no_grad(), sdpa_kernel(SDPBackend.MATH), counter:
        network.eval()(torch.empty(1, 3, height, width))
    return counter.get_total_flops() / 2e9


@pytest.mark.parametrize("name", NAMES)
def test_a_published_detector_has_its_size(name: str) -> None:
    network = skeleton(load_architecture(name))
    assert sum(p.numel() for p in network.parameters()) == 41_524_768
    assert trainable(network) == 41_302_368


@pytest.mark.parametrize(("width", "billions"), [(1066, 81.2), (1200, 91.1), (1333, 101.6)])
def test_detr_has_the_counted_multiply_adds(width: int, billions: float) -> None:
    assert round(macs(skeleton(load_architecture("detr_r50")), 800, width), 1) == billions


@pytest.mark.parametrize(("name", "dilated"), NAMES.items())
def test_a_detector_is_the_published_definition(name: str, dilated: bool) -> None:
    """The same parameters, of which the same train, the same multiply-adds, and the same answers."""
    theirs, ours = PublishedDETR(ResNet50(dilated)), build(load_architecture(name), seed=0)
    freeze_as_published(theirs)
    assert trainable(theirs) == trainable(ours)
    with torch.device("meta"):
        counted = macs(PublishedDETR(ResNet50(dilated)), 800, 1066)
    not_asked = 5 * 100 * (256 * 92 + 2 * 256**2 + 256 * 4) / 1e9  # earlier layers' answers, in evaluation
    assert macs(skeleton(load_architecture(name)), 800, 1066) == pytest.approx(counted - not_asked, rel=1e-6)
    move(scrambled(theirs), ours)
    images = torch.randn(2, 3, 96, 130)
    padding = torch.zeros(2, 96, 130, dtype=torch.bool)
    padding[0, 64:], padding[1, :, 96:] = True, True
    with torch.no_grad():
        for given in (None, padding):
            logits, boxes = theirs(images, given)
            found = ours.eval()(images, padding=given)
            assert relative_error(found[..., :4], boxes[-1]) < 1e-4
            assert relative_error(found[..., 4:], logits[-1].softmax(-1)[..., :-1]) < 1e-4


def test_its_training_is_the_published_definitions() -> None:
    """Every layer answers, and each weight has the same gradient."""
    theirs, ours = PublishedDETR(ResNet50(False), dropout=0.0), build(_without_dropout(), seed=0)
    freeze_as_published(theirs)
    move(scrambled(theirs), ours)
    images = torch.randn(2, 3, 64, 96)
    logits, boxes = theirs.train()(images)
    found = ours.train()(images)
    assert relative_error(found.logits.detach(), logits.detach()) < 1e-4
    assert relative_error(found.boxes.detach(), boxes.detach()) < 1e-4
    weights = torch.randn_like(logits), torch.randn_like(boxes)
    for a, b in ((logits, boxes), (found.logits, found.boxes)):
        (a * weights[0]).mean().add((b * weights[1]).mean()).backward()
    pairs = [
        (theirs.backbone.layers[1][0].conv2, ours.stages[1][0].conv),
        (theirs.input_proj, ours.head.projections[0]),
        (theirs.encoder[0].linear1, ours.head.encoder[0].mlp[0]),
        (theirs.decoder[5].multihead_attn.out_proj, ours.head.decoder[5].cross.out),
    ]
    for a, b in pairs:
        assert relative_error(b.weight.grad, a.weight.grad) < 1e-3
    assert ours.stem.conv.weight.grad is None
    assert all(p.grad is None for p in ours.stages[0].parameters())


def _without_dropout() -> Any:
    data = load_architecture("detr_r50").to_dict()
    data["head"]["dropout"] = 0.0
    return load_architecture(data)
