"""Print what networks and spaces cost, for `nas profile`."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from rich import box
from rich.table import Table

from nas.cli.showing import counted
from nas.cli.tables import listed, network_facts, print_network, size_of
from nas.cli.terminal import Piece, Terminal, line, print_json
from nas.cli.unfinished import tell_unfinished
from nas.config import SearchConfig, make_config
from nas.costs.deployment import available, choose_deployment
from nas.costs.latency.measure import Latency, measure
from nas.costs.latency.predictor import Predictor
from nas.data.summary import causes, left_out
from nas.engine.plan import fit, load_whole
from nas.engine.prediction import as_measured, network_predictor
from nas.engine.survey import Survey, survey
from nas.errors import SettingError
from nas.evaluation.scoring import Scored, score
from nas.evaluation.units import duration, show
from nas.evaluation.units import title as title_of
from nas.evaluation.zero_cost import Sample
from nas.files import Json
from nas.network.architecture import Architecture
from nas.network.build import build
from nas.record.command import searching
from nas.record.networks import Found, find_network
from nas.registry import device_file
from nas.space.space import SearchSpace
from nas.training.catalogue import load_task, task_of_head

IMAGES = 16  # of noise, for scores
_SETTINGS = {"batch": "latency_batch"}  # options of this command by another name
SLOWED = 1.1  # times the calibrated time; the user is told of more


def profile_space(space: SearchSpace, config: SearchConfig, networks: int, as_json: bool, *, timed: bool) -> None:
    """Print the costs of `networks` sampled from a space and, if `timed`, how long a search takes.

    The space is fitted to the data of that search.
    """
    read = None if timed else load_whole(config)  # else the survey reads them
    found = survey(fit(space, read, config.task) if read else space, config, networks=networks, trial=timed)
    if skipped := read.skipped if read else found.skipped:
        Terminal(stderr=as_json).say((left_out(len(skipped), causes(skipped)), "dim"))
    if as_json:
        ranges = {name: asdict(one) for name, one in found.ranges.items()}
        of = found.space
        facts = {"space": of.name, "size": of.size(), "data": config.data, "resolutions": of.resolution,
                 "channels": of.channels, "classes": of.classes, "ranges": ranges, "shares": found.shares,
                 "seconds_per_trial": found.seconds_per_trial,
                 "predicted": found.predictor and _predicted(found.predictor)}  # fmt: skip
        print_json(facts)
        return
    console = Terminal()
    console.table(survey_table(found))
    console.say((_fitted(space, found.space, config), "dim"))
    for pieces in survey_lines(found, config, timed):
        console.say(*pieces)
    console.following(searching(config))


def profile_network(
    name: str,
    runs: Path,
    resolution: int | None,
    seconds: float | None,
    as_json: bool,
    scores: bool,
    **deployed: Any,
) -> None:
    """Print a network's costs, measured for at most `seconds` where `deployed` says: target, batch, threads, dtype.

    What is None there is as in the search that the network comes from, or usual. On a device that is elsewhere its
    latency is predicted. Raises SettingError where that is so and `seconds` are given.
    """
    tell_unfinished(runs, name)
    found, told = find_network(name, runs), {name: value for name, value in deployed.items() if value is not None}
    architecture = replace(found.architecture, resolution=resolution or found.architecture.resolution)
    known = counted(found, architecture)
    if target := _device_file(found, told):
        if seconds:
            raise SettingError(f"--seconds says nothing here, as latency on {target} is predicted; leave it out")
        latency, lines = _elsewhere(architecture, told | {"target": target})
    else:
        longest = {"seconds": seconds} if seconds else {}
        taken = measure(architecture, choose_deployment(**_where(found, told)), **longest)
        latency, lines = {"source": "measured"} | taken.to_dict(), latency_lines(taken)
    scored = _scored(architecture) if scores else {}
    if as_json:
        values = {n: {"value": s.value, "ms": s.ms} for n, s in scored.items()}
        facts = network_facts(architecture, known) | {"latency_ms": latency}
        print_json(facts | ({"scores": values} if scored else {}))
        return
    console = Terminal()
    print_network(console, architecture, known)
    for pieces in lines:
        console.say(*pieces)
    if scored:
        console.table(scores_table(scored, IMAGES))


def _fitted(space: SearchSpace, fitted: SearchSpace, config: SearchConfig) -> str:
    """Say what data the networks are counted for, and how to count them at the resolution of the space's file."""
    said = [f"{listed(fitted.resolution)} px", f"channels {fitted.channels}", f"classes {fitted.classes}"]
    line = f"as in a search on {config.data}: {', '.join(said)}"
    if config.resolution or set(fitted.resolution) <= set(space.resolution):
        return line
    return f"{line}; the space says {listed(space.resolution)} px (--resolution)"


