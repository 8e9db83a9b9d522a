"""The ladders of calibrations, kept in the cache folder for later searches of the same space, data and recipe."""

from nas import files
from nas.config import SearchConfig
from nas.files import Json
from nas.space.grammar import to_dict
from nas.space.space import SearchSpace

KIND = "calibration"


def keep(config: SearchConfig, space: SearchSpace, data: Json, value: Json) -> None:
    """Keep a `ladder`, and what else is told of it, in place of what was kept."""
    files.keep(KIND, _key(config, space, data), value)


def recalled(config: SearchConfig, space: SearchSpace, data: Json) -> Json:
    """Return what is kept of this space, these data and this recipe, nothing without it."""
    return files.recall(KIND, _key(config, space, data)) or {}


def laddered(config: SearchConfig, space: SearchSpace, data: Json) -> tuple[SearchConfig, Json]:
    """Give settings whose rungs are open those that are kept of this space, these data and this recipe.

    Also returns what is kept, nothing where the rungs are others.
    """
    kept = recalled(config, space, data)
    if config.rungs == "auto":
        config = config.model_copy(update={"rungs": tuple(kept.get("ladder", config.lengths))})
    return config, kept if list(config.lengths) == kept.get("ladder") else {}


def _key(config: SearchConfig, space: SearchSpace, data: Json) -> Json:
    """Return what a ladder is kept for, whatever the split seed, which divides data and draws those without a path."""
    of_space = {name: value for name, value in to_dict(space).items() if name != "name"}
    found = ("counts", "pixels", "files") if ":" in config.data else ()
    of_data = {name: data.get(name) for name in ("classes", "parts", "channels", "resolution", *found)}
    recipe = config.recipe.model_dump(mode="json", exclude={"validation"})  # which the size of its part tells
    drawn = "" if found else config.data
    return {"space": of_space, "data": of_data | {"drawn": drawn}, "task": config.task, "recipe": recipe}
