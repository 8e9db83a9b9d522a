"""Every command of the README is run as it stands, but for its budget and for data that a reader has and we make."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

README = Path(__file__).parent.parent / "README.md"
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
COMMANDS = [
    line.partition("#")[0].strip()
    for language, text in BLOCKS
    if language == "bash"
    for line in text.splitlines()
    if line.startswith(("nas ", "python package/"))
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the data sets that the README names, small ones."""
    folder = tmp_path_factory.mktemp("home")
    rng = np.random.default_rng(0)
    for name in ("cats", "dogs"):
        (folder / "photos" / name).mkdir(parents=True)
        for i in range(12):
            image = Image.fromarray(rng.integers(0, 255, (40, 48, 3), np.uint8))
            image.save(folder / "photos" / name / f"{i}.png")
    (folder / "cifar-10-batches-bin").mkdir()
    for name in ("data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"):
        rows = rng.integers(0, 255, (40, 3073), np.uint8)
        rows[:, 0] = np.arange(40) % 10
        (folder / "cifar-10-batches-bin" / f"{name}.bin").write_bytes(rows.tobytes())
    (folder / "fashion").mkdir()
    for part, count in (("train", 80), ("t10k", 40)):
        images = rng.integers(0, 255, (count, 28, 28), np.uint8)
        header = np.array([2051, count, 28, 28], ">i4").tobytes()
        (folder / "fashion" / f"{part}-images-idx3-ubyte").write_bytes(header + images.tobytes())
        labels = (np.arange(count) % 10).astype(np.uint8)
        header = np.array([2049, count], ">i4").tobytes()
        (folder / "fashion" / f"{part}-labels-idx1-ubyte").write_bytes(header + labels.tobytes())
    return folder


def small(command: str) -> list[str]:
    """The command's words with a budget that a test can spend."""
    words = shlex.split(command)
    if words[0] == "python":
        return [*words[1:], "--seconds", "0.05"]
    if "--budget" in words:
        place = words.index("--budget") + 1
        counts = {"search": "2", "resume": "3", "profile": "2"}
        words[place] = counts[words[1]] if words[place].isdigit() else "5s"
    if "-n" in words:
        words[words.index("-n") + 1] = "8"
    if words[1] == "search" and "--subset" not in words:
        words += ["--subset", "32"]
    if words[1:3] == ["latency", "collect"]:
        words += ["--blocks", "20"]
    return ["-m", "nas.cli", *words[1:]]


def test_there_are_commands() -> None:
    assert len(COMMANDS) >= 10


def test_every_command_runs(home: Path) -> None:
    """One after the other in one folder, as a reader would."""
    for command in COMMANDS:
        done = subprocess.run([sys.executable, *small(command)], cwd=home, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    assert (home / "accurate.yaml").is_file()
    assert (home / "runs" / "first" / "report.html").is_file()


def test_the_python_examples_run(home: Path) -> None:
    examples = [text for language, text in BLOCKS if language == "python"]
    said = ""
    for example in examples:
        done = subprocess.run([sys.executable, "-c", example], cwd=home, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        said += done.stdout
    assert "25036820" in said


def test_the_space_example_loads(home: Path) -> None:
    (example,) = (text for language, text in BLOCKS if language == "yaml")
    (home / "mine.yaml").write_text(example)
    arguments = ["search", "--space", "mine.yaml", "--data", "digits", "--budget", "2", "--subset", "64"]
    done = subprocess.run(
        [sys.executable, "-m", "nas.cli", *arguments], cwd=home, capture_output=True, text=True, check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
