"""Bytes that a network takes at its peak, counted tensor by tensor on the meta device.

Counted are weights, buffers and every tensor that operators make, from the operator that makes it until nothing holds
it any more, in single precision. Not counted: scratch space inside an operator, and what torch, the driver and an
allocator's rounding take; so this is what an architecture can help, not what a process list shows.
"""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from nas.network.architecture import Architecture
from nas.network.build import Network, skeleton

ADAMW_MOMENTS = 2  # numbers that the optimiser keeps for each parameter
Loss = Callable[[Tensor, Tensor], Tensor]
"""What a training makes small: class scores `(batch, classes)` and labels `(batch,)` to one number."""


class _Live(TorchDispatchMode):
    """Follows the storages that operators make; `peak` is the most bytes that were alive at once."""

    def __init__(self, known: list[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.known = {t.untyped_storage()._cdata for t in known}
        self.alive: dict[int, tuple[StorageWeakRef, int]] = {}
        self.peak: int = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        self.alive = {key: held for key, held in self.alive.items() if not held[0].expired()}
        for tensor in tree_leaves(out):
            if isinstance(tensor, Tensor):
                storage = tensor.untyped_storage()
                if storage._cdata not in self.known:
                    self.alive.setdefault(storage._cdata, (StorageWeakRef(storage), storage.nbytes()))
        self.peak = max(self.peak, sum(size for _, size in self.alive.values()))
        return out


def inference_memory(network: Network | Architecture, batch: int = 1) -> int:
    """Peak bytes of classifying `batch` images: weights, buffers, the images, and the maps alive at once.

    A network that is there already is left as it is; of an architecture no weights are made.
    """
    copy, x = _on_meta(network, batch)
    copy.eval()
    with torch.inference_mode(), _Live(_held(copy, x)) as live:
        copy(x)
    return _bytes(_held(copy, x)) + int(live.peak)


def training_memory(network: Network | Architecture, batch: int, loss: Loss) -> int:
    """Peak bytes of a training step on `batch` images with AdamW: the same, what the backward pass needs, and state.

    Gradients are counted as they are made; the optimiser's two moments are there throughout.
    """
    copy, x = _on_meta(network, batch)
    copy.train()
    labels = torch.zeros(batch, dtype=torch.long, device="meta")
    with _Live([*_held(copy, x), labels]) as live:
        torch.autograd.backward(loss(copy(x), labels))
    state = ADAMW_MOMENTS * _bytes([p for p in copy.parameters() if p.requires_grad])
    return _bytes(_held(copy, x)) + state + int(live.peak)


def _on_meta(network: Network | Architecture, batch: int) -> tuple[nn.Module, Tensor]:
    """The network as it was when built, without memory for its weights, and so many images."""
    if isinstance(network, Architecture):
        architecture, copy = network, skeleton(network)
    else:
        architecture = network.architecture
        weights = {id(t): _without_memory(t) for t in (*network.parameters(), *network.buffers())}
        copy = deepcopy(network, weights)  # what is named there is taken instead of copied
    side = architecture.resolution
    return copy, torch.empty(batch, architecture.channels, side, side, device="meta")


def _without_memory(tensor: Tensor) -> Tensor:
    """A tensor of the same type on the meta device, in the usual order of memory."""
    empty = torch.empty(tensor.shape, dtype=tensor.dtype, device="meta")
    return nn.Parameter(empty, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else empty


def _held(network: nn.Module, x: Tensor) -> list[Tensor]:
    """What is there before the first operator runs."""
    return [*network.parameters(), *network.buffers(), x]


def _bytes(tensors: list[Tensor]) -> int:
    return sum(int(t.untyped_storage().nbytes()) for t in tensors)
