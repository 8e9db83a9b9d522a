"""What a machine is called."""

import io
import platform
from pathlib import Path

import pytest

from nas.costs import machine
from nas.costs.latency import runner

X86 = "processor\t: 0\nmodel name\t: Some Xeon: fast\n\nprocessor\t: 1\nmodel name\t: Another\n"
ARM = "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n\nprocessor\t: 1\nCPU part\t: 0xd4f\n"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (X86, "Some Xeon: fast"),
        (ARM, "aarch64 0x41 0xd0c"),
        (f"{ARM}\nHardware\t: BCM2835\n", "BCM2835"),
        ("", "aarch64"),
    ],
)
def test_processors_that_are_not_alike_have_names_of_their_own(
    text: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its name a time is kept, and compared; a device that runs without this package tells the same."""
    monkeypatch.setattr(machine, "open", lambda *_: io.StringIO(text), raising=False)
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: text)
    monkeypatch.setattr(platform, "processor", lambda: "")
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    assert machine.cpu_name() == runner.device() == name
