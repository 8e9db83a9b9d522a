"""nas show: draw a network, or say how two differ."""

from pathlib import Path
from typing import Annotated

from nas.cli.completion import networks
from nas.cli.options import AsJson, Plugins, Runs, argument
from nas.cli.unfinished import tell_unfinished
from nas.evaluation.plugins import load_plugins, plugin_flags


def show(
    network: Annotated[str, argument("NETWORK", "A run (RUN:accuracy), training, YAML, published.", names=networks)],
    other: Annotated[str | None, argument("OTHER", "Another, to be drawn beside it.", "none", networks)] = None,
    as_json: AsJson = False,
    runs: Runs = Path("runs"),
    plugins: Plugins = [],  # noqa: B006
) -> None:
    """Draw a network: its stages, their blocks and costs; or say how two differ.

    Of two networks the parts stand beside each other, what differs is marked, and the parameters
    and multiply-adds of the second are given as multiples of the first.
    """
    load_plugins(*plugins)
    tell_unfinished(runs, network, *([other] if other else []))
    from nas.cli.showing import show_network, show_two  # need torch

    flags = plugin_flags(plugins)
    if other is None:
        show_network(network, runs, flags, as_json=as_json)
    else:
        show_two((network, other), runs, flags, as_json=as_json)
