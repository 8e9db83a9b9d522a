"""Facts about where a run was made, so that it can be reproduced.

The first start's stand at the top, those of later ones in the list `starts`.
"""

import json
import os
import platform
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from nas import files
from nas.config import SearchConfig
from nas.errors import RunError
from nas.evaluation.catalogue import objective
from nas.files import Json
from nas.record.journal import recording
from nas.record.source import source_commit, versions

ENVIRONMENT = "environment.json"
EAGER = ("auto", "cpu", "cuda")  # targets that run operator by operator, which their devices tell apart
PACKAGES = ("hybrid-nas", "torch", "optuna", "numpy", "scikit-learn", "ray", "onnxruntime")


def environment(device: str, seed: int, outside: Iterable[str] = (), *, threads: int = 1) -> Json:
    """Collect versions, commit, system, and the device and threads of trainings. `outside` are packages with kinds."""
    return {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "finished": None,
        "versions": {"python": platform.python_version()} | versions((*PACKAGES, *outside)),
        "commit": source_commit(),
        "system": platform.platform(),
        "cpus": os.cpu_count(),
        "device": device,
        "threads": threads,
        "seed": seed,
    }


def write_environment(folder: Path, environment: Json) -> None:
    """Write the facts into a folder. Raises OSError."""
    files.write(folder / ENVIRONMENT, json.dumps(environment, indent=2) + "\n")


def read_environment(folder: Path) -> Json:
    """Read the facts of a folder. Raises RunError when they are missing or damaged."""
    path = folder / ENVIRONMENT
    try:
        return dict(json.loads(path.read_text(encoding="utf-8-sig")))
    except PermissionError as error:
        raise RunError(f"{path}: cannot be read ({error.strerror})") from None
    except (OSError, ValueError, TypeError):
        raise RunError(f"{path}: missing or damaged; write {{}} into it if nothing else is known") from None


def begun_at(environment: Json) -> datetime | None:
    """Return when the first start was, in this machine's time as Optuna writes it, None where that is not known."""
    started = environment.get("started")
    return datetime.fromisoformat(started).astimezone().replace(tzinfo=None) if started else None


def note_start(folder: Path, start: Json, remedy: str = "") -> None:
    """Add a later start to the facts of a folder. Raises RunError, with the remedy, when they cannot be written."""
    found = read_environment(folder)
    with recording(folder / ENVIRONMENT, remedy):
        write_environment(folder, found | {"starts": [*found.get("starts", []), start]})


def last_start(environment: Json) -> Json:
    """Return the facts of the last start, which of the only one are those of the folder."""
    found: Json = environment["starts"][-1] if environment.get("starts") else environment
    return found


def note_finished(folder: Path, exhausted: int | None = None) -> None:
    """Note that the last start came to its end. `exhausted` is the size of a space with no network left to train.

    Raises RunError when the facts cannot be read or written.
    """
    found = read_environment(folder)
    ended = {"finished": datetime.now(UTC).isoformat(timespec="seconds")}
    last_start(found).update(ended | ({} if exhausted is None else {"exhausted": exhausted}))
    with recording(folder / ENVIRONMENT):
        write_environment(folder, found)


def timed_on(environment: Json, target: str) -> str:
    """Return the device on which a search measures times, empty where it is not known."""
    known = environment.get("timed_on") or (environment.get("device") if target == "auto" else "")
    return str(known or "")


def timing(config: SearchConfig, device: str, objectives: Iterable[str]) -> Json:
    """Return by name what a search's times among some objectives depend on beside its networks, empty without any.

    `device` is the one on which it measures. Times of two searches compare where these agree.
    """
    timed = [name for name in objectives if objective(name).timed]
    batches = map(config.images_at_once, timed)
    target = "eager" if config.target in EAGER else config.target
    found = {"target": target, "device": device or "unknown", "threads": config.threads, "dtype": config.dtype}
    return found | {"images at once": " and ".join(map(str, dict.fromkeys(batches)))} if timed else {}


def changes(environment: Json, start: Json, begun: str) -> list[str]:
    """Say in a line each what is other at a start than when `begun` began: the device, versions of python and packages.

    Only what is known of both is compared.
    """
    was, now = environment.get("versions", {}), start["versions"]
    pairs = [("the device", environment.get("device"), start["device"])]
    pairs += [(name, was.get(name), now.get(name)) for name in ("python", *PACKAGES)]
    return [
        f"{name} is {found} now and was {then} when {begun} began: results may differ a little"
        for name, then, found in pairs
        if then and found and then != found
    ]
