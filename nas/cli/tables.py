"""Tables as a person reads them in a terminal."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table

from nas import pareto
from nas.config import SearchConfig
from nas.evaluation.units import duration, show, show_between
from nas.evaluation.units import title as title_of
from nas.network.architecture import Architecture, Options
from nas.network.options import options_of
from nas.record.confirmed import interval
from nas.record.journal import Trial
from nas.record.run import Run
from nas.registry import BLOCKS
from nas.space.space import SearchSpace, slots

if TYPE_CHECKING:
    from nas.costs.counts import Cost, PartCost
    from nas.costs.latency.measure import Latency
    from nas.engine.survey import Survey
    from nas.evaluation.zero_cost import Scored

SLOWED = 1.1  # times the calibrated time; beyond it a person is told


def front_table(run: Run, front: Sequence[Trial], rows: int | None = None) -> Table:
    """The Pareto front of a run, thinned evenly to at most `rows` lines; the knee is marked."""
    knee = front[pareto.knee(run.points(front), run.maximize)].number if front else None
    if rows and len(front) > rows:
        kept = {round(i * (len(front) - 1) / (rows - 1)) for i in range(rows)}
        front = [trial for i, trial in enumerate(front) if i in kept or trial.number == knee]
    table = Table("trial", "layout", "depths", *run.config.objectives, "", box=box.SIMPLE_HEAD)
    for trial in front:
        depths = "-".join(str(stage["depth"]) for stage in trial.architecture["stages"])
        values = [show_between(n, trial.metrics[n], interval(trial, n)) for n in run.config.objectives]
        is_knee = trial.number == knee
        style = "bold green" if is_knee else ""
        table.add_row(str(trial.number), trial.layout, depths, *values, "★ knee" if is_knee else "", style=style)
    return table


def network_table(architecture: Architecture, known: "Cost") -> RenderableType:
    """A network drawn part by part: block, resolution, width, depth, parameters, multiply-adds; then the options."""
    title = f"{architecture.name}: {architecture.layout()} at {architecture.resolution} px"
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", padding=(0, 1, 0, 0))
    for heading in ("part", "block"):
        table.add_column(heading, no_wrap=True)
    for heading in ("map", "width", "depth", "params", "MMACs", ""):
        table.add_column(heading, justify="right", no_wrap=True)
    for part in known.parts:
        height, width = part.resolution
        table.add_row(
            part.name,
            part.kind,
            f"{height}x{width}",
            str(part.width),
            str(part.depth),
            f"{part.params:,}",
            f"{part.macs / 1e6:,.2f}",
            f"{part.macs / max(known.macs, 1):.0%}",
        )
    table.add_section()
    table.add_row("total", "", "", "", "", f"{known.params:,}", f"{known.macs / 1e6:,.2f}", "", style="bold")
    named = [architecture.stem.options, *(s.options for s in architecture.stages), architecture.head.options]
    texts = [_options(part, options) for part, options in zip(known.parts, named, strict=True)]
    if not any(texts):
        return table
    listed = Table("part", "options", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for part, text in zip(known.parts, texts, strict=True):
        if text:
            listed.add_row(part.name, text)
    return Group(table, listed)


def _options(part: "PartCost", named: Options) -> str:
    """The options that a file names, and any of which the block makes something else on its map."""
    if not part.name.startswith("stage "):
        return ", ".join(f"{name} {value}" for name, value in named.items())
    texts = []
    for name, option in options_of(BLOCKS, part.kind).items():
        value = named.get(name, option.default)
        remark = BLOCKS.get(part.kind).remark(name, value, part.resolution)
        if name in named or remark:
            texts.append(f"{name} {value}" + (f" ({remark})" if remark else ""))
    return ", ".join(texts)


def latency_lines(latency: "Latency") -> list[str]:
    """A measurement in words: the median and how sure it is, then how it was taken."""
    sure = (latency.high - latency.low) / latency.median
    lines = [
        f"latency [bold]{latency.median:.3f} ms[/] (95 % sure of {latency.low:.3f} to {latency.high:.3f}; "
        f"interquartile range {latency.iqr:.3f}; {latency.runs} rounds)",
        f"[dim]target {latency.target}, batch {latency.batch}, {latency.threads} thread(s), {latency.dtype}, "
        f"{latency.resolution} px, {latency.device}[/]",
    ]
    if not latency.steady:
        lines.append(f"[yellow]the time limit came before it was sure to 2 %[/]: the interval is {sure:.1%} wide")
    if latency.drift > SLOWED:
        lines.append(
            f"[yellow]the machine ran {latency.drift:.2f} times slower than at its best[/], which is divided out"
        )
    return lines


def survey_table(found: "Survey") -> Table:
    """What the networks of a space cost: smallest, median, largest."""
    size = found.space.size()
    count = f"{size:,}" if size < 1e6 else f"{size:.3g}"
    title = f"{found.space.name}: {count} networks at {listed(found.space.resolution)} px"
    table = Table("of its networks", box=box.SIMPLE_HEAD, title=title, title_justify="left")
    for heading in ("smallest", "median", "largest", "share that keeps the limit"):
        table.add_column(heading, justify="right")
    for name, one in found.ranges.items():
        ends = "" if one.exact else f" [dim](of {one.networks})[/]"
        share = f"{found.shares[name]:.1%}" if name in found.shares else ""
        shown = [show(name, value) for value in (one.smallest, one.median, one.largest)]
        table.add_row(title_of(name) + ends, *shown, share)
    return table


def survey_lines(found: "Survey", config: SearchConfig, timed: bool) -> list[str]:
    """The limits together, and the time of a budget."""
    lines = []
    if "all" in found.shares:
        lines.append(f"all limits together are kept by [bold]{found.shares['all']:.1%}[/] of the sampled networks")
    if timed and found.seconds_per_trial:
        trials, seconds = config.budget.trials, found.seconds_per_trial
        if trials:
            lines.append(f"a budget of {trials} takes about [bold]{duration(trials * seconds)}[/] on one worker here")
        elif config.budget.seconds:
            fits = config.budget.seconds / seconds
            lines.append(
                f"{duration(config.budget.seconds)} are time for about [bold]{fits:.0f}[/] networks on one worker"
            )
        lines[-1] += f" ({seconds:.1f} s a network on {config.data})"
    return lines


def space_table(space: SearchSpace) -> Table:
    """A search space, one row a place: what may stand there, how deep and how wide."""
    table = Table("place", "block", "depth", "width", "stride", box=box.SIMPLE_HEAD)
    for place, slot in slots(space):
        table.add_row(place, listed(slot.kinds), listed(slot.depths), listed(slot.widths), listed(slot.strides))
    return table


def options_table(space: SearchSpace) -> Table:
    """The options of each kind, one row for all places where they are the same."""
    rows: dict[tuple[str, str], list[str]] = {}
    for place, slot in slots(space):
        for kind, named in slot.options.items():
            text = "   ".join(f"{name} [bold]{listed(values)}[/]" for name, values in named.items())
            if text:
                rows.setdefault((kind, text), []).append(place.removeprefix("stages."))
    table = Table("kind", "where", "options", box=box.SIMPLE_HEAD)
    for (kind, text), places in rows.items():
        where = places[0] if places == ["stem"] or places == ["head"] else f"stages {', '.join(places)}"
        table.add_row(kind, where, text)
    return table


def scores_table(scored: "Mapping[str, Scored]", images: int) -> Table:
    """Zero-cost scores with the time each took."""
    title = f"zero-cost scores: initial weights, {images} images of noise; more is better"
    table = Table("score", box=box.SIMPLE_HEAD, title=title, title_justify="left")
    table.add_column("value", justify="right")
    table.add_column("ms", justify="right")
    for name, found in scored.items():
        table.add_row(name, f"{found.value:.6g}", f"{found.ms:.1f}")
    return table


def listed(values: Iterable[object]) -> str:
    """Choices in one cell: `1 | 2 | 4`."""
    return " | ".join(map(str, values))
