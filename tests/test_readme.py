"""Every command of the README is run as it stands, but for its budget and for data that a reader has and we make."""

from pathlib import Path

import pytest
from documents import binaries, blocks, commands, photos, run, small

README = "README.md"
COMMANDS = commands(README)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the data sets that the README names, small ones."""
    folder = tmp_path_factory.mktemp("home")
    photos(folder / "photos")
    binaries(folder)
    return folder


def test_there_are_commands() -> None:
    assert len(COMMANDS) >= 10


def test_every_command_runs(home: Path) -> None:
    """One after the other in one folder, as a reader would."""
    for command in COMMANDS:
        run(small(command), home)
    assert (home / "accurate.yaml").is_file()
    assert (home / "runs" / "first" / "report.html").is_file()


def test_the_python_examples_run(home: Path) -> None:
    said = [run(["-c", example], home) for example in blocks(README, "python")]
    assert "25036820" in "".join(said)


def test_the_space_example_loads(home: Path) -> None:
    (example,) = blocks(README, "yaml")
    (home / "mine.yaml").write_text(example)
    run(
        ["-m", "nas.cli", "search", "--space", "mine.yaml", "--data", "digits", "--budget", "2", "--subset", "64"], home
    )
