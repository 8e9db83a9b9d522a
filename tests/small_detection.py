"""Detection in seconds: a handful of small scenes, as a kind from a file, and a tiny space of detectors."""

from pathlib import Path
from typing import Any

FEW_SCENES = """
from nas.data.sets import Dataset
from nas.data.sets.digit_scenes import Scene, digit_scenes

__all__ = ["few_scenes"]


def few_scenes(path: None, *, seed: int, resolution: int | None = None) -> Dataset:
    scene = Scene(train=48, validation=16, test=16, resolution=16)
    return digit_scenes(None, seed=seed, resolution=resolution, scene=scene)
"""
HEAD: dict[str, Any] = {
    "kind": "detr", "width": 8, "encoder": 1, "decoder": 2, "heads": 2, "hidden": 16, "queries": 6,
    "anchors": True, "denoising": 1, "focal": True, "levels": 2,
}  # fmt: skip
STAGES: list[dict[str, Any]] = [
    {"block": "conv", "depth": 1, "width": 8, "stride": 2},
    {"block": "transformer", "depth": 1, "width": 8, "stride": 2, "head_dim": 4},
]
NET: dict[str, Any] = {
    "name": "detector", "resolution": 16, "channels": 1, "classes": 10,
    "stem": {"kind": "conv", "width": 8, "stride": 1}, "stages": STAGES, "head": HEAD,
}  # fmt: skip
SPACE = """
name: detectors
resolution: 16
stem: {kind: conv, width: [4, 8], stride: 1}
stages:
  - {block: [conv, mbconv], depth: [1, 2], width: [4, 8], stride: 2}
  - {block: [moat, transformer], depth: [1, 2], width: [8, 16], stride: 2, head_dim: 4}
head:
  {kind: detr, width: [8, 12], encoder: [0, 1], decoder: [1, 2], heads: 2, hidden: 16, queries: [5, 8], dropout: 0,
   anchors: [false, true], denoising: 1, focal: [false, true], levels: [1, 2]}
"""
QUICK: dict[str, Any] = {"epochs": 1, "subset": 32, "batch_size": 16}


def home(folder: Path) -> dict[str, Any]:
    """Write the files into a folder, and return the settings of a search of them."""
    (folder / "scenes.py").write_text(FEW_SCENES)
    (folder / "detectors.yaml").write_text(SPACE)
    return {
        "space": folder / "detectors.yaml", "task": "detection", "data": "few_scenes", "recipe": QUICK,
        "plugins": (str(folder / "scenes.py"),), "runs": folder / "runs",
    }  # fmt: skip
