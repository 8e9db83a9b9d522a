"""Networks taken apart into pieces: the stem, each block and the head.

Thousands of networks of a space share some thousand pieces, so each is counted and timed once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import prod
from typing import Literal

import torch
from torch import Tensor, nn

from nas.errors import told_as
from nas.files import Json
from nas.network.architecture import Architecture, HeadSpec, Options, StageSpec, StemSpec, levels_read
from nas.network.blocks import Site, Size, strided
from nas.network.build import hollow, stage_sites, walk
from nas.network.heads import Head
from nas.network.layers.attention import MultiHead
from nas.network.layers.map_attention import MapAttention
from nas.network.options import Scalar, options_of
from nas.registry import BLOCKS, HEADS, STEMS, Registry

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Piece:
    """A stem, block or head with its site and all its options, equal to those that compute alike.

    `shape` is that of one image's incoming map, `(channels, height, width)`, or of its class token, `(1, channels)`.
    `width` counts the outgoing channels, which are a head's classes. A head that reads several maps has the shapes of
    the `earlier` ones too; it is built to take them all as one row of numbers.
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
    earlier: tuple[Shape, ...] = ()

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        """The hash, worked out once: a search looks the same pieces up a million times."""
        return hash(tuple(vars(self).values()))

    def __getstate__(self) -> Json:
        """Leave out the hash, which is another in another process."""
        return {name: value for name, value in vars(self).items() if name != "_hash"}

    def build(self) -> nn.Module:
        """Build the piece as a network of its own."""
        options = dict(self.options)
        if self.part == "stem":
            built: nn.Module = STEMS.get(self.kind)(self.shape[0], self.width, **options)
        elif self.part == "head":
            return self._head(options)
        else:
            resolution = (self.shape[1], self.shape[2])
            site = Site(self.shape[0], self.width, self.stride, resolution, self.index, self.depth, token=self.token)
            built = BLOCKS.get(self.kind)(site, **options)
        return WithToken(built, self.width) if self.part == "block" and self.token else built

    def _head(self, options: dict[str, Scalar]) -> nn.Module:
        kind = HEADS.get(self.kind)
        if self._maps:
            return WithMaps(kind(tuple(shape[0] for shape in self._maps), self.width, **options), self._maps)
        built: nn.Module = kind(self.shape[-1] if self.token else self.shape[0], self.width, **options)
        return built

    @property
    def _maps(self) -> tuple[Shape, ...]:
        """The shapes of the maps that a head of several reads, none of another piece."""
        return (*self.earlier, self.shape) if self.part == "head" and HEADS.get(self.kind).wants_maps else ()

    @property
    def taken(self) -> Shape:
        """The shape of what the built piece takes for one image: its incoming map, or a row of several."""
        return (sum(map(prod, self._maps)),) if self._maps else self.shape

    @property
    def promised(self) -> Shape:
        """The shape of what the built piece must give for one image, empty for outputs that only a task knows."""
        if self.part != "head":
            return self.width, *self.out_resolution
        return (self.width,) if HEADS.get(self.kind).outputs == Head.outputs else ()

    @property
    def out_resolution(self) -> Size:
        """The resolution of the map that comes out, `(1, 1)` for a head."""
        if self.part == "head":
            return 1, 1
        return strided((self.shape[1], self.shape[2]), stem_stride(self) if self.part == "stem" else self.stride)

    def name(self) -> str:
        """Describe the piece in one line, for tables and files."""
        options = "".join(f" {name}={value}" for name, value in self.options)
        shape = "x".join(map(str, self.shape))
        index = f" {self.index}/{self.depth}" if (self.index, self.depth) != (0, 1) else ""
        return f"{self.kind} {self.part} {shape}->{self.width} /{self.stride}{index}{' token' * self.token}{options}"


