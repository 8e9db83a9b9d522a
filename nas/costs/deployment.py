"""Where a network will run once it is shipped."""

import platform
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import cast

import torch

from nas.costs.device import choose_device, device_name
from nas.costs.targets import Dtype, Setting, Target
from nas.errors import SettingError
from nas.files import Json
from nas.registry import FILE_TARGET, TARGETS, target_name, target_text


@dataclass(frozen=True)
class Deployment:
    """A target of this machine and how networks run on it."""

    target: str = "cpu"
    setting: Setting = field(default_factory=Setting)

    @property
    def kind(self) -> Target:
        """The target's plug-in."""
        found: Target = TARGETS.get(self.target)
        return found

    def check(self) -> None:
        """Raise SettingError when the target is unknown, is not on this machine or has no numbers of that type."""
        TARGETS.check(self.target)
        if why := self.kind.missing():
            here = ", ".join(map(target_text, available()))
            raise SettingError(f"target {target_text(self.target)}: {why}. Here are: {here}")
        if self.setting.dtype not in self.kind.dtypes:
            raise SettingError(f"dtype: found {self.setting.dtype}; target {self.target} runs "
                               f"{', '.join(self.kind.dtypes)}")  # fmt: skip

    def to_dict(self) -> Json:
        """Plain data for a record: target, device, batch, threads, dtype."""
        return {"target": self.target, "device": self.device_name()} | self.setting.to_dict()

    def device_name(self) -> str:
        """The device's name as its maker gives it."""
        return device_name(torch.device(self.kind.device))

    def key(self) -> Json:
        """All that a time depends on beside the network: device, versions, target and setting."""
        versions = {name: version(name) for name in self.kind.versions}
        return self.to_dict() | {"versions": versions, "system": platform.machine()}


def available() -> list[str]:
    """The targets that this machine has."""
    return [name for name in TARGETS.at_hand() if not TARGETS.get(name).missing()]


def choose_deployment(
    target: str, *, device: str = "auto", batch: int = 1, threads: int = 1, dtype: str = "float32"
) -> Deployment:
    """A target of this machine by its name; `auto` runs operator by operator on `device`.

    Raises SettingError when the target is unknown, is not on this machine or has no numbers of that type.
    """
    name = choose_device(device).type if target == "auto" else target_name(target)
    if name.startswith(FILE_TARGET):
        raise SettingError(f"target {name}: a device that is elsewhere can be predicted, not measured here")
    deployment = Deployment(name, Setting(batch, threads, cast(Dtype, dtype)))  # checked in the next line
    deployment.check()
    return deployment
