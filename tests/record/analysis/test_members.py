"""Random members of a run's space, counted and kept."""

import json
from dataclasses import asdict

import pytest
from run_fixtures import BLOCKS, ENVIRONMENT, SPACE, empty_run, finished_run

from nas.config import make_config
from nas.errors import RunError
from nas.record.analysis.members import FILE, counted, members
from nas.record.run import Run
from nas.space.library import load_space
from nas.space.space import draw


def test_stages_are_counted(tmp_path):
    networks = [result.architecture for result in finished_run(tmp_path / "run", complete=20).results]
    found = counted([dict(enumerate(network.stages)) for network in networks])
    assert found.networks == 20
    assert [sum(stage.blocks.values()) for stage in found.stages] == [20, 20, 20]
    assert found.stages[1].blocks["moat"] == sum(network.stages[1].block == "moat" for network in networks)
    assert found.stages[2].depths[3] == sum(network.stages[2].depth == 3 for network in networks)
    assert set(found.stages[2].widths) == {48, 64}


def test_a_stage_that_some_networks_lack_counts_those_that_have_it(tmp_path):
    networks = [
        dict(enumerate(result.architecture.stages)) for result in finished_run(tmp_path / "run", complete=4).results
    ]
    del networks[0][1]
    assert [sum(stage.blocks.values()) for stage in counted(networks).stages] == [4, 3, 4]


def test_a_stage_keeps_its_number_where_one_before_it_is_left_out(tmp_path):
    stages = [{"block": "conv", "depth": [0, 1], "width": 32, "stride": 2},
              {"block": "moat", "depth": [1, 2], "width": [32, 64], "stride": 2}]  # fmt: skip
    space = load_space(SPACE | {"stages": stages, "blocks": {"moat": {"head_dim": 8}}})
    run = Run.create(tmp_path / "run", make_config({"space": "small"}), space, ENVIRONMENT)
    run.write_facts(FILE, asdict(counted([dict(enumerate(network.stages)) for network in draw(space, 20)])))
    found = members(run)  # not what an older version kept, which counted conv and moat at stage 0
    assert [set(stage.blocks) for stage in found.stages] == [{"conv"}, {"moat"}]
    assert members(Run(run.folder)) == found


def test_members_are_even_where_the_space_is(tmp_path):
    found = members(empty_run(tmp_path / "run"))
    for stage in found.stages:
        assert set(stage.blocks) == set(BLOCKS)
        assert all(0.2 < count / found.networks < 0.3 for count in stage.blocks.values())


def test_they_are_kept_and_not_drawn_again(tmp_path):
    run = empty_run(tmp_path / "run")
    found = members(run)
    path = run.folder / FILE
    assert members(Run(run.folder)) == found
    path.write_text(json.dumps(json.loads(path.read_text()) | {"networks": 7}))
    assert members(run).networks == 7


@pytest.mark.parametrize("text", ["{", '{"networks": "many", "stages": 3}'])
def test_a_damaged_file_is_named(tmp_path, text):
    run = empty_run(tmp_path / "run")
    (run.folder / FILE).write_text(text)
    with pytest.raises(RunError, match="damaged; restore it, or delete it"):
        members(run)
