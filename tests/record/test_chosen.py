"""What networks chose, by the value that is decided, whatever narrowed the choice."""

from pathlib import Path

import pytest
from run_fixtures import ENVIRONMENT, SPACE, empty_run, trial

from nas.config import make_config
from nas.record.analysis.importance import importances
from nas.record.chosen import chosen, decided
from nas.record.run import Run
from nas.space.library import load_space

NARROWED = {"block": ["conv", "moat", "transformer"], "depth": [0, 1], "width": [8, 12, 16], "stride": 1,
            "blocks": {"moat": {"head_dim": [8, 16]}, "transformer": {"head_dim": 16}}}  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run of 40 trials, in whose first stage moat has no width of 12 and transformer none but 16."""
    space = SPACE | {"stages": [NARROWED, {"block": "conv", "depth": 1, "width": [8, 16], "stride": 2}], "blocks": {}}
    run = Run.create(tmp_path / "run", make_config({"space": "small"}), load_space(space), ENVIRONMENT)
    for number in range(40):
        run.append(trial(run, number))
    return run


def test_a_value_has_one_name_whatever_narrowed_it(run: Run) -> None:
    spoken = {name for one in run.trials for name in one.decisions}
    assert {"stages.0.width", "stages.0.moat.width", "stages.0.moat.head_dim"} <= spoken
    names = decided(run.trials)
    assert {name for name in names if name.startswith("stages.0")} == {
        "stages.0.block", "stages.0.depth", "stages.0.width", "stages.0.moat.head_dim"
    }  # fmt: skip
    assert len(set(names)) == len(names)


def test_networks_tell_what_they_are_also_where_their_kind_left_no_choice(run: Run) -> None:
    names, kinds = decided(run.trials), set[str]()
    for one in run.trials:
        found = chosen(one, names)
        if one.decisions["stages.0.depth"] == 0:
            assert {name: value for name, value in found.items() if "stages.0" in name} == {"stages.0.depth": 0}
            continue
        stage = one.architecture.stages[0]
        kinds.add(stage.block)
        assert (found["stages.0.block"], found["stages.0.width"]) == (stage.block, stage.width)
        assert found.get("stages.0.moat.head_dim") == (stage.options["head_dim"] if stage.block == "moat" else None)
        assert found["stages.1.width"] == one.architecture.stages[1].width
    assert kinds == {"conv", "moat", "transformer"}


def test_the_table_has_one_width_of_a_stage(run: Run) -> None:
    frame = run.to_frame()
    columns = map(str, frame.columns)
    assert [name for name in columns if name.endswith(".width")] == ["stem.width", "stages.0.width", "stages.1.width"]
    assert (frame["stages.0.width"].notna() == (frame["stages.0.depth"] > 0)).all()


def test_importances_rank_one_width_of_a_stage(run: Run) -> None:
    ranked = {one.decision: one for one in importances(run)[0].decisions}
    assert sum(name.startswith("stages.0") and name.endswith("width") for name in ranked) == 1
    assert "stages.0.moat.head_dim" in ranked


def test_every_decision_of_a_space_without_narrowed_choices_is_a_value(tmp_path: Path) -> None:
    run = empty_run(tmp_path / "run")
    found = trial(run, 3)
    assert chosen(found, decided([found])) == found.decisions
