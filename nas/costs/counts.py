"""Counting a network's parameters and multiply-adds before training, in all and part by part.

They are sums over its pieces, each counted once on a machine, so that a sampler has them in microseconds.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import astuple, dataclass
from functools import lru_cache
from itertools import islice
from math import prod
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from nas.costs.kept_counts import lasting, ledger
from nas.errors import SpaceError, TimeLimitError, in_one_line
from nas.network.architecture import Architecture
from nas.network.build import wants_values
from nas.network.pieces import Piece, Shape, pieces

LARGE = 4_000_000  # incoming numbers times outgoing channels; beyond it the meta device is faster


@dataclass(frozen=True)
class Count:
    """A piece's parameters, and for one image its multiply-adds, operators and the numbers that these move."""

    params: int
    macs: int
    operators: int
    traffic: int


@dataclass(frozen=True)
class Summed:
    """Trainable parameters, or multiply-adds for one image, as a sum over pieces."""

    what: Literal["params", "macs"]

    def predict(self, architecture: Architecture) -> float:
        """Return the number of one network."""
        return float(self.shares(list(pieces(architecture))).sum())

    def shares(self, pieces: Sequence[Piece]) -> NDArray[np.float64]:
        """Return the number of each piece `(pieces,)`."""
        return np.array([getattr(count(piece), self.what) for piece in pieces], np.float64)

    def total(self, sums: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the numbers of networks, given the sums over their pieces."""
        return sums


@dataclass(frozen=True)
class PartCost:
    """The cost of the stem, a stage or the head.

    `resolution` is that of the outgoing map, `macs` are for one image.
    """

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
    parts: tuple[PartCost, ...]


def cost(architecture: Architecture) -> Cost:
    """Count a network's parameters and multiply-adds without building it.

    As in the papers, multiply-adds are those of convolutions, matrix products and attention.
    """
    stem, *blocks, head = pieces(architecture)
    following = iter(blocks)
    stages = [_part(f"stage {i}", list(islice(following, s.depth))) for i, s in enumerate(architecture.stages)]
    parts = (_part("stem", [stem]), *stages, _part("head", [head]))
    return Cost(sum(part.params for part in parts), sum(part.macs for part in parts), parts)


def _part(name: str, row: Sequence[Piece]) -> PartCost:
    last, counts = row[-1], [count(piece) for piece in row]
    params, macs = sum(c.params for c in counts), sum(c.macs for c in counts)
    return PartCost(name, last.kind, len(row), last.width, last.out_resolution, params, macs)


def counts(architecture: Architecture) -> Iterator[Count]:
    """Yield the counts of a network's pieces, from image to classes."""
    return map(count, pieces(architecture))


@lru_cache(maxsize=100_000)
def count(piece: Piece) -> Count:
    """Count a piece, or recall what an earlier process counted."""
    if not lasting(piece):
        return counted(piece)
    if numbers := ledger().find(piece):
        return Count(*numbers)
    found = counted(piece)
    ledger().keep(piece, astuple(found))
    return found


def counted(piece: Piece) -> Count:
    """Run a piece once and count, a small one on the processor, a large one on the meta device.

    Each is faster there. Parameters and multiply-adds are equal on both, operators differ by one at most. Attention
    runs unfused, because the fused operator would count as nothing. Raises SpaceError for a piece that does not run, or
    gives another shape than promised.
    """
    try:
        found, shape = _run(piece, large=prod(piece.taken) * piece.width > LARGE)
    except TimeLimitError:
        raise
    except Exception as error:  # a plug-in's may raise anything
        raise SpaceError(f"the {piece.part} '{piece.kind}' does not run on {_taken(piece)}: {in_one_line(error)}; mend "
                         "it, or offer it where it runs") from error  # fmt: skip
    if piece.promised and shape != piece.promised:
        raise SpaceError(f"the {piece.part} '{piece.kind}' gives {_by(shape)} of {_taken(piece)}, where "
                         f"{_by(piece.promised)} is promised; mend it, or offer it where it gives that")  # fmt: skip
    return found


def _run(piece: Piece, large: bool) -> tuple[Count, Shape]:
    """Run a piece where it is faster, or on the processor if it reads values, and tell the shape that it gives."""
    try:
        with torch.random.fork_rng(devices=[]), torch.device("meta") if large else nullcontext():
            network, x = piece.build().eval(), torch.zeros(1, *piece.taken)
        with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), _Tally() as tally:
            out = network(x)
    except RuntimeError as error:
        if large and wants_values(error):
            return _run(piece, large=False)
        raise
    count = Count(parameters(network), tally.operations // 2, tally.operators, tally.traffic)
    return count, tuple(out.shape[1:]) if isinstance(out, Tensor) else ()


def _taken(piece: Piece) -> str:
    """Say what a piece is handed, and with which options it is built."""
    options = "".join(f", {name} {value}" for name, value in piece.options)
    stride = f", stride {piece.stride}" if piece.part == "block" else ""
    return f"a map of {_by(piece.shape)} (width {piece.width}{stride}{options})"


def _by(shape: Shape) -> str:
    return "x".join(map(str, shape)) or "no tensor"


class _Tally(TorchDispatchMode):
    """Counts operations by torch's formulas, operators other than views, and the numbers that these move."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.operations = self.operators = self.traffic = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Tell torch not to load its compiler for us, which takes a second: nothing is compiled while we count."""
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if formula := flop_registry.get(func.overloadpacket):
            self.operations += formula(*args, **(kwargs or {}), out_val=out)
        if not func.is_view:
            self.operators += 1
            self.traffic += _numbers((*args, *(kwargs or {}).values(), out))
        return out


def _numbers(values: Iterable[Any]) -> int:
    """Count the numbers in tensors, and in lists of them."""
    total = 0
    for value in values:
        if isinstance(value, Tensor):
            total += value.numel()
        elif isinstance(value, list | tuple):
            total += _numbers(value)
    return total


def parameters(module: nn.Module) -> int:
    """Count the trainable parameters."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)
