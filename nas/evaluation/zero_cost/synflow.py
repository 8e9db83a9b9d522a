"""SynFlow, https://arxiv.org/abs/2006.05467 (section 6), summed over a network (arXiv:2101.08134).

The theory is that of a network whose weights are taken by magnitude and whose signal, from an image of ones, is never
negative and passes each layer linearly: then every layer carries the same flow. Functions that are not
linear are replaced so that the law still holds:
- ReLU, GELU, SiLU, ReLU6 and tanh pass a positive signal as it is, as ReLU does;
- BatchNorm, LayerNorm and GroupNorm are left out (arXiv:2101.08134 leaves out BatchNorm): they divide by the very
  strength that is measured;
- softmax gives equal weights, its value for equal logits, so that attention is the mean over its keys. The flow goes
  through the values; queries and keys, which route the signal and do not carry it, have none;
- a sigmoid gate (Squeeze-and-Excitation, QuickGELU) stands open, and what computes it has no flow. So it is with the
  boxes of a detector, whose flow is that of its logits.
"""

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from nas.evaluation.zero_cost import Sample, weights
from nas.network.build import Network
from nas.network.heads import Head
from nas.network.layers.detections import Detections


def synflow(network: Network, sample: Sample) -> float:
    """Sum over the weights of `weight * dR / dweight`, where R is the sum of the outputs for an image of ones.

    Only the size of the images matters. In float64, as the flow grows by the width at each layer.
    """
    magnitudes = copy.deepcopy(network).eval().double()
    with torch.no_grad():
        for tensor in (*magnitudes.parameters(), *magnitudes.buffers()):  # a buffer may be a table of positions
            if tensor.dtype != torch.bool:  # a mask has no sign
                tensor.abs_()
    own = weights(magnitudes)
    for head in magnitudes.modules():
        if isinstance(head, Head):  # in training a detector gives logits, not shares
            head.train()
    with _Linear():
        found = magnitudes(torch.ones_like(sample.x[:1], dtype=torch.float64))
        flow = (found.logits if isinstance(found, Detections) else found).sum()
    gradients = torch.autograd.grad(flow, own, allow_unused=True)
    return float(sum((w.detach() * g).sum() for w, g in zip(own, gradients, strict=True) if g is not None))


def _same(x: Tensor, *_args: Any, **_kwargs: Any) -> Tensor:
    return x


def _open(x: Tensor, *_args: Any, **_kwargs: Any) -> Tensor:
    return torch.ones_like(x)


def _equal(x: Tensor, dim: int, **_kwargs: Any) -> Tensor:
    return torch.full_like(x, 1 / x.shape[dim])


def _mean(q: Tensor, k: Tensor, v: Tensor, *_args: Any, **_kwargs: Any) -> Tensor:
    return v.mean(-2, keepdim=True).expand(*v.shape[:-2], q.shape[-2], v.shape[-1])


_LINEAR: dict[Any, Callable[..., Tensor]] = {
    **dict.fromkeys((F.relu, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_, F.relu6, F.hardtanh), _same),
    **dict.fromkeys((F.gelu, F.silu, F.hardswish, F.tanh, torch.tanh, Tensor.tanh), _same),
    **dict.fromkeys((F.batch_norm, F.layer_norm, F.group_norm, F.dropout), _same),
    **dict.fromkeys((F.sigmoid, F.hardsigmoid, torch.sigmoid, Tensor.sigmoid, Tensor.sigmoid_), _open),
    **dict.fromkeys((F.softmax, torch.softmax, Tensor.softmax), _equal),
    F.scaled_dot_product_attention: _mean,
}


class _Linear(TorchFunctionMode):
    """Replaces functions by their linear stand-ins, whether a module or a tensor calls them."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _LINEAR.get(func, func)(*args, **(kwargs or {}))
