"""Facts about where a run was made, so that it can be reproduced."""

import os
import platform
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from nas.files import Json


def environment(device: str, seed: int, outside: Iterable[str] = ()) -> Json:
    """Collect versions, commit, system and the device on which trials run. `outside` are packages with kinds."""
    packages = ("hybrid-nas", "torch", "optuna", "numpy", *outside)
    return {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {"python": platform.python_version()} | {name: version(name) for name in packages},
        "commit": _commit(),
        "system": platform.platform(),
        "cpus": os.cpu_count(),
        "device": device,
        "threads": 1,
        "seed": seed,
    }


def _commit() -> str | None:
    """The commit of the source tree that nas runs from, if there is one."""
    where = Path(__file__).parent
    asked = subprocess.run(
        ["git", "-C", str(where), "describe", "--always", "--dirty", "--abbrev=12"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return asked.stdout.strip() or None
