"""Folders of pictures to read, two classes of them, and how files come to harm."""

from pathlib import Path

import numpy as np
from PIL import Image


def write(folder: Path, count: int = 6, mode: str = "RGB", ending: str = "jpg", side: int = 150) -> Path:
    """Two classes of smooth pictures, no two alike and none square."""
    rng = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            image = Image.fromarray(rng.integers(0, 255, (6, 8, 3), np.uint8)).convert(mode)
            image.resize((side, 3 * side // 4), Image.Resampling.BICUBIC).save(folder / name / f"{i}.{ending}")
    return folder


def damage(file: Path) -> str:
    """Cut a picture's file short, behind its header, and return its name as messages write it."""
    whole = file.read_bytes()
    file.write_bytes(whole[: -len(whole) // 8])
    return f"{file.parent.name}/{file.name}"
