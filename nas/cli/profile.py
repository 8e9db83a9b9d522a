"""nas profile: what a network costs on this machine."""

from typing import Annotated, Any

import typer


def profile(
    architecture: Annotated[str, typer.Argument(help="A shipped network (nas spaces) or a YAML file.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    threads: Annotated[int, typer.Option(min=1, max=1024, help="CPU threads.")] = 1,
    batch: Annotated[int, typer.Option(min=1, max=65_536, help="Images at once.")] = 1,
) -> None:
    """Count a network's parameters and multiply-adds and measure its latency."""
    import json

    from rich.console import Console

    from nas.cli.tables import network_table
    from nas.cost import cost
    from nas.device import choose_device
    from nas.grammar import load_architecture
    from nas.latency import measure
    from nas.network import build

    loaded, target = load_architecture(architecture), choose_device(device)
    known = cost(loaded)
    latency = measure(build(loaded, seed=0).to(target), loaded, target, threads=threads, batch=batch)
    if as_json:
        print(json.dumps(_facts(loaded, known, latency), indent=2))  # noqa: T201
        return
    console = Console()
    console.print(network_table(loaded, known))
    console.print(
        f"latency [bold]{latency.median:.3f} ms[/] ± {latency.iqr / 2:.3f} (half the interquartile range of "
        f"{latency.runs} rounds), batch {batch}, {threads} thread(s), {latency.device}",
        highlight=False,
    )


def _facts(architecture: Any, known: Any, latency: Any) -> dict[str, Any]:
    return {
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
