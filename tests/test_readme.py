"""Every command of the README runs as it stands, but for what it spends and for data that a reader has and we make."""

from pathlib import Path

import pytest
from command import Command
from documents import binaries, blocks, commands, photos, play, tell

from nas.data.sets.digit_scenes import Scene, digit_scenes

README = "README.md"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the data sets that the README names, small ones, where the test stands."""
    photos(tmp_path / "photos")
    binaries(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(digit_scenes.__kwdefaults__, "scene", Scene(train=32, validation=8, test=8, resolution=32))
    return tmp_path


def test_there_are_commands() -> None:
    assert len(commands(README)) >= 10


@pytest.mark.long
def test_every_command_runs(home: Path, nas: Command) -> None:
    play(README, nas)
    assert (home / "accurate.yaml").is_file()
    assert (home / "runs" / "first" / "report.html").is_file()


@pytest.mark.long
def test_the_python_examples_run(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = [tell(example, capsys) for example in blocks(README, "python")]
    assert "25036820" in "".join(said)


def test_the_space_example_loads(home: Path, nas: Command) -> None:
    (example,) = blocks(README, "yaml")
    (home / "mine.yaml").write_text(example)
    answer = nas("search", "--space", "mine.yaml", "--data", "digits", "--budget", 2, "--subset", 64)
    assert answer.status == 0, answer.err
