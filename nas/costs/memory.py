"""Counting the peak bytes of a network, tensor by tensor on the meta device.

Weights, buffers and every tensor that an operator makes count in single precision until nothing holds them any more.
Scratch space inside an operator, torch's and the driver's own memory and an allocator's rounding do not count: the
number is the architecture's share, less than a process list shows.
"""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import is_dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from nas.network.architecture import Architecture
from nas.network.build import Network, skeleton
from nas.training.tasks import Task

ADAMW_MOMENTS = 2  # numbers that the optimiser keeps for each parameter


class _Live(TorchDispatchMode):
    """Follows the storages that operators make, with `peak` the most bytes alive at once."""

    def __init__(self, held: list[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.held = {t.untyped_storage()._cdata for t in held}
        self.alive: dict[int, tuple[StorageWeakRef, int]] = {}
        self.peak: int = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        self.alive = {key: (weak, size) for key, (weak, size) in self.alive.items() if not weak.expired()}
        for tensor in tree_leaves(out):
            if isinstance(tensor, Tensor):
                storage = tensor.untyped_storage()
                if storage._cdata not in self.held:
                    self.alive.setdefault(storage._cdata, (StorageWeakRef(storage), storage.nbytes()))
        self.peak = max(self.peak, sum(size for _, size in self.alive.values()))
        return out


class _Fused(TorchFunctionMode):
    """Lets attention that trains take the kernel that it takes on the CPU: torch's meta device chooses no fused one."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        attend = _attend if func is F.scaled_dot_product_attention else func
        return attend(*args, **(kwargs or {}))


def _attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """Attend by the CPU's fused kernel, which keeps no weights for the backward pass, where torch has it do so."""
    unfused = dropout_p > 0 or enable_gqa or query.ndim != 4 or value.shape[-1] != query.shape[-1]
    if unfused or (attn_mask is not None and attn_mask.requires_grad):
        return F.scaled_dot_product_attention(
            query, key, value, attn_mask, dropout_p, is_causal, scale=scale, enable_gqa=enable_gqa
        )
    if attn_mask is not None and attn_mask.dtype == torch.bool:  # the kernel takes numbers
        attn_mask = torch.where(attn_mask, 0.0, -torch.inf)
    fused = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
    attended: Tensor = fused(query, key, value, dropout_p, is_causal, attn_mask=attn_mask, scale=scale)[0]
    return attended


def inference_memory(network: Network | Architecture, batch: int = 1) -> int:
    """Count the peak bytes of inference on `batch` images: weights, buffers, images, and the maps alive at once.

    A built network stays as it is, and an architecture's weights are not made.
    """
    copy, x = _on_meta(network, batch)
    copy.eval()
    with torch.inference_mode(), _Live(_held(copy, x)) as live:
        copy(x)
    return _bytes(_held(copy, x)) + int(live.peak)


def training_memory(network: Network | Architecture, batch: int, task: Task) -> int:
    """Count the peak bytes of a training step on `batch` images with AdamW, backward pass and state included.

    Gradients count as they are made, the optimiser's two moments throughout, attention as the CPU computes it. A guided
    task's own loss does not count: it looks at values, of which there are none here, and its tensors are small beside
    the maps.
    """
    copy, x = _on_meta(network, batch)
    copy.train()
    architecture = network if isinstance(network, Architecture) else network.architecture
    targets = task.drawn(batch, architecture.classes, torch.Generator().manual_seed(0)).to("meta")
    with _Fused(), _Live([*_held(copy, x), targets]) as live:
        if task.guided:
            loss = torch.stack([answer.float().sum() for answer in _answers(copy(x, targets))]).sum()
        else:
            loss = task.loss(copy(x), targets)
        torch.autograd.backward(loss)
    state = ADAMW_MOMENTS * _bytes([p for p in copy.parameters() if p.requires_grad])
    return _bytes(_held(copy, x)) + state + int(live.peak)


def _answers(outputs: Any) -> Iterator[Tensor]:
    """Yield the tensors that a network gives, also those in a dataclass."""
    if isinstance(outputs, Tensor):
        yield outputs
    elif is_dataclass(outputs):
        for value in vars(outputs).values():
            yield from _answers(value)


def _on_meta(network: Network | Architecture, batch: int) -> tuple[nn.Module, Tensor]:
    """Make a copy of the network and `batch` images, both without memory."""
    if isinstance(network, Architecture):
        architecture, copy = network, skeleton(network)
    else:
        architecture = network.architecture
        weights = {id(t): _without_memory(t) for t in (*network.parameters(), *network.buffers())}
        copy = deepcopy(network, weights)  # takes these weights instead of copying its own
    return copy, torch.empty(batch, *architecture.image_shape, device="meta")


def _without_memory(tensor: Tensor) -> Tensor:
    """Make a tensor on the meta device, fractions in single precision, in the usual order of memory."""
    dtype = torch.float32 if tensor.is_floating_point() else tensor.dtype
    empty = torch.empty(tensor.shape, dtype=dtype, device="meta")
    return nn.Parameter(empty, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else empty


def _held(network: nn.Module, x: Tensor) -> list[Tensor]:
    """List the tensors that exist before the first operator runs."""
    return [*network.parameters(), *network.buffers(), x]


def _bytes(tensors: list[Tensor]) -> int:
    return sum(int(t.untyped_storage().nbytes()) for t in tensors)
