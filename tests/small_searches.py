"""Search a tiny space in seconds."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import nas
from nas.record.run import Run

SPACE = {
    "name": "tiny",
    "resolution": 8,
    "stem": {"kind": "conv", "width": [4, 8]},
    "stages": [
        {"block": ["conv", "mbconv", "transformer", "moat"], "depth": [1, 2], "width": [4, 8, 12], "stride": 2},
        {"block": ["conv", "mbconv", "transformer", "moat"], "depth": [1, 2], "width": [8, 16], "stride": 2},
    ],
    "blocks": {
        "conv": {"kernel_size": [1, 3]},
        "mbconv": {"expansion": [1, 2], "se_ratio": [0, 0.25]},
        "transformer": {"head_dim": 4, "mlp_ratio": [1, 2]},
        "moat": {"head_dim": 4, "expansion": [1, 2]},
    },
}
STAGE = {"block": "conv", "depth": [0, 1], "width": [4, 8], "stride": 1}
ALIKE = {
    "name": "alike",
    "resolution": 8,
    "stem": {"kind": "conv", "width": [4, 8]},
    "stages": [STAGE] * 3 + [STAGE | {"depth": 1}],
}
"""Of 60 networks in 108 sets of decisions, as the stages that may be left out are alike."""
QUICK = {"epochs": 1, "subset": 64, "batch_size": 32}

CONVOLUTION_FIRST = """
name: tiny
resolution: 8
stem: {kind: conv, width: [8, 12, 16], stride: 1}
stages:
  - {block: [conv, mbconv], depth: [1, 2], width: [8, 12, 16], stride: 2}
  - {block: [moat, transformer], depth: [1, 2], width: [8, 16], stride: 2, head_dim: 8}
"""
SETTINGS: dict[str, Any] = {"data": "digits", "objectives": ("accuracy", "params"), "recipe": {"subset": 32}}


def search(space: Path, name: str, budget: int | str = 5, **changes) -> Run:
    settings = {"data": "digits", "objectives": ("accuracy", "params"), "sampler": "random", "recipe": QUICK}
    return nas.search(space, budget=budget, name=name, runs=space.parent / "runs", **(settings | changes))


def story(run: Run):
    """List what a search found, without its times."""
    return [(t.number, t.decisions, t.key, replace(t.outcome, seconds={})) for t in run.trials]


class Stopped(BaseException):
    """Raised in place of the end of a process."""
