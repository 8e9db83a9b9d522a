"""nas show: a network drawn as a table."""

from typing import Annotated

from nas.cli.parameters import argument, best_of


def show(
    architecture: Annotated[str, argument("NETWORK", "One of nas spaces, a run's best, or a YAML file.")],
) -> None:
    """Draw a network as a table: its stages, their blocks, parameters, multiply-adds."""
    from rich.console import Console

    from nas.cli.tables import network_table
    from nas.costs.counts import cost
    from nas.space.library import load_architecture

    architecture = best_of(architecture)
    loaded = load_architecture(architecture)
    console = Console()
    console.print(network_table(loaded, cost(loaded)))
    console.print(f"Next:  nas profile {architecture}", highlight=False, soft_wrap=True)
