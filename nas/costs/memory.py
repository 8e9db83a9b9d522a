"""Bytes that a network takes at its peak, counted tensor by tensor on the meta device.

Counted are weights, buffers and every tensor that operators make, from the operator that makes it until nothing holds
it any more, in single precision. Not counted: scratch space inside an operator, and what torch, the driver and an
allocator's rounding take; so this is what an architecture can help, not what a process list shows.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from nas.network.architecture import Architecture
from nas.network.build import skeleton

ADAMW_MOMENTS = 2  # numbers that the optimiser keeps for each parameter


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


def inference_memory(architecture: Architecture, batch: int = 1) -> int:
    """Peak bytes of classifying `batch` images: weights, buffers, the images, and the maps alive at once."""
    network, x = _prepared(architecture, batch)
    network.eval()
    with torch.inference_mode(), _Live(_held(network, x)) as live:
        network(x)
    return _bytes(_held(network, x)) + int(live.peak)


def training_memory(architecture: Architecture, batch: int) -> int:
    """Peak bytes of a training step on `batch` images with AdamW: the same, what the backward pass needs, and state.

    Gradients are counted as they are made; the optimiser's two moments are there throughout.
    """
    network, x = _prepared(architecture, batch)
    network.train()
    labels = torch.zeros(batch, dtype=torch.long, device="meta")
    with _Live([*_held(network, x), labels]) as live:
        nn.functional.cross_entropy(network(x), labels).backward()
    state = ADAMW_MOMENTS * _bytes([p for p in network.parameters() if p.requires_grad])
    return _bytes(_held(network, x)) + state + int(live.peak)


def _prepared(architecture: Architecture, batch: int) -> tuple[nn.Module, Tensor]:
    side = architecture.resolution
    return skeleton(architecture), torch.empty(batch, architecture.channels, side, side, device="meta")


def _held(network: nn.Module, x: Tensor) -> list[Tensor]:
    """What is there before the first operator runs."""
    return [*network.parameters(), *network.buffers(), x]


def _bytes(tensors: list[Tensor]) -> int:
    return sum(int(t.untyped_storage().nbytes()) for t in tensors)
