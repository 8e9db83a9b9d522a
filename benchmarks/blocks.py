"""Are our blocks as fast as well-known ones? Forward pass and training step, ours against theirs, and peak memory.

Networks stand against timm's with the same weights; what timm has not, against the formulation as the papers write
it: index tables, a vector or a bias gathered for each pair of pixels, plain products. Both run in turn in one
process; a ratio is ours / theirs, the median over the rounds, so below 1 ours is faster. On the CPU the clock is the
process's own time on its one thread, which does not run while another program has the core. Peak memory is what one
step adds to what stood before: on a GPU torch's own figure, on the CPU the allocations that the profiler sees.

    python benchmarks/blocks.py --batch 2 --rounds 9
    python benchmarks/blocks.py --device cuda --batch 64 --rounds 30
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # the profiler's own chatter

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import timm_models
from timm_models import COATNET, SWIN, VIT

from nas.network.blocks.relative_attention import RelationAwareAttention, RelativeLogitsAttention
from nas.network.build import build
from nas.network.layers.attention import MultiHead
from nas.network.layers.relative import RelativeAttention
from nas.network.layers.windows import WindowAttention
from nas.space.library import load_architecture

SIDE = 224
MAP = (14, 14)  # of the papers' third stage, where most attention stands
WIDTH, HEAD_DIM = 384, 32


@dataclass(frozen=True)
class Pair:
    """Ours and theirs, with the same weights, and what both are given."""

    name: str
    ours: nn.Module
    theirs: nn.Module
    x: Tensor


def networks(batch: int) -> Iterator[Pair]:
    """Published networks, ours and timm's."""
    timm, x = timm_models.timm(), torch.randn(batch, 3, SIDE, SIDE)

    def pair(name: str, theirs: str, move: Callable[[nn.Module, nn.Module], None], **changes: dict[str, str]) -> Pair:
        data = load_architecture(name).to_dict()
        for stage in data["stages"]:
            stage |= changes.get(stage["block"], {})
        source, target = timm.create_model(theirs), build(load_architecture(data), seed=0)
        move(source, target)
        return Pair(f"{name} / timm {theirs}", target, source, x)

    # timm's CoAtNet strides on the depthwise convolution and pools by average
    as_timm = {"mbconv": {"stride_on": "depthwise"}, "transformer": {"pool": "avg"}}
    yield pair("coatnet_0", "coatnet_0_224", lambda s, t: timm_models.move(s, t, COATNET, by_head=True), **as_timm)
    yield pair("swin_t", "swin_tiny_patch4_window7_224", lambda s, t: timm_models.move(s, t, SWIN))
    yield pair("deit_s", "deit_small_patch16_224", lambda s, t: timm_models.move(s, t, VIT))
    yield pair("mobilenet_v2", "mobilenetv2_100", timm_models.transplant)


