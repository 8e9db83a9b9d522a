"""The example of docs/backbone.md runs as it stands, with the weights of a network that it names."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

import nas

pytestmark = pytest.mark.long
TEXT = (Path(__file__).parents[1] / "docs" / "backbone.md").read_text(encoding="utf-8")


def test_the_example_prints_what_it_says(tmp_path: Path) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    network = nas.build(nas.load_architecture("tiny_moat_0"), seed=0)
    save_file(network.state_dict(), tmp_path / "best.safetensors")
    done = subprocess.run([sys.executable, "-c", example], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    shapes, left_out = done.stdout.splitlines()
    assert f"# {shapes}\n" in example
    assert f"# {left_out}\n" in example


def test_the_table_counts_truly() -> None:
    row = next(line for line in TEXT.splitlines() if line.startswith("| tiny-MOAT-0 |"))
    said = [tuple(map(float, cell.split(", "))) for cell in row.split("|")[2:-1]]
    architecture = nas.load_architecture("tiny_moat_0")
    for side, expected in zip((224, 640), said, strict=False):
        found = []
        for window in (None, "auto"):
            with torch.device("meta"):
                backbone = nas.build(architecture, features=True, window=window).eval()
                x = torch.empty(1, 3, side, side)
            with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
                backbone(x)
            found.append(round(counter.get_total_flops() / 2e9, 1))
        assert tuple(found) == expected, side
