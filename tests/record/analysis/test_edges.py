"""Choices at the edge of a space: those that were free to be made."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from run_fixtures import SPACE, empty_run

from nas.evaluation.job import Outcome
from nas.record.analysis.edges import edges
from nas.record.run import Run
from nas.record.trial import Trial
from nas.space.space import Decisions


def of(run: Run, fits: Callable[[Decisions], bool], count: int = 8) -> Run:
    """Add that many random networks whose decisions fit."""
    rng = np.random.default_rng(0)
    while len(run.trials) < count:
        decisions, network = run.space.sample(rng)
        if fits(decisions):
            values = {"accuracy": 0.9, "latency": 1.0}
            run.append(
                Trial(len(run.trials), decisions, network, network.key(), network.layout(), Outcome("complete", values))
            )
    return run


def named(run: Run) -> set[tuple[str, str, Any, bool]]:
    return {(edge.what, edge.where or edge.block, edge.value, edge.largest) for edge in edges(run, run.results)}


def test_a_width_that_all_chose_freely_piles_up(tmp_path: Path) -> None:
    run = of(empty_run(tmp_path / "run"), lambda decisions: decisions.get("stages.1.width") == 48)
    assert ("width", "stage 1", 48, True) in named(run)


def test_a_value_that_a_width_forces_does_not(tmp_path: Path, monkeypatch: Any) -> None:
    """Of head dimensions of 8 and 16 widths of 24 and 40 are divided by 8 alone, and 48 by both."""
    only = {**SPACE, "stages": [{**stage, "block": ["transformer"]} for stage in SPACE["stages"]],
            "blocks": {"transformer": {"head_dim": [8, 16]}}}  # fmt: skip
    for i in (1, 2):
        only["stages"][i] = {**only["stages"][i], "width": [24, 40]}
    only["stages"][0] = {**only["stages"][0], "width": 48}
    monkeypatch.setattr("run_fixtures.SPACE", only)
    found = named(of(empty_run(tmp_path / "run"), lambda _: True, 12))
    assert not {one for one in found if one[0] == "head_dim"}


def test_a_stage_that_stands_is_not_at_the_edge_of_being_left_out(tmp_path: Path, monkeypatch: Any) -> None:
    stages = [*SPACE["stages"][:2], {**SPACE["stages"][2], "depth": [0, 2]}]
    monkeypatch.setattr("run_fixtures.SPACE", {**SPACE, "stages": stages})
    run = of(empty_run(tmp_path / "run"), lambda decisions: decisions["stages.2.depth"] == 2)
    assert not {one for one in named(run) if one[:2] == ("depth", "stage 2")}


def test_stages_count_by_their_number_in_the_space_where_others_are_left_out(tmp_path: Path, monkeypatch: Any) -> None:
    stages = [SPACE["stages"][0], {**SPACE["stages"][1], "depth": [0, 2]}, SPACE["stages"][2]]
    monkeypatch.setattr("run_fixtures.SPACE", {**SPACE, "stages": stages})
    widest = {"stages.1.depth": 0, "stages.2.width": 64}
    found = named(of(empty_run(tmp_path / "run"), lambda decisions: widest.items() <= decisions.items()))
    assert ("width", "stage 2", 64, True) in found
    assert not {one for one in found if one[1] == "stage 1"}
