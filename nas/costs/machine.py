"""What this machine is, as its makers call it. Needs no torch, which takes seconds to import."""

import platform
from pathlib import Path

GPUS = Path("/proc/driver/nvidia/gpus")  # as NVIDIA's driver for Linux lists them


def cpu_name() -> str:
    """Return the processor's name as its maker gives it."""
    try:
        with open("/proc/cpuinfo") as file:  # noqa: PTH123
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()


def gpu_names(listed: Path = GPUS) -> list[str]:
    """Return the names of the GPUs of NVIDIA's that the driver lists, whether or not torch can use them."""
    try:
        files = sorted(listed.glob("*/information"))
        lines = [line for file in files for line in file.read_text(errors="replace").splitlines()]
    except OSError:
        return []
    return [line.partition(":")[2].strip() for line in lines if line.startswith("Model:")]
