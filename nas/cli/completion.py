"""What a shell offers where a command takes a name: spaces, data sets, runs, kinds. No kind is imported for it."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from nas.evaluation.picks import KNEE
from nas.record.folders import CONFIG, TRAINING, named_in
from nas.registry import DATA, FORMATS, SAMPLERS, SCORES, TARGETS, TASKS, Registry, target_text
from nas.space.library import folder, shipped
from nas.training.catalogue import objective_names
from nas.training.full.recipe import shipped_recipes

Completer = Callable[[Any, str], Iterable[str]]
"""Given the context of a command and what is typed so far, names of which those that begin so are offered."""


def spaces(ctx: Any, incomplete: str) -> list[str]:
    """The spaces that ship; published networks, spaces of one point, are left to `networks`."""
    return [path.stem for path in sorted(folder().glob("*.yaml"))]


def networks(ctx: Any, incomplete: str) -> list[str]:
    """Runs, trainings, and published networks."""
    return [*every_run(ctx, incomplete), *published(ctx, incomplete)]


def spaces_and_networks(ctx: Any, incomplete: str) -> list[str]:
    """Spaces, runs, trainings, and published networks."""
    return [*spaces(ctx, incomplete), *networks(ctx, incomplete)]


def published(ctx: Any, incomplete: str) -> list[str]:
    """The published networks."""
    return [name for name, path in shipped().items() if path.parent != folder()]


def searches(ctx: Any, incomplete: str) -> list[str]:
    """The searches in the folder of runs."""
    return _folders(ctx, (CONFIG,))


def trainings(ctx: Any, incomplete: str) -> list[str]:
    """The trainings in the folder of runs."""
    return _folders(ctx, (TRAINING,))


def every_run(ctx: Any, incomplete: str) -> list[str]:
    """The searches and trainings in the folder of runs."""
    return _folders(ctx, (CONFIG, TRAINING))


def _folders(ctx: Any, files: Sequence[str]) -> list[str]:
    """Name the folders of the folder of runs that hold one of some files."""
    runs = Path(ctx.params.get("runs") or "runs")
    return sorted({name for file in files for name in named_in(runs, file)})


def kinds(registry: Registry, *more: str) -> Completer:
    """The kinds of a registry as they are typed, then `more` names."""
    return lambda ctx, incomplete: [
        *map(target_text if registry in (TARGETS, FORMATS) else str, registry.names()),
        *more,
    ]


def several(names: Completer) -> Completer:
    """Names joined by commas: the last is completed."""

    def complete(ctx: Any, incomplete: str) -> list[str]:
        before, comma, last = incomplete.rpartition(",")
        return [f"{before}{comma}{name}" for name in names(ctx, last)]

    return complete


NAMES: dict[str, Completer] = {
    "space": spaces,
    "data": kinds(DATA),
    "task": kinds(TASKS),
    "sampler": kinds(SAMPLERS),
    "target": kinds(TARGETS, "auto"),
    "objectives": several(lambda ctx, incomplete: objective_names()),
    "scores": several(kinds(SCORES)),
    "pick": lambda ctx, incomplete: [KNEE, *objective_names()],
    "seed_with": several(networks),
    "warm_start": several(searches),
    "device": lambda ctx, incomplete: ["auto", "cpu", "cuda"],
    "teacher": trainings,
    "backbone": trainings,
    "recipe": lambda ctx, incomplete: list(shipped_recipes()),
    "format": kinds(FORMATS),
    "part": lambda ctx, incomplete: ["train", "validation", "test", "all"],
}
"""What is offered for the value of a setting or an option, by its name."""
