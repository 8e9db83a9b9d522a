"""What a network costs before anything is trained: parameters and multiply-adds, whole and part by part."""

from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from nas.architecture import Architecture
from nas.network import skeleton


@dataclass(frozen=True)
class Part:
    """One row of a network's table. `resolution` is that of the map it gives; MACs are for one image."""

    name: str
    kind: str
    depth: int
    width: int
    resolution: tuple[int, int]
    params: int
    macs: int


@dataclass(frozen=True)
class Cost:
    """Trainable parameters and multiply-adds (half of torch's count of operations) for one image."""

    params: int
    macs: int
    parts: tuple[Part, ...]


def cost(architecture: Architecture) -> Cost:
    """Parameters and MACs of a network, counted on the meta device (a fused CPU attention counts as nothing).

    Like the papers' counts, MACs are those of convolutions, matrix products and attention.
    """
    network = skeleton(architecture).eval()
    x = torch.empty(1, architecture.channels, architecture.resolution, architecture.resolution, device="meta")
    rows = [("stem", architecture.stem.kind, 1, architecture.stem.width, network.stem)]
    rows += [
        (f"stage {i}", stage.block, stage.depth, stage.width, module)
        for i, (stage, module) in enumerate(zip(architecture.stages, network.stages, strict=True))
    ]
    rows.append(("head", architecture.head.kind, 1, architecture.classes, network.head))
    parts = []
    for name, kind, depth, width, module in rows:
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            x = module(x)
        resolution = (x.shape[2], x.shape[3]) if x.ndim == 4 else (1, 1)
        macs = counter.get_total_flops() // 2
        parts.append(Part(name, kind, depth, width, resolution, parameters(module), macs))
    return Cost(sum(p.params for p in parts), sum(p.macs for p in parts), tuple(parts))


def parameters(module: nn.Module) -> int:
    """The number of trainable parameters."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)