def _predicted(predictor: Predictor) -> Json:
    return {"where": dict(predictor.where), "error": asdict(predictor.error)}


def _device_file(found: Found, told: Json) -> str:
    """Return the target that is a device's file: as `told`, or that of the network's search where the file is here."""
    target: str = told.get("target") or (found.home.config.target if found.home else "")
    file = device_file(target)
    return target if file and ("target" in told or file.is_file()) else ""


def _where(found: Found, told: Json) -> Json:
    """Return where to measure: as in the run or the training that a network is of, but for what was `told`."""
    config = found.home.config if found.home else None
    where: Json = {"target": (config.target if config else "") or "auto"}
    if config and where["target"] == "auto":
        where["target"] = config.device  # its name is also that of the target
    if isinstance(config, SearchConfig):
        where |= {"batch": config.latency_batch, "threads": config.threads, "dtype": config.dtype}
    if "target" in told or where["target"] in ("auto", *available()):
        return where | told
    Terminal(stderr=True).remark(f"Its search counts latency on {where['target']}, which is not here: it is measured "
                                 "on this machine.")  # fmt: skip
    return {"target": "auto"} | told


def _elsewhere(architecture: Architecture, told: Json) -> tuple[Json, list[list[Piece]]]:
    """Predict a network's latency on a device elsewhere: as plain data, and in words.

    Raises SettingError for a device that was measured otherwise than `told`, or never with such networks.
    """
    config = as_measured(make_config({_SETTINGS.get(name, name): value for name, value in told.items()}))
    predictor = network_predictor(config, architecture)
    ms = predictor.predict(architecture)
    setting: Json = {"batch": config.latency_batch, "threads": config.threads, "dtype": config.dtype}
    how = _how(config.target, config.latency_batch, config.threads, config.dtype, architecture.resolution)
    known = {"source": "predicted", "median": ms, "space": predictor.space, "error": asdict(predictor.error)}
    said: list[Piece] = ["latency ", (show("latency", ms), "bold"), f", predicted {sure_of(predictor)}"]
    taken: list[Piece] = [(f"{how}, measured on networks of the space {predictor.space}", "dim")]
    return {**known, **predictor.where, **setting}, [said, taken]


def _scored(architecture: Architecture) -> dict[str, Scored]:
    """Score the network with its initial weights on normal noise with targets by chance, the same each time."""
    task, generator = load_task(task_of_head(architecture.head.kind)), torch.Generator().manual_seed(0)
    x = torch.randn(IMAGES, *architecture.image_shape, generator=generator)
    y = task.drawn(IMAGES, architecture.classes, generator)
    return score(build(architecture, seed=0), Sample(x, y, task.loss))


