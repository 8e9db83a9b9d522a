"""What a run must say of where it was made, to be reproduced."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from nas.costs.device import choose_device, device_name


def environment(device: str, seed: int) -> dict[str, Any]:
    """Versions, commit, system and device as plain data."""
    packages = ("hybrid-nas", "torch", "optuna", "numpy")
    return {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {"python": platform.python_version()} | {name: version(name) for name in packages},
        "commit": _commit(),
        "system": platform.platform(),
        "cpus": os.cpu_count(),
        "device": device_name(choose_device(device)),
        "threads": 1,
        "seed": seed,
    }


def _commit() -> str | None:
    """The commit of the source tree that nas runs from, if it is one."""
    where = Path(__file__).parent
    asked = subprocess.run(
        ["git", "-C", str(where), "describe", "--always", "--dirty", "--abbrev=12"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return asked.stdout.strip() or None
