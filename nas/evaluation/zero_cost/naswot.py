"""NASWOT: how well the rectifiers tell images apart, https://arxiv.org/abs/2006.04647v3 (section 3).

The paper has ReLU only, whose output is its input times a gate that is 0 or 1. GELU and SiLU are the input times a
soft gate (Phi(x), sigmoid(x)), and so is what a sigmoid gates (Squeeze-and-Excitation, QuickGELU). Each of these gates
is more than half open where its pre-activation is positive, so the code of every unit is the sign of its
pre-activation; for a network of ReLUs alone that is the paper's score. Softmax has no sign and gives no code.
"""

from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from nas.evaluation.zero_cost import Sample, replica
from nas.network.build import Network

_ATEN = torch.ops.aten
GATES = {
    overload
    for packet in (_ATEN.relu, _ATEN.gelu, _ATEN.silu, _ATEN.hardtanh, _ATEN.hardswish, _ATEN.sigmoid)
    for overload in (packet.default, getattr(_ATEN, packet.__name__ + "_").default)
}


def naswot(network: Network, sample: Sample) -> float:
    """`log |K|`, where `K[i, j]` counts the units whose codes agree for images i and j.

    Minus infinity where two images share a code.
    """
    with torch.no_grad(), _Codes(len(sample.x)) as codes:
        replica(network)(sample.x)
    sign, logarithm = torch.linalg.slogdet(codes.agreements)
    return float(logarithm) if sign > 0 else float("-inf")


class _Codes(TorchDispatchMode):
    """Counts the units that agree for each pair of images. Works below modules, to see `x.relu_()` too."""

    def __init__(self, images: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.images = images
        self.agreements = torch.zeros(images, images, dtype=torch.float64)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in GATES and len(args[0]) == self.images:  # not of weights, such as a detector's first boxes
            signs = args[0].detach().gt(0).reshape(self.images, -1).float().mul_(2).sub_(1)
            # codes of +-1: their product counts agreements less disagreements, exactly below 2^24 units
            self.agreements += (signs.shape[1] + (signs @ signs.T).double().cpu()) / 2
        return func(*args, **(kwargs or {}))
