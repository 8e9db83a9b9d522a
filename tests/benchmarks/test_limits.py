"""The benchmark of samplers under a limit that only a trial tells, on a table that the test makes up."""

import sys
from itertools import product
from pathlib import Path

import pandas as pd
import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import limits as benchmark
import tables

DECISIONS = {f"d{i}": [0, 1, 2] for i in range(6)}


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rows = pd.DataFrame(list(product(*DECISIONS.values())), columns=list(DECISIONS))
    rows["top1"] = rows.sum(axis=1) ** 0.5
    rows["ms"] = 1.0 + rows[list(DECISIONS)].sum(axis=1)
    rows.to_csv(tmp_path / "rows.csv.gz", index=False)
    objectives = {
        "accuracy": {"column": "top1", "direction": "maximize", "cheap": False, "reference": 0.0, "ideal": 3.5},
        "latency": {"column": "ms", "direction": "minimize", "cheap": True, "reference": 14.0, "ideal": 0.5},
    }
    told = {"csv": "rows.csv.gz", "decisions": DECISIONS, "objectives": objectives, "best_hypervolume": 0.5}
    (tmp_path / "made_up.yaml").write_text(yaml.safe_dump(told))
    return tmp_path / "made_up.yaml"


def test_rejected_proposals_count_and_evaluations_keep_the_limit(table: Path) -> None:
    game = benchmark.Limited.of(tables.read(table), 0.05)
    assert game.limit == 4.0, "at most three of twelve: one in twenty"
    volumes, rejected = benchmark.play(game, "pareto", 0, 12)
    assert len(volumes) == len(rejected) == 12
    assert volumes[0] < volumes[-1] < 1
    assert 0 < rejected[-1] < 60, "at random some 240"


def test_it_prints_a_row_a_sampler(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--table", str(table), "--share", "0.1", "--sampler", "pareto,random", "--budget", "8", "--seeds", "2"]
    assert benchmark.main(arguments) == 0
    printed = capsys.readouterr().out
    assert "made_up, latency <= 4" in printed
    assert all(word in printed for word in ("pareto", "random", "at 6", "at 8"))


def test_a_table_that_is_missing_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert benchmark.main(["--table", str(tmp_path / "none.yaml")]) == 2
    assert "none.yaml" in capsys.readouterr().err
