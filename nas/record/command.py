"""The commands that repeat a search and that go on with it, written from its settings."""

from collections.abc import Iterator
from math import ceil
from pathlib import Path
from typing import Any

from nas.config import MOST_TRIALS, Budget, SearchConfig, Shipping, make_config
from nas.errors import option_text
from nas.files import Json, quoted
from nas.record.config_file import ANEW, first_config
from nas.record.environment import last_start
from nas.record.folders import SPACE
from nas.record.listing import has_calibrated, is_calibration
from nas.record.run import Run
from nas.settings import Settings, flag_of
from nas.space.library import shipped

ALWAYS = ("space", "data", "budget", "seed")
PROPOSING = ("seed", "split_seed", "sampler", "maximum", "minimum", "scores", "seed_with", "plugins",
             *Shipping.model_fields)  # fmt: skip
"""Settings that decide which networks a calibration trains, and how it divides its data."""


def repeating(run: Run, **changes: Any) -> str:
    """Write the command that searches again with a run's settings, but for `changes`.

    A space that does not ship is the run's own, as its file may be another by now. Earlier runs that it learnt from,
    and those whose networks it began with, are looked for where the run is. Of a calibration it is the command that
    makes another one.
    """
    if is_calibration(run):
        return f"{calibrating(run, f'{run.name}-again')} -n {run.config.budget.trials}"
    config = run.config.model_copy(update=changes | _own_space(run))
    elsewhere = (config.warm_start or config.seed_with) and run.folder.parent != Path("runs")
    return searching(config) + (f" --runs {quoted(run.folder.parent)}" if elsewhere else "")


def searching(config: SearchConfig) -> str:
    """Write the command that searches with these settings."""
    return f"nas search {_words(config, _chosen(config))}"


def meaning(run: Run) -> str:
    """Write the options of a run's space, data, task, resolution and recipe, those that are not the task's own."""
    config = run.config.model_copy(update=_own_space(run))
    meant = {"space", "data", "task", "resolution", *type(config.recipe).model_fields}
    return _words(config, {name: value for name, value in _chosen(config).items() if name in meant})


def calibrating(run: Run, name: str = "") -> str:
    """Write the command that goes on with a calibration, or makes another of that name.

    The number of its networks is left to be appended.
    """
    config, usual, lengths = run.config, SearchConfig(), ",".join(map(str, run.config.lengths))
    own = {option: getattr(config, option) for option in PROPOSING if getattr(config, option) != getattr(usual, option)}
    words = [f"nas calibrate {meaning(run)} --rungs {lengths} --name {quoted(name or run.name)}", _words(config, own)]
    words += [] if run.folder.parent == Path("runs") else [f"--runs {quoted(run.folder.parent)}"]
    return " ".join(filter(None, words))


def going_on(run: Run) -> str:
    """Write the command that goes on with a search, with as much budget again where it is spent: else it would not.

    It is empty where nothing is left to do, as the space has no further network. A calibration goes on as it began, and
    one that has ended says itself what is next.
    """
    if is_calibration(run):
        ended = has_calibrated(run) and is_spent(run)
        return "" if ended else f"{calibrating(run)} -n {run.config.budget.trials}"
    command, budget = f"nas resume {quoted(run.folder)}", run.config.budget
    if exhausted(run):
        return ""
    if not is_spent(run):
        return command
    if budget.trials:
        longer = Budget(trials=min(2 * len(run.spent), MOST_TRIALS))
    else:
        longer = Budget(seconds=ceil(run.elapsed + (budget.seconds or 0)))
    return f"{command} --budget {_text(longer)}"


def is_spent(run: Run) -> bool:
    """Tell whether a search's budget is spent. To a time later trainings from other seeds count as well."""
    budget = run.config.budget
    return len(run.spent) >= budget.trials if budget.trials else run.elapsed >= (budget.seconds or 0)


def exhausted(run: Run) -> str:
    """Say that a search ended as no network was left to train, and why, or return an empty text."""
    size = last_start(run.environment).get("exhausted")
    if not size:
        return ""
    if len({trial.key for trial in run.trials}) < size:
        limited = " that keeps every limit" if run.config.maximum or run.config.minimum else ""
        return f"no further network of the space was found{limited}"
    done = "trained" if all(trial.state == "complete" for trial in run.trials) else "tried"
    return f"all {size} networks of the space were {done}" if size > 1 else f"the space's one network was {done}"


def resumed(run: Run) -> tuple[str, str] | None:
    """Write the options that a search began with and those that it went on with, None where they are the same."""
    first, last = first_config(run.seal) or run.config, run.config
    offered = [name for name in ANEW if flag_of(SearchConfig.model_fields[name])]
    other = [name for name in offered if getattr(first, name) != getattr(last, name)]
    before, after = (_words(config, {name: getattr(config, name) for name in other}) for config in (first, last))
    return (before, after) if other else None


def unsaid(run: Run) -> list[str]:
    """Name the settings, other than their defaults, that no option of the command sets: `recipe.shift 0`."""
    config, default = run.config, make_config({"task": run.config.task})
    pairs: list[tuple[str, Settings, Settings]] = [("", config, default), ("recipe.", config.recipe, default.recipe)]
    return [
        f"{prefix}{name} {_text(getattr(own, name))}"
        for prefix, own, other in pairs
        for name, field in type(own).model_fields.items()
        if name != "recipe" and getattr(own, name) != getattr(other, name) and not flag_of(field)
    ]


def _own_space(run: Run) -> Json:
    return {} if run.config.space in shipped() else {"space": str(run.folder / SPACE)}


def _words(config: SearchConfig, chosen: Json) -> str:
    return " ".join(word for name, value in chosen.items() for word in _typed(config, name, value))


def _chosen(config: SearchConfig) -> dict[str, Any]:
    """Return the settings that options set and that are not the defaults, and those that a search is named by."""
    default = make_config({"task": config.task}).model_copy(update={"task": SearchConfig().task})
    pairs: list[tuple[Settings, Settings]] = [(config, default), (config.recipe, default.recipe)]
    return {
        name: getattr(own, name)
        for own, other in pairs
        for name, field in type(own).model_fields.items()
        if flag_of(field) and (name in ALWAYS or getattr(own, name) != getattr(other, name))
    }


def _typed(config: SearchConfig, name: str, value: Any) -> Iterator[str]:
    """Yield an option and its value as they are typed, again for each value of one that may be repeated."""
    fields = type(config).model_fields | type(config.recipe).model_fields
    flag = flag_of(fields[name])
    assert flag
    for each in _each(value) if flag.repeated else [_text(value)]:
        yield option_text(name, flag.name)
        yield quoted(each)


def _each(value: Any) -> list[str]:
    return [f"{name}={_text(number)}" for name, number in value.items()] if isinstance(value, dict) else list(value)


def _text(value: Any) -> str:
    if value is None or value == ():
        return "none"
    if isinstance(value, Budget):
        return str(value.trials) if value.trials else f"{_text(value.seconds)}s"
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)
