"""What this machine is, as its makers call it. Needs no torch, which takes seconds to import."""

import os
import platform
import sys
from pathlib import Path

GPUS = Path("/proc/driver/nvidia/gpus")  # as NVIDIA's driver for Linux lists them


def cpu_name() -> str:
    """Return the processor's name as its maker gives it."""
    try:
        with open("/proc/cpuinfo") as file:  # noqa: PTH123
            pairs = [[text.strip() for text in line.split(":", 1)] for line in file if ":" in line]
    except OSError:
        pairs = []
    found = dict(reversed(pairs))  # the first of each
    numbers = [found[name] for name in ("CPU implementer", "CPU part") if name in found]  # all that ARM's have
    plain = [platform.processor() or platform.machine(), *numbers]
    return found.get("model name") or found.get("Hardware") or " ".join(plain)


def gpu_names(listed: Path = GPUS) -> list[str]:
    """Return the names of the GPUs of NVIDIA's that the driver lists, whether or not torch can use them."""
    try:
        files = sorted(listed.glob("*/information"))
        lines = [line for file in files for line in file.read_text(errors="replace").splitlines()]
    except OSError:
        return []
    return [line.partition(":")[2].strip() for line in lines if line.startswith("Model:")]


def shares_memory() -> bool:
    """Tell whether processes can share memory here, for which Linux has a folder."""
    return sys.platform != "linux" or os.access("/dev/shm", os.W_OK | os.X_OK)
