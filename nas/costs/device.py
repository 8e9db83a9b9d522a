"""Which device, and what its maker calls it."""

import platform

import torch

from nas.errors import SettingError
from nas.registry import suggest

NAMES = ("auto", "cpu", "cuda")


def choose_device(name: str) -> torch.device:
    """`auto` is the GPU where there is one. Raises SettingError for an unknown device and for one that is not there."""
    if name not in NAMES:
        raise SettingError(f"unknown device '{name}'. {suggest(name, NAMES)}")
    if name == "cuda" and not torch.cuda.is_available():
        raise SettingError("device: found cuda, but torch sees no CUDA device here; write cpu or auto")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def device_name(device: torch.device) -> str:
    """The device's name as its maker gives it."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return _cpu_name()


def _cpu_name() -> str:
    try:
        with open("/proc/cpuinfo") as file:  # noqa: PTH123
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()
