"""A run's settings on disk: written, and read if they are those that the run began with."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nas import document, files
from nas.config import Machine, SearchConfig, make_config, parse_budget
from nas.errors import SettingError
from nas.files import Json
from nas.record.folders import CONFIG
from nas.record.seal import SEAL, check_free, check_same
from nas.settings import Following

_FREE = {"data", "budget", "confirm"} | Machine.model_fields.keys() | Following.model_fields.keys()
ANEW = tuple(name for name in SearchConfig.model_fields if name in _FREE)
"""Settings that may change between two starts: a run knows its data by their fingerprint."""
GONE = frozenset({"pruner"})
"""Settings of earlier versions that do nothing any more."""


def write_config(folder: Path, config: SearchConfig) -> None:
    """Write a run's settings. Raises OSError."""
    files.write(folder / CONFIG, document.dump(config.model_dump(mode="json")))


def read_config(folder: Path, seal: Json) -> SearchConfig:
    """Read a run's settings.

    Raises SettingError for a damaged file, and for a setting that was changed since the run began and must stay.
    """
    path = folder / CONFIG
    settings = document.read(path).value
    if not isinstance(settings, dict):
        where = f" ({SEAL} has its contents)" if seal else ""
        raise SettingError(f"{path}: holds no settings; the file is damaged: restore it{where}, or begin anew")
    try:
        config = _config(settings)
    except SettingError as error:
        raise SettingError(f"{path}: {error}") from None
    if known := first_config(seal):
        check_same(
            path, known.model_dump(mode="json"), config.model_dump(mode="json"), {"space", *ANEW}
        )  # it has its own space
    return config


def changed(config: SearchConfig, settings: Mapping[str, Any]) -> SearchConfig:
    """Return settings of which some are written anew. Raises SettingError for one that is wrong or must stay."""
    check_free(settings, SearchConfig.model_fields, ANEW)
    anew = {name: parse_budget(value) if name == "budget" else value for name, value in settings.items()}
    return make_config(dict(config) | anew)


def first_config(seal: Json) -> SearchConfig | None:
    """Return the settings that a run began with, None of an older one, which kept none."""
    was = seal.get("settings") or {}
    return _config({name: value for name, value in was.items() if name in SearchConfig.model_fields}) if was else None


def _config(settings: Json) -> SearchConfig:
    kept = {key: value for key, value in settings.items() if key not in GONE}
    kept |= {"budget": parse_budget(kept["budget"])} if isinstance(kept.get("budget"), int) else {}
    config = make_config({key: tuple(v) if isinstance(v, list) else v for key, v in kept.items()})
    return config.model_copy(update={"rungs": config.lengths})  # a run has made its choice


def of_earlier_schedule(seal: Json) -> bool:
    """Tell whether a run's trainings had the learning rate of earlier versions, which fell as a cosine."""
    return bool(seal) and "fall" not in seal.get("settings", {}).get("recipe", {})
