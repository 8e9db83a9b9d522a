"""Networks taken apart into pieces: the stem, each block and the head by themselves.

Thousands of networks of a space are made of some thousand pieces, so what is known of each is soon known of all.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import torch
from torch import Tensor, nn

from nas.network.architecture import Architecture, Options, StageSpec
from nas.network.blocks import Site
from nas.network.build import stage_sites
from nas.network.options import Scalar, options_of
from nas.registry import BLOCKS, HEADS, STEMS, Registry

Shape = tuple[int, ...]
Size = tuple[int, int]


@dataclass(frozen=True)
class Piece:
    """A stem, a block or a head with its site and all its options: equal where the computation is equal.

    `shape` is that of one image's map as it comes in, `(channels, height, width)`, or of its class token,
    `(1, channels)`. `width` counts the channels that come out, a head's classes.
    """

    part: Literal["stem", "block", "head"]
    kind: str
    shape: Shape
    width: int
    options: tuple[tuple[str, Scalar], ...] = ()
    stride: int = 1
    index: int = 0
    depth: int = 1
    token: bool = False

    def build(self) -> nn.Module:
        """The piece as a network of its own."""
        options = dict(self.options)
        if self.part == "stem":
            built: nn.Module = STEMS.get(self.kind)(self.shape[0], self.width, **options)
        elif self.part == "head":
            built = HEADS.get(self.kind)(self.shape[-1] if self.token else self.shape[0], self.width, **options)
        else:
            resolution = (self.shape[1], self.shape[2])
            site = Site(self.shape[0], self.width, self.stride, resolution, self.index, self.depth, token=self.token)
            built = BLOCKS.get(self.kind)(site, **options)
        return WithToken(built, self.width) if self.part == "block" and self.token else built

    @property
    def out_resolution(self) -> Size:
        """Height and width of the map that comes out; `(1, 1)` of a head."""
        if self.part == "head":
            return 1, 1
        stride, (height, width) = stem_stride(self) if self.part == "stem" else self.stride, self.shape[1:]
        return -(-height // stride), -(-width // stride)

    def name(self) -> str:
        """All of it in one line, for tables and files."""
        options = "".join(f" {name}={value}" for name, value in self.options)
        shape = "x".join(map(str, self.shape))
        index = f" {self.index}/{self.depth}" if (self.index, self.depth) != (0, 1) else ""
        return f"{self.kind} {self.part} {shape}->{self.width} /{self.stride}{index}{' token' * self.token}{options}"


class WithToken(nn.Module):
    """A block that carries a class token, as a network of the map alone."""

    def __init__(self, block: nn.Module, width: int) -> None:
        super().__init__()
        self.block = block
        self.token = nn.Buffer(torch.zeros(1, 1, width))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.block(x, self.token.expand(x.shape[0], -1, -1))[0]
        return y


def pieces(architecture: Architecture) -> Iterator[Piece]:
    """The pieces of a network from image to classes."""
    stem, head = architecture.stem, architecture.head
    image = (architecture.channels, architecture.resolution, architecture.resolution)
    first = Piece("stem", stem.kind, image, stem.width, _options(STEMS, stem.kind, stem.options))
    yield first
    width, resolution = stem.width, first.out_resolution
    token = bool(HEADS.get(head.kind).wants_token)
    for stage in architecture.stages:
        blocks, resolution = _blocks(stage, width, resolution, token and stage is architecture.stages[-1])
        yield from blocks
        width = stage.width
    shape: Shape = (1, width) if token else (width, *resolution)
    yield Piece("head", head.kind, shape, architecture.classes, _options(HEADS, head.kind, head.options), token=token)


@lru_cache(maxsize=100_000)
def _blocks(stage: StageSpec, width: int, resolution: Size, token: bool) -> tuple[tuple[Piece, ...], Size]:
    """The pieces of a stage and the resolution that comes out, kept since a space's networks share their stages."""
    options = _options(BLOCKS, stage.block, stage.options)
    by_position = BLOCKS.get(stage.block).by_position(stage.options)
    sites = list(stage_sites(stage, width, resolution, token))
    blocks = (
        Piece(
            part="block",
            kind=stage.block,
            shape=(site.in_width, *site.resolution),
            width=site.width,
            options=options,
            stride=site.stride,
            index=site.index if by_position else 0,
            depth=site.depth if by_position else 1,
            token=site.token,
        )
        for site in sites
    )
    return tuple(blocks), sites[-1].out_resolution


@lru_cache(maxsize=10_000)
def stem_stride(piece: Piece) -> int:
    """How often a stem divides the resolution."""
    with torch.device("meta"):
        stride: int = piece.build().stride  # type: ignore[assignment]
    return stride


def _options(registry: Registry, kind: str, named: Options) -> tuple[tuple[str, Scalar], ...]:
    """All options of a kind, those that a file does not name at the paper's value."""
    return tuple((name, named.get(name, option.default)) for name, option in options_of(registry, kind).items())
