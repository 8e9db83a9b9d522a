"""nas profile: what a network, or a whole search space, costs where it will run."""

from typing import TYPE_CHECKING, Annotated, Any

from nas.cli.parameters import argument, best_of, first, panel

if TYPE_CHECKING:
    from nas.config import SearchConfig
    from nas.costs.deployment import Deployment
    from nas.evaluation.zero_cost import Scored
    from nas.network.architecture import Architecture
    from nas.space.space import SearchSpace

IMAGES = 16  # of noise, for scores
_network_option, _space_option = panel("Of a network"), panel("Of a space")


def profile(
    what: Annotated[str, argument("NETWORK|SPACE", "One of nas spaces, a run's best, or a YAML file.")],
    target: Annotated[str, first("NAME", "cpu, onnxruntime, cuda, ... or auto.")] = "auto",
    threads: Annotated[int, first("N", "CPU threads.", min=1, max=1024)] = 1,
    batch: Annotated[int, first("N", "Images at once.", min=1, max=65_536)] = 1,
    dtype: Annotated[str, first("NAME", "float32, float16 or bfloat16.")] = "float32",
    resolution: Annotated[
        int | None, first("PIXELS", "Side of the images.", default="the file's", min=4, max=2048)
    ] = None,
    as_json: Annotated[bool, first("", "Print JSON instead of tables.", "--json")] = False,
    scores: Annotated[bool, _network_option("", "Zero-cost scores as well, on images of noise.", "--scores")] = False,
    seconds: Annotated[float, _network_option("SECONDS", "Longest time to measure.", min=0.1, max=3600)] = 10.0,
    networks: Annotated[int, _space_option("N", "Networks to sample.", "-n", min=2, max=10_000)] = 100,
    maximum: Annotated[
        list[str], _space_option("NAME=X", "Can this limit be met? latency=5. May be repeated.", "--max")
    ] = [],  # noqa: B006
    minimum: Annotated[
        list[str], _space_option("NAME=X", "The same for what is maximised: throughput=100.", "--min")
    ] = [],  # noqa: B006
    budget: Annotated[str | None, _space_option("N|TIME", "Say how long a search with this budget takes.")] = None,
    data: Annotated[str, _space_option("NAME[:PATH]", "That search's images.")] = "cluttered_digits",
) -> None:
    """What a network costs, counted and measured; or what the networks of a space do.

    Of a network: parameters, multiply-adds, latency. Of a space: its size, its networks' costs from
    the smallest to the largest, the share that keeps the limits, and how long a search would take.
    """
    from dataclasses import replace

    from nas.costs.deployment import choose_deployment
    from nas.space.library import load_architecture, load_space

    what = best_of(what)
    space = load_space(what)
    if space.size() > 1:
        from nas.config import make_config, parse_budget, parse_limits

        settings = {"space": what, "target": target, "threads": threads, "dtype": dtype,
                    "latency_batch": batch, "maximum": parse_limits(maximum, "--max"), "data": data,
                    "minimum": parse_limits(minimum, "--min"), "resolution": resolution}  # fmt: skip
        if budget:
            settings["budget"] = parse_budget(budget)
        _space(space, make_config(settings), networks, as_json, timed=budget is not None)
        return
    deployment = choose_deployment(target, batch=batch, threads=threads, dtype=dtype)
    loaded = load_architecture(what)
    _network(replace(loaded, resolution=resolution or loaded.resolution), deployment, seconds, as_json, scores)


def _space(space: "SearchSpace", config: "SearchConfig", networks: int, as_json: bool, timed: bool) -> None:
    import json
    from dataclasses import asdict

    from rich.console import Console

    from nas.cli.tables import survey_lines, survey_table
    from nas.engine.survey import survey

    if config.resolution:
        space = space.fit(resolution=config.resolution, channels=space.channels, classes=space.classes)
    found = survey(space, config, networks=networks, trial=timed)
    if as_json:
        ranges = {name: asdict(one) for name, one in found.ranges.items()}
        facts = {"space": space.name, "size": found.space.size(), "ranges": ranges, "shares": found.shares,
                 "seconds_per_trial": found.seconds_per_trial}  # fmt: skip
        print(json.dumps(facts, indent=2))  # noqa: T201
        return
    console = Console()
    console.print(survey_table(found))
    for line in survey_lines(found, config, timed):
        console.print(line, highlight=False)


def _network(
    architecture: "Architecture", deployment: "Deployment", seconds: float, as_json: bool, scores: bool
) -> None:
    import json

    from rich.console import Console

    from nas.cli.tables import latency_lines, network_table, scores_table
    from nas.costs.counts import cost
    from nas.costs.latency.measure import measure

    known, latency = cost(architecture), measure(architecture, deployment, seconds=seconds)
    scored = _scored(architecture) if scores else {}
    if as_json:
        print(json.dumps(_facts(architecture, known, latency, scored), indent=2))  # noqa: T201
        return
    console = Console()
    console.print(network_table(architecture, known))
    for line in latency_lines(latency):
        console.print(line, highlight=False)
    if scored:
        console.print(scores_table(scored, IMAGES))


def _scored(architecture: "Architecture") -> "dict[str, Scored]":
    """The scores of the network with its initial weights, on normal noise of random classes; the same each time."""
    import torch

    from nas.evaluation.zero_cost import score
    from nas.network.build import build

    generator = torch.Generator().manual_seed(0)
    side = architecture.resolution
    x = torch.randn(IMAGES, architecture.channels, side, side, generator=generator)
    y = torch.randint(architecture.classes, (IMAGES,), generator=generator)
    return score(build(architecture, seed=0), x, y)


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
