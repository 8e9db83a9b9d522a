"""What the sections share."""

from dataclasses import replace

from run_fixtures import finished_run

from nas.report.view import View, main_block


def test_main_block_and_letters(tmp_path):
    run = finished_run(tmp_path / "run", complete=20)
    assert View(run).letters == {"conv": "C", "mbconv": "M", "transformer": "T", "moat": "A"}
    found = run.results[0]
    three = zip(found.architecture.stages, ("conv", "conv", "moat"), (1, 2, 3), strict=True)
    stages = tuple(replace(stage, block=block, depth=depth) for stage, block, depth in three)
    found = replace(found, trial=replace(found.trial, architecture=replace(found.architecture, stages=stages)))
    assert main_block(found) == "moat"  # three blocks each: the later one counts
