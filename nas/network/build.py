"""Architecture -> torch.nn.Module."""

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor, nn

from nas.network.architecture import Architecture, StageSpec
from nas.network.blocks import Site
from nas.network.heads import Head
from nas.registry import BLOCKS, HEADS, STEMS


class Stage(nn.Sequential):
    """Blocks one after another; with a class token, which each carries along, they give `(x, token)`."""

    def forward(self, x: Tensor, token: Tensor | None = None) -> Tensor | tuple[Tensor, Tensor]:
        if token is None:
            for block in self:
                x = block(x)
            return x
        for block in self:
            x, token = block(x, token)
        return x, token


class Network(nn.Module):
    """Stem, stages, head: images `(batch, channels, height, width)` -> class scores `(batch, classes)`.

    A class token, if the head wants one, joins in the last stage.
    """

    head: Head

    def __init__(self, architecture: Architecture, drop_path: float = 0.0) -> None:
        super().__init__()
        self.architecture = architecture
        stem, head = architecture.stem, architecture.head
        self.stem = STEMS.get(stem.kind)(architecture.channels, stem.width, **stem.options)
        blocks = iter(sites(architecture, self.stem.stride, drop_path))
        self.stages = nn.ModuleList(
            Stage(*(BLOCKS.get(s.block)(next(blocks), **s.options) for _ in range(s.depth)))
            for s in architecture.stages
        )
        self.head = HEADS.get(head.kind)(architecture.stages[-1].width, architecture.classes, **head.options)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        *stages, last = self.stages
        for stage in stages:
            x = stage(x)
        if not self.head.wants_token:
            return self.head(last(x))
        _, token = last(x, self.head.token.expand(x.shape[0], -1, -1))
        return self.head(token)


def sites(architecture: Architecture, stem_stride: int, drop_path: float = 0.0) -> Iterator[Site]:
    """Where each block stands, in order; drop path rises linearly from 0 to `drop_path` over the depth."""
    total = sum(stage.depth for stage in architecture.stages)
    side = -(-architecture.resolution // stem_stride)
    resolution, width, position = (side, side), architecture.stem.width, 0
    wants_token = HEADS.get(architecture.head.kind).wants_token
    for stage in architecture.stages:
        token = wants_token and stage is architecture.stages[-1]
        for site in stage_sites(stage, width, resolution, token):
            yield replace(site, drop_path=drop_path * position / max(total - 1, 1))
            position += 1
        width, resolution = stage.width, site.out_resolution


def stage_sites(stage: StageSpec, width: int, resolution: tuple[int, int], token: bool = False) -> Iterator[Site]:
    """Where the blocks of one stage stand, given the width and the resolution of what comes in."""
    for index in range(stage.depth):
        site = Site(width, stage.width, stage.stride if index == 0 else 1, resolution, index, stage.depth, token=token)
        yield site
        width, resolution = stage.width, site.out_resolution


def build(architecture: Architecture, *, drop_path: float = 0.0, seed: int | None = None) -> Network:
    """The network of an architecture, freshly initialised (by `seed`, leaving the global generator as it was).

    `drop_path` is the rate of the last block, for training.
    """
    if seed is None:
        return Network(architecture, drop_path)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Network(architecture, drop_path)


def skeleton(architecture: Architecture) -> Network:
    """The network without memory for its weights, on torch's meta device: for counting."""
    with torch.device("meta"):
        return Network(architecture)
