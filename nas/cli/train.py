"""nas train: train a network to the end."""

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from typer import Context

from nas.cli.completion import NAMES, networks
from nas.cli.options import AsJson, Plugins, Runs, argument, offers, option, read_settings, takes_settings
from nas.errors import SettingError, option_text
from nas.settings import Following
from nas.training.full.recipe import FullRecipe
from nas.training.full.settings import ANEW, Drawn, Lesson, Place

OFFERED = offers((Lesson, Drawn, Place, Following)) | offers((FullRecipe,), "changes", left=True)


@takes_settings(OFFERED)
def train(
    context: Context,
    network: Annotated[str, argument("NETWORK", "A run (RUN:accuracy), training, YAML, published.", names=networks)],
    *,
    recipe: Annotated[
        str | None,
        option(
            "NAME|FILE",
            "small, coatnet, moat, deit, detection, detr.",
            default="by task and size",
            names=NAMES["recipe"],
        ),
    ] = None,
    resume: Annotated[bool, option("", "Go on with this training.", "--resume")] = False,
    name: Annotated[str | None, option("NAME", "The training's name.", default="network and time")] = None,
    as_json: AsJson = False,
    runs: Runs = Path("runs"),
    plugins: Plugins = [],  # noqa: B006
    **typed: Any,
) -> None:
    """Train a network to the end: weights, a page, a verdict on the test part.

    Every epoch is on disk before the next begins; --resume goes on exactly, with the settings it began with. Where it
    is trained, --patience, --log, and --data and --teacher that were moved may be told anew.
    """
    from nas.cli.training import begin, go_on  # both need torch

    if not resume:
        _check_together(typed)
        settings = read_settings(typed, OFFERED) | {"recipe": recipe, "plugins": tuple(plugins)}
        begin(network, as_json=as_json, name=name, runs=runs, command=shlex.join(["nas", *sys.argv[1:]]), **settings)
        return
    others = {"recipe": recipe, "name": name, "plugins": plugins}
    changed = {name: value for name, value in typed.items() if _is_typed(context, name)}
    if must := [*(changed.keys() - {*ANEW}), *(other for other, value in others.items() if value)]:
        flags = ", ".join(map(option_text, sorted(must)))
        raise SettingError(f"--resume goes on with the settings that the training began with; leave out {flags}")
    go_on(network, runs, as_json=as_json, **read_settings(changed, OFFERED))


def _is_typed(context: Context, name: str) -> bool:
    """Tell whether an option was typed, which may be with its default value."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _check_together(typed: Mapping[str, Any]) -> None:
    """Raise SettingError for an option that another one leaves without meaning."""
    if typed["time"] and typed["epochs"]:
        raise SettingError("--time and --epochs: the one replaces the other; leave one out")
    for name in ("teaching", "temperature"):
        if typed[name] is not None and not typed["teacher"]:
            raise SettingError(f"--{name}: there is no teacher; name one with --teacher")