class Naive(MultiHead):
    """Attention as the papers write it: a term of the logits for each pair, by tables that each forward pass indexes.

    It holds the weights of one of ours.
    """

    def __init__(self, ours: MultiHead, width: int) -> None:
        super().__init__(width, width, width // ours.heads)
        self.qkv.load_state_dict(ours.qkv.state_dict())
        self.out.load_state_dict(ours.out.state_dict())

    def offsets(self, resolution: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """Key less query, in rows and in columns, from 0."""
        device = self.out.weight.device
        rows, columns = (torch.arange(side, device=device) for side in resolution)
        row, column = (grid.flatten() for grid in torch.meshgrid(rows, columns, indexing="ij"))
        return row - row[:, None] + resolution[0] - 1, column - column[:, None] + resolution[1] - 1

    def products(self, q: Tensor, k: Tensor, v: Tensor, term: Tensor | float) -> Tensor:
        """Plain products, the term added to the logits."""
        return ((q @ k.transpose(-1, -2)) * q.shape[-1] ** -0.5 + term).softmax(-1) @ v


class NaiveRelative(Naive):
    """CoAtNet's scalar bias, gathered for each pair."""

    def __init__(self, ours: RelativeAttention, width: int) -> None:
        super().__init__(ours, width)
        self.table = nn.Parameter(ours.bias.table.detach().clone())

    def forward(self, x: Tensor, resolution: tuple[int, int]) -> Tensor:
        # our table runs from the key's side: the offset is query less key
        row, column = (offset.T for offset in self.offsets(resolution))
        return self.merge(self.products(*self.split(x), self.table[:, row, column]))


class NaiveBello(Naive):
    """A vector for each pair's rows and another for its columns, met by the pair's query."""

    def __init__(self, ours: RelativeLogitsAttention, width: int) -> None:
        super().__init__(ours, width)
        self.rows = nn.Parameter(ours.logits.rows.detach().clone())
        self.columns = nn.Parameter(ours.logits.columns.detach().clone())

    def forward(self, x: Tensor, resolution: tuple[int, int]) -> Tensor:
        q, k, v = self.split(x)
        row, column = self.offsets(resolution)
        met = [torch.einsum("bhid,ijd->bhij", q, table) for table in (self.rows[row], self.columns[column])]
        return self.merge(self.products(q, k, v, (met[0] + met[1]) * q.shape[-1] ** -0.5))


class NaiveShaw(Naive):
    """A vector for each pair's clipped distance, added to its key and to its value."""

    def __init__(self, ours: RelationAwareAttention, width: int) -> None:
        super().__init__(ours, width)
        self.keys = nn.Parameter(ours.keys.detach().clone())
        self.values = nn.Parameter(ours.values.detach().clone())

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.split(x)
        place, reach = torch.arange(q.shape[2], device=x.device), len(self.keys) // 2
        distance = (place - place[:, None]).clamp(-reach, reach) + reach
        logits = q @ k.transpose(-1, -2) + torch.einsum("bhid,ijd->bhij", q, self.keys[distance])
        weights = (logits * q.shape[-1] ** -0.5).softmax(-1)
        return self.merge(weights @ v + torch.einsum("bhij,ijd->bhid", weights, self.values[distance]))


class NaiveWindows(Naive):
    """Shifted windows as released: each cut into a copy, its bias gathered and its mask added on top."""

    def __init__(self, ours: WindowAttention, width: int) -> None:
        super().__init__(ours, width)
        self.table = nn.Parameter(ours.bias.table.detach().clone())
        self.window, self.shift = ours.window, ours.shift
        self.register_buffer("mask", ours.mask)

    def forward(self, x: Tensor) -> Tensor:
        (rows, columns), (batch, height, width, channels) = self.window, x.shape
        x = x.roll((-self.shift[0], -self.shift[1]), (1, 2))
        x = x.view(batch, height // rows, rows, width // columns, columns, channels).permute(0, 1, 3, 2, 4, 5)
        q, k, v = self.split(x.contiguous().view(-1, rows * columns, channels))
        row, column = (offset.T for offset in self.offsets(self.window))
        logits = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2) + self.table[:, row, column]
        logits = logits.view(batch, -1, *logits.shape[1:]) + self.mask[None, :, None]
        x = self.merge(logits.flatten(0, 1).softmax(-1) @ v)
        x = x.view(batch, height // rows, width // columns, rows, columns, channels).permute(0, 1, 3, 2, 4, 5)
        return x.contiguous().view(batch, height, width, channels).roll(self.shift, (1, 2))


class OfMap(nn.Module):
    """Attention that is told the resolution of its map of tokens."""

    def __init__(self, attention: nn.Module) -> None:
        super().__init__()
        self.attention = attention

    def forward(self, x: Tensor) -> Tensor:
        return self.attention(x, MAP)


def attentions(batch: int) -> Iterator[Pair]:
    """Attention of ours and its naive formulation, at a stage's width and map."""
    tokens = torch.randn(batch, MAP[0] * MAP[1], WIDTH)
    relative = RelativeAttention(WIDTH, WIDTH, HEAD_DIM, MAP)
    yield Pair("relative bias / gathered", OfMap(relative), OfMap(NaiveRelative(relative, WIDTH)), tokens)
    bello = RelativeLogitsAttention(WIDTH, HEAD_DIM, MAP)
    yield Pair("2-D relative logits / gathered", OfMap(bello), OfMap(NaiveBello(bello, WIDTH)), tokens)
    shaw = RelationAwareAttention(WIDTH, HEAD_DIM, 16)
    yield Pair("relation-aware / gathered", shaw, NaiveShaw(shaw, WIDTH), tokens)
    windows = WindowAttention(96, HEAD_DIM, 7, (56, 56), shift=3)
    yield Pair("shifted windows / as released", windows, NaiveWindows(windows, 96), torch.randn(batch, 56, 56, 96))


class Side:
    """One of a pair: runs a step and says how long it took and what memory it needed."""

    def __init__(self, module: nn.Module, x: Tensor, device: torch.device, training: bool) -> None:
        self.module = module.to(device).train(training)
        self.x = x.to(device)
        if x.ndim == 4 and x.shape[1] == 3:
            self.module.to(memory_format=torch.channels_last)
            self.x = self.x.to(memory_format=torch.channels_last)
        self.training, self.device = training, device
        self.optimizer = torch.optim.AdamW(self.module.parameters(), lr=1e-5) if training else None

    def step(self) -> None:
        """A forward pass, or a whole training step."""
        if self.optimizer is None:
            with torch.no_grad():
                self.module(self.x)
            return
        self.optimizer.zero_grad()
        self.module(self.x).square().mean().backward()
        self.optimizer.step()

    def seconds(self) -> float:
        """The time of one step."""
        clock = time.process_time if self.device.type == "cpu" else time.perf_counter
        self._wait()
        start = clock()
        self.step()
        self._wait()
        return clock() - start

    def peak(self) -> float:
        """The most bytes that one step holds beyond what stood before it."""
        if self.optimizer:
            self.optimizer.zero_grad()
        if self.device.type == "cuda":
            before = torch.cuda.memory_allocated()
            torch.cuda.reset_peak_memory_stats()
            self.step()
            return torch.cuda.max_memory_allocated() - before
        with torch.profiler.profile(profile_memory=True) as profile:
            self.step()
        assert profile.profiler
        events = [e for e in profile.profiler.kineto_results.events() if e.name() == "[memory]"]
        held = peak = 0
        for event in sorted(events, key=lambda e: e.start_ns()):
            held += event.nbytes()
            peak = max(peak, held)
        return peak

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize()


def compare(pair: Pair, device: torch.device, rounds: int, training: bool) -> list[str]:
    """A row of the table."""
    sides = [Side(module, pair.x, device, training) for module in (pair.ours, pair.theirs)]
    times: list[list[float]] = [[], []]
    for i in range(-2, rounds):
        for which in (0, 1) if i % 2 else (1, 0):
            seconds = sides[which].seconds()
            if i >= 0:
                times[which].append(seconds)
    ratio = median(a / b for a, b in zip(*times, strict=True))
    ours, theirs = (side.peak() / 2**20 for side in sides)
    return [
        pair.name,
        "training step" if training else "forward",
        *(f"{1e3 * median(t):.1f}" for t in times),
        f"{ratio:.2f}",
        f"{ours:.1f}",
        f"{theirs:.1f}",
        f"{ours / theirs:.2f}",
    ]


@torch.no_grad()
def check(pair: Pair) -> None:
    """Both must compute the same before their times mean anything."""
    ours, theirs = pair.ours.eval()(pair.x[:1]), pair.theirs.eval()(pair.x[:1])
    error = timm_models.relative_error(ours, theirs)
    assert error < 1e-3, f"{pair.name}: relative error {error:.1e}"


def arguments(about: str | None, batch: int) -> argparse.ArgumentParser:
    """Make the parser of the options of `show`."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--batch", type=int, default=batch)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", default="", help="a part of the rows' names")
    return parser


def show(make: Callable[[], Iterable[Pair]], options: argparse.Namespace, size: str, width: int = 130) -> None:
    """Make pairs on one thread, check and compare each, forward and in training, and print a table."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    device = torch.device(options.device)
    machine = torch.cuda.get_device_name() if device.type == "cuda" else "CPU, one thread"
    title = f"torch {torch.__version__}, {machine}, batch {options.batch}, {size}, median of {options.rounds} rounds"
    table = Table("ours / theirs", "", "ours ms", "theirs ms", "ratio", "ours MiB", "theirs MiB", "ratio", title=title)
    for pair in make():
        if options.only in pair.name:
            check(pair)
            for training in (False, True):
                table.add_row(*compare(pair, device, options.rounds, training))
    Console(width=width).print(table)


def main() -> None:
    options = arguments(__doc__, batch=2).parse_args()
    show(lambda: (*networks(options.batch), *attentions(options.batch)), options, f"{SIDE} px")


if __name__ == "__main__":
    main()
