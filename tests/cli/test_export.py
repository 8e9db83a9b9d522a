"""nas export: what the file is called that nobody named."""

from pathlib import Path

import pytest
from command import Command
from run_fixtures import finished_run


@pytest.mark.parametrize(
    ("model", "inside", "file"),
    [
        (".", "runs/first", "first.yaml"),
        ("..", "runs/first/front", "first.yaml"),
        (".:knee", "runs/first", "first_knee.yaml"),
        ("first:latency<=2.5", ".", "first_latency_2.5.yaml"),
        ("./runs/first/", ".", "first.yaml"),
    ],
)
def test_a_file_is_named_after_the_network(
    nas: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str, inside: str, file: str
) -> None:
    finished_run(tmp_path / "runs" / "first")
    (tmp_path / inside).mkdir(exist_ok=True)
    monkeypatch.chdir(tmp_path / inside)
    answer = nas("export", model)
    assert (answer.status, answer.err) == (0, "")
    assert answer.out.startswith(f"{file}\n")
    assert (tmp_path / inside / file).is_file()


def test_the_command_that_trains_a_file_trains_as_its_run_would(nas: Command, tmp_path: Path) -> None:
    settings = {"recipe": {"mirror": "never"}, "split_seed": 4, "target": "onnxruntime"}
    finished_run(tmp_path / "runs" / "first", **settings)
    answer = nas("export", "first", "--runs", tmp_path / "runs", "-o", tmp_path / "a.yaml")
    options = "--data cluttered_digits --split-seed 4 --mirror never --target onnxruntime"
    assert f"nas train {tmp_path / 'a.yaml'} {options}\n" in answer.out
