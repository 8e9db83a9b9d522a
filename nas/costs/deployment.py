"""The device that networks are trained on, and the target that they are shipped to."""

import platform
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import cast

import torch

from nas.costs.kept_counts import TIMING, source_digest
from nas.costs.machine import cpu_name
from nas.costs.targets import Dtype, Setting, Target
from nas.errors import SettingError
from nas.files import Json
from nas.registry import FILE_TARGET, OURS, TARGETS, suggest, target_name, target_text

DEVICES = ("auto", "cpu", "cuda")


@dataclass(frozen=True)
class Deployment:
    """A target of this machine and the setting that networks run with."""

    target: str = "cpu"
    setting: Setting = field(default_factory=Setting)

    @property
    def kind(self) -> Target:
        """The target's plug-in."""
        found: Target = TARGETS.get(self.target)
        return found

    @property
    def lasting(self) -> bool:
        """Tell whether times on the target may be kept: it is of this package, whose source is a part of the key."""
        return TARGETS.origin(self.target) == OURS

    def check(self) -> None:
        """Raise SettingError when the target is unknown, not on this machine or cannot run the type of numbers."""
        TARGETS.check(self.target)
        if why := _missing(self.target):
            here = ", ".join(map(target_text, available()))
            raise SettingError(f"target {target_text(self.target)}: {why}. Here are: {here}")
        if self.setting.dtype not in self.kind.dtypes:
            raise SettingError(f"dtype: found {self.setting.dtype}; target {self.target} runs "
                               f"{', '.join(self.kind.dtypes)}")  # fmt: skip

    def to_dict(self) -> Json:
        """Return plain data for a record: target, device, batch, threads, dtype."""
        return {"target": self.target, "device": self.device_name()} | self.setting.to_dict()

    def device_name(self) -> str:
        """Return the device's name as its maker gives it."""
        return device_name(torch.device(self.kind.device))

    def key(self) -> Json:
        """Return all that a time depends on beside the network: device, versions, source, target and setting.

        Raises SettingError for a target whose `versions` name no installed package.
        """
        versions = {name: _version(self.target, name) for name in self.kind.versions}
        return self.to_dict() | {"versions": versions, "source": source_digest(*TIMING), "system": platform.machine()}


def _version(target: str, package: str) -> str:
    try:
        return version(package)
    except (PackageNotFoundError, ValueError):
        raise SettingError(f"target {target_text(target)}: versions has '{package}', which is no installed package; "
                           "write names as pip has them, such as scikit-learn for sklearn") from None  # fmt: skip


def available() -> list[str]:
    """Return the names of the targets that this machine has."""
    return [name for name in TARGETS.at_hand() if not _missing(name)]


def _missing(name: str) -> str:
    """Return why a target cannot run on this machine. Raises SettingError where one from outside fails at that."""
    with TARGETS.telling(name, "missing()"):
        return str(TARGETS.get(name).missing())


def choose_deployment(
    target: str, *, device: str = "auto", batch: int = 1, threads: int = 1, dtype: str = "float32"
) -> Deployment:
    """Choose a target of this machine by its name, where `auto` runs operator by operator on `device`.

    Raises SettingError when the target is unknown, not on this machine or cannot run the type of numbers.
    """
    name = choose_device(device).type if target == "auto" else target_name(target)
    if name.startswith(FILE_TARGET):
        raise SettingError(f"target {name}: a device that is elsewhere can be predicted, not measured here")
    deployment = Deployment(name, Setting(batch, threads, cast(Dtype, dtype)))  # checked in the next line
    deployment.check()
    return deployment


def choose_device(name: str) -> torch.device:
    """Return the named device, for `auto` the GPU if there is one. Raises SettingError for an unknown or absent one."""
    if name not in DEVICES:
        raise SettingError(f"unknown device '{name}'. {suggest(name, DEVICES)}")
    if name == "cuda" and not torch.cuda.is_available():
        raise SettingError("device: found cuda, but torch sees no CUDA device here; write cpu or auto")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def device_name(device: torch.device) -> str:
    """Return the device's name as its maker gives it."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return cpu_name()
