"""The yardstick itself."""

import sys
from typing import Any

import torch
from timm_models import relative_error, scrambled, transplant


def test_timm_builds_without_torchvision(timm: Any) -> None:
    assert callable(timm.create_model("mobilenetv2_035", num_classes=2))
    assert "torchvision" not in sys.modules or hasattr(sys.modules["torchvision"], "__file__"), "no stand-in is left"


def test_transplanted_weights_are_the_same_function(timm: Any) -> None:
    source = scrambled(timm.create_model("mobilenetv2_035", num_classes=2))
    target = timm.create_model("mobilenetv2_035", num_classes=2).eval()
    images = torch.randn(1, 3, 32, 32)
    with torch.no_grad():
        assert relative_error(target(images), source(images)) > 1e-2
        transplant(source, target)
        assert relative_error(target(images), source(images)) == 0
