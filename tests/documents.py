"""Run what README and docs tell a reader to type, in a folder with the data that they name, on budgets of a test."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from boxed_folders import voc_folder
from command import Command
from PIL import Image

ROOT = Path(__file__).parents[1]
COUNTS = {"search": "2", "resume": "3", "profile": "2"}  # architectures in place of a budget's
QUICK = {  # what a test puts after a reader's own words, as of two the last one holds
    "search": ["--epochs", "1", "--subset", "32", "--confirm", "1"],
    "calibrate": ["--rungs", "1,2", "--subset", "32"],
    "train": ["--epochs", "1", "--batch-size", "16"],
    "profile": ["--seconds", "0.1"],
    "collect": ["--blocks", "8"],
}
SPACE = """
name: tiny
resolution: 32
stem: {kind: conv, width: [8, 16]}
stages:
  - {block: [conv, mbconv], depth: [1, 2], width: [8, 16], stride: 2}
  - {block: [moat, transformer], depth: [1, 2], width: [8, 16], stride: 2, head_dim: 8}
"""  # in place of the flagship, the default
BOXES = """
name: boxes
resolution: 32
stem: {kind: patchify, width: 8, patch_size: 4}
stages:
  - {block: [conv, mbconv], depth: 1, width: [8, 16], stride: 2}
head:
  {kind: detr, width: 16, encoder: 1, decoder: [1, 2], heads: 2, hidden: 16, queries: 12, dropout: 0, selected: true,
   denoising: 1, focal: true}
"""  # in place of the space of detectors


def blocks(document: str, language: str) -> list[str]:
    """The fenced blocks of a language in a document of the project."""
    text = (ROOT / document).read_text(encoding="utf-8")
    return [block for kind, block in re.findall(r"```(\w+)\n(.*?)```", text, re.DOTALL) if kind == language]


def commands(document: str) -> list[str]:
    """The lines of its shell blocks that call nas, or a script that it wrote."""
    lines = (line.partition(" #")[0].strip() for block in blocks(document, "bash") for line in block.splitlines())
    return [line for line in lines if line.startswith(("nas ", "python package/"))]


def small(command: str) -> list[str]:
    """The command's words with a space, in tiny.yaml, and a budget that a test can spend."""
    program, *words = shlex.split(command)
    if program == "python":
        return [*words, "--seconds", "0.05"]
    for option, count in (("--budget", COUNTS.get(words[0], "")), ("-n", "8"), ("--tolerance", "0.9")):
        if option in words:
            place = words.index(option) + 1
            words[place] = "2s" if words[place].endswith("m") else count
    if words[0] in ("search", "profile", "latency", "calibrate"):
        words = [{"cvt_family": "tiny.yaml", "detr_family": "boxes.yaml"}.get(word, word) for word in words]
    if words[0] == "search":
        words += [] if "--budget" in words else ["--budget", COUNTS["search"]]
        words += [] if "--space" in words else ["--space", "boxes.yaml" if "--task" in words else "tiny.yaml"]
    if words[0] == "profile" and "-n" in words:  # a space, of which trainings are timed for a budget
        return words + (["--epochs", "1", "--subset", "32"] if "--budget" in words else [])
    return words + [word for name in words[:2] if "--resume" not in words for word in QUICK.get(name, [])]


def play(document: str, nas: Command) -> None:
    """Run every command of a document in this folder, one after the other, as a reader would."""
    Path("tiny.yaml").write_text(SPACE)
    Path("boxes.yaml").write_text(BOXES)
    for command in commands(document):
        if command.startswith("python "):
            run(small(command), Path())
            continue
        answer = nas(*small(command))
        assert answer.status == 0, f"{command}\n{answer.out}\n{answer.err}"


def tell(example: str, capsys: pytest.CaptureFixture[str], **given: object) -> str:
    """Run an example of Python's in this folder, with the names that its reader has, and return what it printed."""
    capsys.readouterr()
    exec(compile(example, "<example>", "exec"), {"__name__": "__main__", **given})
    return capsys.readouterr().out


def run(words: list[str], folder: Path) -> str:
    """Run Python with these words in a folder and return what it printed. Fails with its errors."""
    done = subprocess.run([sys.executable, *words], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{shlex.join(words)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def photos(folder: Path, names: tuple[str, ...] = ("cats", "dogs"), count: int = 12) -> None:
    """Make photographs, a folder a class, each class of a colour of its own."""
    rng = np.random.default_rng(0)
    for label, name in enumerate(names):
        (folder / name).mkdir(parents=True)
        for number in range(1, count + 1):
            pixels = rng.integers(0, 120, (40, 48, 3), np.uint8)
            pixels[..., label % 3] += 120
            Image.fromarray(pixels).save(folder / name / f"{number:03d}.jpg")


def animals(folder: Path, count: int = 12) -> None:
    """Make photographs with boxes, as Pascal VOC has them, named by numbers."""
    voc_folder(
        folder, {f"{number:06d}": [("cat", 5, 4, 25, 24), ("dog", 30, 10, 50, 30)] for number in range(1, count)}
    )
    for file in (folder / "JPEGImages").iterdir():
        Image.open(file).save(file.with_suffix(".jpg"))
        file.unlink()


def binaries(folder: Path) -> None:
    """Write small files in the formats of CIFAR-10 and Fashion-MNIST into folders with the names of the README."""
    rng = np.random.default_rng(0)
    cifar, fashion = folder / "cifar-10-batches-bin", folder / "fashion"
    cifar.mkdir()
    for name in ("data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"):
        rows = rng.integers(0, 255, (40, 3073), np.uint8)
        rows[:, 0] = np.arange(40) % 10
        (cifar / f"{name}.bin").write_bytes(rows.tobytes())
    fashion.mkdir()
    for part, count in (("train", 80), ("t10k", 40)):
        images = rng.integers(0, 255, (count, 28, 28), np.uint8)
        header = np.array([2051, count, 28, 28], ">i4").tobytes()
        (fashion / f"{part}-images-idx3-ubyte").write_bytes(header + images.tobytes())
        labels = (np.arange(count) % 10).astype(np.uint8)
        (fashion / f"{part}-labels-idx1-ubyte").write_bytes(np.array([2049, count], ">i4").tobytes() + labels.tobytes())
