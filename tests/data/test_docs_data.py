"""Every command of docs/data.md runs, on small data and in a small space, and its figures are those of the code."""

from pathlib import Path

import pytest
from command import Command
from documents import ROOT, commands, photos, small

from nas.data.sets import HELD_OUT
from nas.data.stored import IN_MEMORY
from nas.registry import DATA

pytestmark = pytest.mark.long

TEXT = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
COMMANDS = commands("docs/data.md")


def test_every_command_runs(tmp_path: Path, tiny: Path, nas: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")
    monkeypatch.chdir(tmp_path)
    photos(tmp_path / "photos")
    datasets.disable_progress_bars()
    datasets.load_dataset("photos", cache_dir="copy")["train"].save_to_disk("saved")
    assert len(COMMANDS) >= 4
    for command in COMMANDS:
        answer = nas(
            *small(command), "--space", tiny, "--resolution", 16, "--epochs", 1, "--workers", 1, "--confirm", 1
        )
        assert answer.status == 0, f"{command}\n{answer.err}"


def test_it_names_every_data_set() -> None:
    assert all(f"`{name}" in TEXT for name in DATA.at_hand())


def test_its_figures_hold() -> None:
    assert f"{IN_MEMORY / 2**30:.0f} GiB" in TEXT
    for side, count in ((224, 14_000), (64, 175_000)):
        assert f"{count:,}" in TEXT
        assert round(IN_MEMORY / (3 * side**2), -3) == count
    assert HELD_OUT == 0.2
