"""Energy meters: RAPL for processors (Linux' powercap folder), NVML for NVIDIA's GPUs.

Both count everything that the processor package or the card takes, so measure on an otherwise idle machine.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from nas.errors import SettingError

POWERCAP = Path("/sys/class/powercap")
Meter = Callable[[], float]
"""Returns joules, of which differences count."""


def meter(device: str, powercap: Path = POWERCAP) -> Meter:
    """Open the meter of `cpu` or `cuda`. Raises SettingError, saying why, where the hardware has none to read."""
    return _nvml() if device == "cuda" else _rapl(powercap)


def _rapl(folder: Path) -> Meter:
    """Sum all processor packages (`intel-rapl:0`, ..., which AMD's are called too)."""
    zones = (p for p in folder.glob("*-rapl:*") if p.name.count(":") == 1)
    packages = sorted(zone for zone in zones if _name(zone) != "psys")  # the whole machine's, packages included
    if not packages:
        raise SettingError(f"energy: this machine's processor does not tell (no RAPL counter in {folder}; virtual "
                           "machines rarely have one)")  # fmt: skip
    try:
        limits = [int((p / "max_energy_range_uj").read_text()) for p in packages]
        counters = [_unwrapped(p / "energy_uj", limit) for p, limit in zip(packages, limits, strict=True)]
        _total(counters)
    except PermissionError as error:
        raise SettingError(f"energy: {error.filename} is readable by root only; allow it with chmod a+r") from None
    except (OSError, ValueError) as error:
        raise SettingError(f"energy: the RAPL counter in {folder} cannot be read ({error})") from None
    return lambda: _total(counters) / 1e6


def _name(zone: Path) -> str:
    with suppress(OSError):
        return (zone / "name").read_text().strip()
    return ""


def _total(counters: Sequence[Callable[[], int]]) -> int:
    return sum(counter() for counter in counters)


def _unwrapped(path: Path, limit: int) -> Callable[[], int]:
    """Read a counter that returns to 0 after `limit`, its largest value, as one that never does."""
    last = total = 0

    def read() -> int:
        nonlocal last, total
        now = int(path.read_text())
        total += now - last if now >= last else now - last + limit + 1
        last = now
        return total

    return read


def _nvml() -> Meter:
    try:
        import pynvml
    except ImportError:
        raise SettingError("energy: the GPU's meter needs NVML: pip install nvidia-ml-py") from None
    import torch

    try:
        pynvml.nvmlInit()
        uuid = torch.cuda.get_device_properties(torch.cuda.current_device()).uuid
        handle = pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{uuid}")
        pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)
    except pynvml.NVMLError as error:
        raise SettingError(f"energy: this GPU does not tell ({error})") from None
    return lambda: float(pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)) / 1e3