def latency_lines(latency: Latency) -> list[list[Piece]]:
    """Write a measurement in words: the median and how sure it is, then how it was taken."""
    sure = (latency.high - latency.low) / latency.median
    spread = f"interquartile range {latency.iqr:.3f}; {latency.runs} rounds"
    how = _how(latency.target, latency.batch, latency.threads, latency.dtype, latency.resolution)
    lines: list[list[Piece]] = [
        ["latency ", (f"{latency.median:.3f} ms", "bold"), f" (95 % sure of {latency.low:.3f} to {latency.high:.3f}; "
         f"{spread})"],
        [(f"{how}, {latency.device}", "dim")],
    ]  # fmt: skip
    if not latency.steady:
        late = "the time limit came before it was sure to 2 %"
        lines.append([(late, "yellow"), f": the interval is {sure:.1%} wide"])
    if latency.drift > SLOWED:
        slower = f"the machine ran {latency.drift:.2f} times slower than at its best"
        lines.append([(slower, "yellow"), ", which is divided out"])
    return lines


def _how(target: str, batch: int, threads: int, dtype: str, side: int) -> str:
    """Write what a latency is of, beside the network."""
    return f"target {target}, batch {batch}, {threads} thread(s), {dtype}, {side} px"


def sure_of(predictor: Predictor) -> str:
    """Write the device that a predictor is of, and its error."""
    error = predictor.error
    return (f"for {predictor.where.get('device', 'a device elsewhere')}: median error {error.median:.1%}, nine of ten "
            f"within {error.high:.1%}")  # fmt: skip


def survey_table(found: Survey) -> Table:
    """Draw the smallest, median and largest costs of a space's networks."""
    title = f"{found.space.name}: {size_of(found.space)} networks at {listed(found.space.resolution)} px"
    table = Table("of its networks", box=box.SIMPLE_HEAD, title=title, title_justify="left")
    for heading in ("smallest", "median", "largest", *(["share that keeps the limit"] if found.shares else [])):
        table.add_column(heading, justify="right")
    for name, one in found.ranges.items():
        ends: Piece = "" if one.exact else (f" (of {one.networks})", "dim")
        share = [f"{found.shares[name]:.1%}" if name in found.shares else ""] if found.shares else []
        shown = [show(name, value) for value in (one.smallest, one.median, one.largest)]
        table.add_row(line(title_of(name), ends), *shown, *share)
    return table


def survey_lines(found: Survey, config: SearchConfig, timed: bool) -> list[list[Piece]]:
    """Write how sure a predicted latency is, what share keeps all limits, and how long a budget takes."""
    lines: list[list[Piece]] = []
    if found.predictor:
        lines.append([f"latency is predicted, {sure_of(found.predictor)}"])
        if "latency" in config.maximum:
            lines[-1].append("; the limit is kept by what keeps it with that doubt, as in a search")
    if "all" in found.shares:
        kept = (f"{found.shares['all']:.1%}", "bold")
        lines.append(["all limits together are kept by ", kept, " of the sampled networks"])
        if not found.shares["all"]:
            lines.append([("none keeps them all", "yellow"), ": a search would reject most of what it proposes"])
    if timed and found.seconds_per_trial:
        trials, seconds = config.budget.trials, found.seconds_per_trial
        if trials:
            takes = (duration(trials * seconds), "bold")
            lines.append([f"a budget of {trials} takes about ", takes, " on one worker here"])
            if config.confirm:
                lines[-1].append(f", and {config.confirm} further trainings of each network of its front")
        elif config.budget.seconds:
            fits = config.budget.seconds / seconds
            known = f"{duration(config.budget.seconds)} are time for about "
            lines.append([known, (f"{fits:.0f}", "bold"), " networks on one worker"])
        lines[-1].append(f" ({seconds:.1f} s a network on {config.data})")
    return lines


def scores_table(scored: Mapping[str, Scored], images: int) -> Table:
    """Draw zero-cost scores with the time that each took."""
    title = f"zero-cost scores: initial weights, {images} images of noise; more is better"
    table = Table("score", box=box.SIMPLE_HEAD, title=title, title_justify="left")
    table.add_column("value", justify="right")
    table.add_column("ms", justify="right")
    for name, found in scored.items():
        table.add_row(name, f"{found.value:.6g}", f"{found.ms:.1f}")
    return table
