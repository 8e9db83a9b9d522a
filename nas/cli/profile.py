"""nas profile: tell what a network or a whole space costs where it will run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from nas.cli.completion import spaces_and_networks
from nas.cli.options import OFFERED, AsJson, Plugins, Runs, argument, option, read_settings, setting
from nas.cli.spaces import find_space, task_for
from nas.config import SearchConfig, make_config
from nas.errors import SettingError, option_text
from nas.evaluation.plugins import load_plugins
from nas.space.space import SearchSpace

NETWORK, SPACE = "Of a network", "Of a space"
WHAT = "Space, run (RUN:accuracy), training, YAML."
LIMIT = "Can this limit be met? latency=5. May be repeated."
NETWORKS = 100  # unless told
ONE = "as in the search or file, or 1"
Seconds = Annotated[
    float | None,
    option("SECONDS", "Longest time to measure.", panel=NETWORK, default="10", min=0.1, max=3600),
]
Networks = Annotated[
    int | None, option("N", "Networks to sample.", "-n", panel=SPACE, default=str(NETWORKS), min=2, max=10_000)
]


def profile(
    what: Annotated[str, argument("NETWORK|SPACE", WHAT, names=spaces_and_networks)],
    target: Annotated[str | None, setting("target", default="as in the search, or auto")] = None,
    threads: Annotated[int | None, setting("threads", default=ONE, bounded=True)] = None,
    batch: Annotated[int | None, setting("latency_batch", default=ONE, bounded=True)] = None,
    dtype: Annotated[str | None, setting("dtype", default="as in the search or file, or float32")] = None,
    resolution: Annotated[int | None, setting("resolution", default="the file's or data's", bounded=True)] = None,
    as_json: AsJson = False,
    scores: Annotated[bool, option("", "Zero-cost scores too, on images of noise.", "--scores", panel=NETWORK)] = False,
    seconds: Seconds = None,
    networks: Networks = None,
    maximum: Annotated[list[str], setting("maximum", LIMIT, panel=SPACE)] = [],  # noqa: B006
    minimum: Annotated[list[str], setting("minimum", panel=SPACE)] = [],  # noqa: B006
    budget: Annotated[str | None, setting("budget", "Say how long such a search takes.", panel=SPACE)] = None,
    data: Annotated[str, setting("data", "That search's images.", panel=SPACE)] = "",
    task: Annotated[str | None, setting("task", panel=SPACE, default="that of the space's heads")] = None,
    epochs: Annotated[int | None, setting("epochs", panel=SPACE, bounded=True)] = None,
    subset: Annotated[int | None, setting("subset", panel=SPACE, bounded=True)] = None,
    validation: Annotated[int | None, setting("validation", panel=SPACE, bounded=True)] = None,
    runs: Runs = Path("runs"),
    plugins: Plugins = [],  # noqa: B006
) -> None:
    """Count and measure the costs of a network, or of the networks of a space.

    Of a network: parameters, multiply-adds, latency, on the target of its search.
    Of a space, on a search's data: size, range of costs, share that keeps the limits, time of the search.
    """
    load_plugins(*plugins)
    from nas.cli.profiling import profile_network, profile_space  # both need torch

    space, where = find_space(what), {"target": target, "threads": threads, "dtype": dtype}
    typed = {"maximum": maximum, "minimum": minimum, "budget": budget, "data": data, "epochs": epochs,
             "subset": subset, "validation": validation, "task": task}  # fmt: skip
    if space is None or space.size() == 1:
        _refuse(f"{what} is a network", typed | {"-n": networks})
        profile_network(what, runs, resolution, seconds, as_json, scores, batch=batch, **where)
        return
    _refuse(f"{what} is a space", {"--scores": scores, "--seconds": seconds})
    typed |= where | {"latency_batch": batch, "resolution": resolution, "plugins": plugins}
    profile_space(space, _config(what, space, typed), networks or NETWORKS, as_json, timed=budget is not None)


def _config(name: str, space: SearchSpace, typed: Mapping[str, object]) -> SearchConfig:
    """Return the settings of the search that is asked about, for the task of the space's heads unless told."""
    left = {name for name in ("budget", "target", "task") if not typed[name]}
    told = {name: value for name, value in typed.items() if name not in left}
    return make_config(read_settings({"space": name, "task": task_for(space), **told}))


def _refuse(why: str, typed: Mapping[str, object]) -> None:
    """Raise SettingError for an option, by its setting or its flag, that was typed and would be of no use."""
    for name, value in typed.items():
        if value:
            flag = option_text(name, OFFERED[name].flag.name) if name in OFFERED else name
            raise SettingError(f"{flag} says nothing here, as {why}; leave it out")