class WithToken(nn.Module):
    """A block that carries a class token, wrapped to take the map alone."""

    def __init__(self, block: nn.Module, width: int) -> None:
        super().__init__()
        self.block = block
        self.token = nn.Buffer(torch.zeros(1, 1, width))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.block(x, self.token.expand(x.shape[0], -1, -1))[0]
        return y


class WithMaps(nn.Module):
    """A head of several maps, wrapped to take them as one row of numbers `(batch, numbers)`, one map after another."""

    def __init__(self, head: nn.Module, shapes: Sequence[Shape]) -> None:
        super().__init__()
        self.head, self.shapes = head, shapes

    def forward(self, x: Tensor) -> Tensor:
        parts = x.split([prod(shape) for shape in self.shapes], dim=1)
        y: Tensor = self.head([part.view(-1, *shape) for part, shape in zip(parts, self.shapes, strict=True)])
        return y


def pieces(architecture: Architecture) -> Iterator[Piece]:
    """Yield the pieces of a network from image to classes."""
    last = stem_piece(architecture.stem, architecture.channels, architecture.resolution)
    yield last
    maps = []
    for stage in walk(architecture, last.out_resolution):
        blocks = stage_pieces(*stage)
        yield from blocks
        last = blocks[-1]
        maps.append((last.width, *last.out_resolution))
    yield head_piece(architecture.head, tuple(maps), last.token, architecture.classes)


@lru_cache(maxsize=1000)
def stem_piece(stem: StemSpec, channels: int, side: int) -> Piece:
    """Return a network's first piece. Pieces are kept because a space's networks share them."""
    return Piece("stem", stem.kind, (channels, side, side), stem.width, _options(STEMS, stem.kind, stem.options))


def head_piece(head: HeadSpec, maps: tuple[Shape, ...], token: bool, classes: int) -> Piece:
    """Return a network's last piece, given the shapes of the stages' maps; `token` says that it reads a class token."""
    options = _options(HEADS, head.kind, head.options)
    earlier = maps[-levels_read(head.kind, dict(options)) : -1]
    return _head_piece(head.kind, (1, maps[-1][0]) if token else maps[-1], classes, options, token, earlier)


@lru_cache(maxsize=10_000)
def _head_piece(
    kind: str,
    shape: Shape,
    classes: int,
    options: tuple[tuple[str, Scalar], ...],
    token: bool,
    earlier: tuple[Shape, ...],
) -> Piece:
    return Piece("head", kind, shape, classes, options, token=token, earlier=earlier)


@lru_cache(maxsize=100_000)
def stage_pieces(stage: StageSpec, width: int, resolution: Size, token: bool) -> tuple[Piece, ...]:
    """Return the pieces of a stage, given the width and the resolution of the incoming map."""
    options = _options(BLOCKS, stage.block, stage.options)
    with told_as(f"by_position(options) of block '{stage.block}'"):
        by_position = BLOCKS.get(stage.block).by_position(stage.options)
    return tuple(
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
        for site in stage_sites(stage, width, resolution, token)
    )


@lru_cache(maxsize=10_000)
def stem_stride(piece: Piece) -> int:
    """Return the stride of a stem, which only the built module tells.

    Not built on the meta device, where the first random number takes a second of imports.
    """
    with torch.random.fork_rng(devices=[]), told_as(f"stem '{piece.kind}'", direct=False):
        stride: int = piece.build().stride  # type: ignore[assignment]
    return stride


@lru_cache(maxsize=10_000)
def attends(piece: Piece) -> bool:
    """Tell whether a block holds self-attention over a map or its windows, alone or beside convolution."""
    return any(isinstance(module, MapAttention | MultiHead) for module in hollow(piece.build).modules())


def _options(registry: Registry, kind: str, named: Options) -> tuple[tuple[str, Scalar], ...]:
    """Return all options of a kind, those not named at the paper's value."""
    return tuple((name, named.get(name, option.default)) for name, option in options_of(registry, kind).items())
