"""The table of a run: columns of one type each, the same in memory and on disk."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from run_fixtures import empty_run, finished_run, trial

from nas.network.architecture import HeadSpec
from nas.record.run import Run
from nas.report.page import write_report
from nas.training.catalogue import COLUMNS


def read_back(run: Run) -> pd.DataFrame:
    return pd.read_parquet(write_report(run).with_name("trials.parquet"))


@pytest.mark.parametrize("complete", [1, 12])
def test_the_parquet_file_is_the_frame(tmp_path: Path, complete: int) -> None:
    run = finished_run(tmp_path / "a", complete=complete)
    frame = read_back(run)
    assert_frame_equal(frame, run.to_frame())
    assert frame["accuracy"].dtype == float
    assert frame["on_front"].dtype == bool
    assert len(frame) == complete + 2


def test_no_objective_may_be_called_like_a_column(tmp_path: Path) -> None:
    run = finished_run(tmp_path / "a", complete=3)
    decisions = {name for one in run.trials for name in one.decisions}
    assert set(run.to_frame()) - {*run.trials[0].metrics} - decisions == {*COLUMNS}


def test_a_run_without_a_trial_has_columns(tmp_path: Path) -> None:
    run = empty_run(tmp_path / "a")
    frame = read_back(run)
    assert_frame_equal(frame, run.to_frame())
    assert frame.empty
    assert {"number", "state", "on_front", "layout"} <= {*frame.columns}


def test_decisions_of_mixed_types_are_text_and_truth_values_stay_such(tmp_path: Path) -> None:
    run = empty_run(tmp_path / "a")
    for number, (kernel, shared) in enumerate([(3, True), ("auto", False), (0.25, None), (True, True)]):
        made = trial(run, number)
        own = {"kernel": kernel} | ({} if shared is None else {"shared": shared})
        decisions = made.decisions | {f"head.pool.{name}": value for name, value in own.items()}
        run.append(
            replace(made, decisions=decisions, architecture=replace(made.architecture, head=HeadSpec("pool", own)))
        )
    run.append(trial(run, 4))
    frame = read_back(run)
    assert_frame_equal(frame, run.to_frame())
    assert frame["head.pool.kernel"][:4].tolist() == ["3", "auto", "0.25", "True"]
    assert pd.isna(frame["head.pool.kernel"][4])
    assert frame["head.pool.shared"].dtype == "boolean"
    assert frame["head.pool.shared"].dropna().tolist() == [True, False, True]


def test_whole_numbers_stay_whole_where_some_are_missing(tmp_path: Path) -> None:
    run = finished_run(tmp_path / "a", complete=12)
    frame = read_back(run)
    widths = {one.decisions["stages.0.width"] for one in run.trials}
    assert frame["stages.0.width"].dtype == "int64"
    assert {*frame["stages.0.width"]} == widths
    chosen = "stages.0.mbconv.expansion"
    assert frame[chosen].dtype == "Int64"
    assert frame[chosen].isna().tolist() == [chosen not in one.decisions for one in run.trials]
    assert frame["trainings"].dtype == "Int64"
    assert ",8.0," not in (run.folder / "trials.csv").read_text()
