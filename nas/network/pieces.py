"""Networks taken apart: stem, blocks and head by themselves, each counted once in a process.

Thousands of networks of a space are made of some thousand pieces. Parameters and multiply-adds of a network are the
sums of its pieces', so a sampler may ask for them in microseconds.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from nas.network.architecture import Architecture, Options, StageSpec
from nas.network.blocks import Site
from nas.network.build import stage_sites
from nas.network.options import Scalar, options_of
from nas.registry import BLOCKS, HEADS, STEMS, Registry

Shape = tuple[int, ...]
Size = tuple[int, int]


@dataclass(frozen=True)
class Piece:
    """A stem, a block or a head, where it stands and with all its options: equal where the computation is equal.

    `shape` is that of what one image is when it comes in, `(channels, height, width)`; `width` what it is turned to.
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

    def name(self) -> str:
        """One line that says it all, for tables and files."""
        options = "".join(f" {name}={value}" for name, value in self.options)
        shape = "x".join(map(str, self.shape))
        position = f" {self.index}/{self.depth}" if (self.index, self.depth) != (0, 1) else ""
        return f"{self.kind} {self.part} {shape}->{self.width} /{self.stride}{position}{' token' * self.token}{options}"


class WithToken(nn.Module):
    """A block that carries a class token, as a network of the map alone."""

    def __init__(self, block: nn.Module, width: int) -> None:
        super().__init__()
        self.block = block
        self.token = nn.Buffer(torch.zeros(1, 1, width))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.block(x, self.token.expand(x.shape[0], -1, -1))[0]
        return y


@dataclass(frozen=True)
class Count:
    """A piece's parameters; for one image its multiply-adds, operators, and the numbers that they read and write."""

    params: int
    macs: int
    operators: int
    traffic: int


def pieces(architecture: Architecture) -> Iterator[Piece]:
    """The pieces of a network from image to classes."""
    stem, head = architecture.stem, architecture.head
    image = (architecture.channels, architecture.resolution, architecture.resolution)
    first = Piece("stem", stem.kind, image, stem.width, _options(STEMS, stem.kind, stem.options))
    yield first
    side, width = -(-architecture.resolution // stem_stride(first)), stem.width
    resolution, token = (side, side), bool(HEADS.get(head.kind).wants_token)
    for stage in architecture.stages:
        blocks, resolution = _blocks(stage, width, resolution, token and stage is architecture.stages[-1])
        yield from blocks
        width = stage.width
    shape: Shape = (1, width) if token else (width, *resolution)
    yield Piece("head", head.kind, shape, architecture.classes, _options(HEADS, head.kind, head.options), token=token)


@lru_cache(maxsize=100_000)
def _blocks(stage: StageSpec, width: int, resolution: Size, token: bool) -> tuple[tuple[Piece, ...], Size]:
    """The pieces of a stage, and the resolution that comes out; the same few stages make up all networks of a space."""
    options = _options(BLOCKS, stage.block, stage.options)
    by_position = BLOCKS.get(stage.block).by_position(stage.options)
    sites = list(stage_sites(stage, width, resolution, token))
    blocks = (
        Piece(
            "block",
            stage.block,
            (site.in_width, *site.resolution),
            site.width,
            options,
            site.stride,
            *((site.index, site.depth) if by_position else (0, 1)),
            site.token,
        )
        for site in sites
    )
    return tuple(blocks), sites[-1].out_resolution


@lru_cache(maxsize=100_000)
def count(piece: Piece) -> Count:
    """Counted by running it once on the processor, which for most pieces takes less than torch's meta device does.

    Attention runs unfused, because the fused operator would be counted as nothing.
    """
    with torch.random.fork_rng(devices=[]):
        network = piece.build().eval()
    x = torch.zeros(1, *piece.shape)
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), _Tally() as tally:
        network(x)
    params = sum(p.numel() for p in network.parameters() if p.requires_grad)
    return Count(params, tally.operations // 2, tally.operators, tally.traffic)


class _Tally(TorchDispatchMode):
    """Counts operations by torch's formulas, operators that do not only look at memory in another way, and numbers."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.operations = self.operators = self.traffic = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if formula := flop_registry.get(func.overloadpacket):
            self.operations += formula(*args, **(kwargs or {}), out_val=out)
        if not func.is_view:
            self.operators += 1
            self.traffic += sum(t.numel() for t in tree_leaves((args, kwargs, out)) if isinstance(t, Tensor))
        return out


@lru_cache(maxsize=10_000)
def stem_stride(piece: Piece) -> int:
    """How often a stem divides the resolution."""
    with torch.device("meta"):
        stride: int = piece.build().stride  # type: ignore[assignment]
    return stride


def _options(registry: Registry, kind: str, named: Options) -> tuple[tuple[str, Scalar], ...]:
    """All options of a kind, those that a file does not name at the paper's value."""
    return tuple((name, named.get(name, option.default)) for name, option in options_of(registry, kind).items())
