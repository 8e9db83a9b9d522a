"""What a network costs before anything is trained: parameters and multiply-adds, whole and part by part."""

from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from nas.network.architecture import Architecture
from nas.network.build import sites, skeleton


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
    with FlopCounterMode(display=False) as counter:
        network(x)
    counts = counter.get_flop_counts()

    def part(name: str, kind: str, depth: int, width: int, resolution: tuple[int, int]) -> Part:
        module = network.get_submodule(name)
        macs = sum(counts.get(f"Network.{name}", {}).values()) // 2
        return Part(name.replace("stages.", "stage "), kind, depth, width, resolution, parameters(module), macs)

    places = list(sites(architecture, network.stem.stride))
    parts = [part("stem", architecture.stem.kind, 1, architecture.stem.width, places[0].resolution)]
    for i, stage in enumerate(architecture.stages):
        place = places[sum(s.depth for s in architecture.stages[: i + 1]) - 1]
        parts.append(part(f"stages.{i}", stage.block, stage.depth, stage.width, place.out_resolution))
    parts.append(part("head", architecture.head.kind, 1, architecture.classes, (1, 1)))
    return Cost(sum(p.params for p in parts), sum(p.macs for p in parts), tuple(parts))


def parameters(module: nn.Module) -> int:
    """The number of trainable parameters."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)
