"""What a person may write wrong about blocks: answered with the place and the remedy, before any training."""

from pathlib import Path

import pytest
from command import Command

FILE = """
name: bad
resolution: {resolution}
stem: {{kind: conv, width: 16}}
stages:
  - {{{stage}}}
"""


@pytest.fixture(params=["show", "profile", "spaces", "search"])
def command(request: pytest.FixtureRequest) -> list[str]:
    """Each command that reads a file, which comes last."""
    return ["search", "--budget", "1", "--space"] if request.param == "search" else [request.param]


def _file(tmp_path: Path, stage: str, resolution: int = 32) -> Path:
    path = tmp_path / "bad.yaml"
    path.write_text(FILE.format(stage=stage, resolution=resolution))
    return path


@pytest.mark.parametrize(
    ("stage", "place", "remedy"),
    [
        ("block: mbconv, depth: 1, width: 32, stride: 1, kernal_size: 5", "6: stages.0.kernal_size", "'kernel_size'"),
        (
            "block: [conv, vit], depth: 1, width: 64, stride: 1, blocks: {vit: {mlp_raito: 2}}",
            "6: stages.0.blocks.vit.mlp_raito",
            "the block 'vit' has no option 'mlp_raito'. Did you mean 'mlp_ratio'?",
        ),
        ("block: moat, depth: 1, width: 32, stride: 1, window: 1", "6: stages.0.window", "from 2 to 64, or 0"),
        (
            "block: vit, depth: 1, width: 40, stride: 1",
            "6: stages.0.width",
            "width 40 is not divisible by head_dim 64; write another width or another head_dim",
        ),
        ("block: vitt, depth: 1, width: 64, stride: 1", "6: stages.0.block", "Did you mean 'vit'?"),
        ("block: vit, depth: 0, width: 64, stride: 1", "6: stages.0.depth", "at least 1"),
        ("block: vit, depth: [0, 1], width: 64, stride: 1", "5: stages", "one at least must not offer a depth of 0"),
    ],
)
def test_a_stage_that_cannot_stand(
    nas: Command, command: list[str], tmp_path: Path, stage: str, place: str, remedy: str
) -> None:
    answer = nas(*command, _file(tmp_path, stage))
    assert answer.status == 2
    assert f"bad.yaml:{place}: " in answer.err
    assert remedy in answer.err


@pytest.mark.parametrize("resolution", [3, 4096])
def test_a_resolution_that_no_network_takes(nas: Command, command: list[str], tmp_path: Path, resolution: int) -> None:
    answer = nas(*command, _file(tmp_path, "block: conv, depth: 1, width: 32, stride: 1", resolution))
    assert answer.status == 2
    assert f"bad.yaml:3: resolution: found {resolution}: " in answer.err
    assert "4 to 2048 pixels" in answer.err


def test_a_resolution_that_no_search_takes(nas: Command, tmp_path: Path) -> None:
    answer = nas("search", "--resolution", 3, "--budget", 1, "--runs", tmp_path / "runs")
    assert answer.status == 2
    assert "resolution: found 3; write a whole number from 4 to 2,048" in answer.err
    assert not (tmp_path / "runs").exists()


def test_a_class_token_that_no_block_carries(nas: Command, command: list[str], tmp_path: Path) -> None:
    path = _file(tmp_path, "block: conv, depth: 1, width: 64, stride: 1")
    path.write_text(path.read_text() + "head: {kind: class_token}\n")
    answer = nas(*command, path)
    assert answer.status == 2
    assert "bad.yaml:6: stages.0.block: the head 'class_token' reads a class token" in answer.err
    assert "offer only cvt or vit" in answer.err


@pytest.mark.parametrize(
    ("stage", "said"),
    [
        ("block: swin, depth: 2, width: 32, stride: 2, window: 12", "window 12 (clamped to 8)"),
        ("block: moat, depth: 1, width: 32, stride: 2, window: 9", "window 9 (clamped to 8)"),
        ("block: swin, depth: 2, width: 32, stride: 2, window: 8", "window 8 "),
    ],
)
def test_a_window_larger_than_the_map_is_clamped_and_said(nas: Command, tmp_path: Path, stage: str, said: str) -> None:
    answer = nas("show", _file(tmp_path, stage))
    assert answer.status == 0
    assert said in " ".join(answer.out.split()) + " "


def test_a_published_window_is_clamped_at_a_lower_resolution(nas: Command, tmp_path: Path) -> None:
    answer = nas("show", _file(tmp_path, "block: swin, depth: 2, width: 32, stride: 2", 24))
    assert "window 7 (clamped to 6)" in answer.out
    assert "clamped" not in nas("show", "swin_t").out
