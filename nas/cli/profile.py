"""nas profile: what a network costs on this machine, and what it promises."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    import torch

    from nas.architecture import Architecture
    from nas.scores import Scored

IMAGES = 16  # of noise, for scores


def profile(
    architecture: Annotated[str, typer.Argument(help="A shipped network (nas spaces) or a YAML file.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    threads: Annotated[int, typer.Option(min=1, max=1024, help="CPU threads.")] = 1,
    batch: Annotated[int, typer.Option(min=1, max=65_536, help="Images at once.")] = 1,
    scores: Annotated[bool, typer.Option("--scores", help="Zero-cost scores as well, on images of noise.")] = False,
) -> None:
    """Count a network's parameters and multiply-adds and measure its latency."""
    import json

    from rich.console import Console

    from nas.cli.tables import network_table, scores_table
    from nas.cost import cost
    from nas.device import choose_device
    from nas.grammar import load_architecture
    from nas.latency import measure
    from nas.network import build

    loaded, target = load_architecture(architecture), choose_device(device)
    known = cost(loaded)
    latency = measure(build(loaded, seed=0).to(target), loaded, target, threads=threads, batch=batch)
    scored = _scored(loaded, target) if scores else {}
    if as_json:
        print(json.dumps(_facts(loaded, known, latency, scored), indent=2))  # noqa: T201
        return
    console = Console()
    console.print(network_table(loaded, known))
    console.print(
        f"latency [bold]{latency.median:.3f} ms[/] ± {latency.iqr / 2:.3f} (half the interquartile range of "
        f"{latency.runs} rounds), batch {batch}, {threads} thread(s), {latency.device}",
        highlight=False,
    )
    if scored:
        console.print(scores_table(scored, IMAGES))


def _scored(architecture: "Architecture", device: "torch.device") -> "dict[str, Scored]":
    """The scores of the network with its initial weights, on normal noise of random classes; the same each time."""
    import torch

    from nas.network import build
    from nas.scores import score

    generator = torch.Generator().manual_seed(0)
    side = architecture.resolution
    x = torch.randn(IMAGES, architecture.channels, side, side, generator=generator)
    y = torch.randint(architecture.classes, (IMAGES,), generator=generator)
    return score(build(architecture, seed=0).to(device), x.to(device), y.to(device))


def _facts(architecture: "Architecture", known: Any, latency: Any, scored: "dict[str, Scored]") -> dict[str, Any]:
    from math import isfinite

    facts = {
        "name": architecture.name,
        "key": architecture.key(),
        "layout": architecture.layout(),
        "resolution": architecture.resolution,
        "params": known.params,
        "macs": known.macs,
        "latency_ms": latency.to_dict(),
        "parts": [
            {"name": p.name, "kind": p.kind, "depth": p.depth, "width": p.width, "params": p.params, "macs": p.macs}
            for p in known.parts
        ],
    }
    values = {n: {"value": s.value if isfinite(s.value) else None, "ms": s.ms} for n, s in scored.items()}
    return facts | ({"scores": values} if scored else {})
