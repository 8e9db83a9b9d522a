"""A training step in bfloat16 beside one in float32 on this processor, the same networks and images, in turn.

    python benchmarks/bfloat16.py --layouts C-C-C-C,M-M-M-M,C-C-T-T,M-M-A-A --batches 16,128
    python benchmarks/bfloat16.py --networks coatnet_0,moat_0 --resolution 224 --batches 8

A layout names the block of each stage as in layouts.py, widths stretched to about `--macs`; a network is one that nas
knows by name. Times are medians of processor time over `--rounds` of both in turn, in one thread. What the processor
has for bfloat16 is said above the table.
"""

import argparse
import statistics
import time
from dataclasses import replace

import torch
from layouts import matched
from rich.console import Console
from rich.table import Table
from torch import Tensor

from nas.costs.counts import cost
from nas.data import load
from nas.network.architecture import Architecture
from nas.network.build import Network, build
from nas.space.library import load_architecture
from nas.training.loop import groups

STEPS = 6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layouts", default="")
    parser.add_argument("--networks", default="")
    parser.add_argument("--data", default="relations", help="what gives the layouts their resolution")
    parser.add_argument("--macs", type=float, default=11e6)
    parser.add_argument("--resolution", type=int, help="of --networks")
    parser.add_argument("--batches", default="16")
    parser.add_argument("--rounds", type=int, default=9)
    given = parser.parse_args()
    torch.set_num_threads(1)
    table = Table("network", "M MACs", "batch", "float32, ms", "bfloat16, ms", "times as fast", title=_processor())
    for name, architecture in _asked(given):
        for batch in map(int, given.batches.split(",")):
            whole, half = timed(architecture, batch, given.rounds)
            macs = f"{cost(architecture).macs / 1e6:.1f}"
            table.add_row(name, macs, str(batch), f"{whole:.1f}", f"{half:.1f}", f"{whole / half:.2f}")
    Console(width=120).print(table)


def _processor() -> str:
    has, units = torch.cpu.get_capabilities(), {"avx512_bf16": "AVX-512's BF16", "amx_bf16": "AMX"}
    return ", ".join([f"torch {torch.__version__}", *(f"{'' if has.get(u) else 'no '}{n}" for u, n in units.items())])


def _asked(given: argparse.Namespace) -> list[tuple[str, Architecture]]:
    layouts, networks = (text.split(",") if text else [] for text in (given.layouts, given.networks))
    found = [(name, load_architecture(name)) for name in networks]
    if given.resolution:
        found = [(name, replace(architecture, resolution=given.resolution)) for name, architecture in found]
    dataset = load(given.data) if layouts else None
    return [(name, matched(name, given.macs, dataset)) for name in layouts] + found


def timed(architecture: Architecture, batch: int, rounds: int) -> tuple[float, float]:
    """Time steps of a training in float32 and in bfloat16: the median milliseconds of each."""
    x = torch.randn(batch, architecture.channels, architecture.resolution, architecture.resolution)
    y = torch.randint(architecture.classes, (batch,))
    network = build(architecture, seed=0).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(groups(network, 0.05), lr=1e-3, fused=True)
    found: dict[bool, list[float]] = {False: [], True: []}
    for number in range(rounds + 1):
        for half in sorted(found, reverse=bool(number % 2)):
            start = time.process_time()
            for _ in range(STEPS):
                step(network, optimizer, x, y, half)
            found[half].append(1e3 * (time.process_time() - start) / STEPS)
    whole, lower = (statistics.median(times[1:]) for times in found.values())  # the first round prepares
    return whole, lower


def step(network: Network, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor, half: bool) -> None:
    """Take one step of a training."""
    with torch.autocast("cpu", torch.bfloat16, enabled=half):
        loss = torch.nn.functional.cross_entropy(network(x), y)
    optimizer.zero_grad(set_to_none=True)
    torch.autograd.backward(loss)
    torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    optimizer.step()


if __name__ == "__main__":
    main()
