"""The samplers' benchmark on tables that the tests make up."""

import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import samplers as benchmark

DECISIONS = {f"d{i}": [0, 1, 2] for i in range(4)}


def objective(column: str, direction: str, cheap: bool, reference: float, ideal: float, **more: Any) -> dict[str, Any]:
    return {"column": column, "direction": direction, "cheap": cheap, "reference": reference, "ideal": ideal, **more}


ACCURACY = objective("top1", "maximize", False, 0.0, 3.0)
COST = objective("cost", "minimize", True, 9.0, 0.0, unit="ms")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rows = pd.DataFrame(list(product(*DECISIONS.values())), columns=list(DECISIONS))
    rows["top1"] = np.sqrt(rows.sum(axis=1)) + 0.1 * (rows.d0 == 1)
    rows["cost"] = rows[list(DECISIONS)].sum(axis=1)
    rows["energy"] = 5.0 - rows.d0 - 0.5 * rows.d1
    rows.to_csv(tmp_path / "rows.csv.gz", index=False)
    write(tmp_path / "made_up.yaml", csv="rows.csv.gz")
    return tmp_path / "made_up.yaml"


def write(path: Path, **changes: Any) -> None:
    data = {"decisions": DECISIONS, "objectives": {"accuracy": ACCURACY, "cost": COST}, "best_hypervolume": 0.55}
    path.write_text(yaml.safe_dump(data | changes))


def run(*arguments: object) -> tuple[int, str, str]:
    """The exit status, and what the benchmark prints."""
    out, error = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(error):
        status = benchmark.main([str(argument) for argument in arguments])
    return status, out.getvalue(), error.getvalue()


def told(*arguments: object) -> Any:
    status, out, error = run(*arguments, "--json")
    assert status == 0, error
    return json.loads(out)


def test_the_json_has_the_promised_shape(table: Path) -> None:
    found = told("--table", table, "--sampler", "pareto,nsga2,random", "--budget", 30, "--seeds", 2)
    assert found["table"] == "made_up"
    assert list(found["samplers"]) == ["pareto", "nsga2", "random"]
    for row in found["samplers"].values():
        assert list(row["hypervolume"]) == ["25", "30"]
        assert row["hypervolume"]["25"]["mean"] <= row["hypervolume"]["30"]["mean"]
        assert row["hypervolume"]["30"]["sd"] >= 0
        assert 0 < row["best"]["accuracy"]["mean"] <= 3
        assert row["seconds_a_proposal"] > 0
    ours, nsga = found["samplers"]["pareto"], found["samplers"]["nsga2"]
    assert ours["duplicates"] == 0 < nsga["duplicates"]
    assert ours["hypervolume"]["30"]["mean"] > nsga["hypervolume"]["30"]["mean"]
    assert ours["evaluations_to_nsga2"] <= nsga["evaluations_to_nsga2"] <= 30


def test_a_model_and_three_objectives(tmp_path: Path) -> None:
    """Several tables give a list; the same seed gives the same search."""
    rng = np.random.default_rng(0)
    arrays = {f"{c}_bias": np.array(1.0) for c in ("top1", "cost", "energy")}
    arrays |= {f"{c}_linear": rng.random(4) for c in ("top1", "cost", "energy")}
    arrays |= {f"{c}_quadratic": -0.02 * rng.random((4, 4)) for c in ("top1", "cost", "energy")}
    np.savez(tmp_path / "model.npz", **arrays)
    cost = COST | {"log": True, "reference": 400.0, "ideal": 2.0}
    energy = objective("energy", "minimize", True, 9.0, 1.0)
    write(
        tmp_path / "modelled.yaml",
        quadratic="model.npz",
        objectives={"accuracy": ACCURACY | {"ideal": 9.0}, "cost": cost, "energy": energy},
    )
    path = tmp_path / "modelled.yaml"
    found = told("--table", path, "--table", path, "--sampler", "pareto", "--budget", 14, "--seeds", 1)
    assert [list(one["samplers"]["pareto"]["hypervolume"]) for one in found] == [["14"], ["14"]]
    assert found[0]["samplers"]["pareto"]["hypervolume"] == found[1]["samplers"]["pareto"]["hypervolume"]
    assert found[0]["samplers"]["pareto"]["hypervolume"]["14"]["mean"] > 0


def test_it_prints_a_table(table: Path) -> None:
    status, out, error = run("--table", table, "--sampler", "random", "--budget", 5, "--seeds", 1)
    assert status == 0, error
    assert "made_up" in out
    assert "random" in out


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"csv": "absent.csv"}, "absent.csv: cannot be read"),
        ({"csv": "rows.csv.gz", "quadratic": "model.npz"}, "either csv or quadratic"),
        ({"csv": "rows.csv.gz", "decisions": DECISIONS | {"d9": [0, 1]}}, "no column 'd9'"),
        ({"csv": "rows.csv.gz", "decisions": DECISIONS | {"d0": [0, 1, 2, 3]}}, "27 of them have no row"),
        ({"csv": "rows.csv.gz", "objectives": {"accuracy": ACCURACY}}, "objectives"),
        ({"csv": "rows.csv.gz", "objectives": {"accuracy": ACCURACY | {"ideal": -1.0}, "cost": COST}}, "not better"),
        ({"csv": "rows.csv.gz", "objectives": {"a": ACCURACY | {"column": "x"}, "cost": COST}}, "no column 'x'"),
        ({"csv": "rows.csv.gz", "best_hypervolume": 0}, "best_hypervolume"),
        ({"quadratic": "rows.csv.gz"}, "is no model of 4 decisions"),
        ({"csv": "rows.csv.gz", "colour": "red"}, "colour"),
    ],
)
def test_a_bad_table_is_answered(table: Path, changes: dict[str, Any], words: str) -> None:
    bad = table.parent / "bad.yaml"
    write(bad, **changes)
    assert_refused(words, "--table", bad)


def test_bad_options_are_answered(table: Path) -> None:
    assert_refused("Did you mean 'pareto'", "--table", table, "--sampler", "paretto")
    assert_refused("--budget: found 0", "--table", table, "--budget", 0)
    assert_refused("cannot be read", "--table", table.parent / "absent.yaml")


def assert_refused(words: str, *arguments: object) -> None:
    status, out, error = run(*arguments)
    assert status == 2
    assert words in error
    assert not out
