"""What blocks are worth at a stage, planted and found again."""

from dataclasses import replace

import numpy as np
import pytest
from run_fixtures import empty_run, trial

from nas.config import make_config
from nas.costs.counts import cost
from nas.record.analysis.attending import layouts
from nas.record.analysis.layouts import kept
from nas.record.analysis.worth import fit
from nas.record.run import Run
from nas.space.library import load_space

PLANTED = {(0, "conv"): 0.02, (2, "moat"): 0.06, (2, "conv"): -0.03}
"""What networks are better for, by stage and block."""
STEM = {"kind": "conv", "width": 16}


def planted(folder, count: int, noise: float = 0.01, offset: float = 0.0):
    """Make a run whose accuracies are those of the blocks, of the size, and of chance."""
    run, rng = empty_run(folder), np.random.default_rng(0)
    for number in range(count):
        one = trial(run, number)
        stages = enumerate(one.architecture.stages)
        won = sum(PLANTED.get((place, stage.block), 0.0) for place, stage in stages)
        accuracy = 0.3 + offset + won + 0.02 * np.log(cost(one.architecture).macs) + noise * rng.standard_normal()
        run.append(trial(run, number, metrics={"accuracy": float(accuracy), "latency": 1.0}))
    return run


def test_what_is_planted_is_found(tmp_path):
    found = fit([planted(tmp_path / "run", 200)], 3).worths
    by_stage = {stage: [one for one in found if one.stage == stage] for stage in range(3)}
    for stage, own in by_stage.items():
        assert len(own) > 1
        assert sum(one.networks for one in own) == 200
        assert sum(one.value for one in own) == pytest.approx(0)
        mean = np.mean([PLANTED.get((stage, one.block), 0.0) for one in own])
        for one in own:
            true = PLANTED.get((stage, one.block), 0.0) - mean
            assert abs(one.value - true) < 1.5 * one.half, one
            assert one.half < 0.01


def test_a_run_of_another_metric_takes_nothing_from_the_others(tmp_path):
    run, other = (
        planted(tmp_path / "run", 200),
        empty_run(tmp_path / "other", objectives=("balanced_accuracy", "latency")),
    )
    for number in range(60):
        other.append(trial(other, number, metrics={"balanced_accuracy": 0.5, "latency": 1.0}))
    assert fit([run, other], 3).worths == fit([run], 3).worths


def test_what_pays_late_is_told_from_what_pays_early(tmp_path):
    run = planted(tmp_path / "run", 200)
    at = {(one.stage, one.block): one.value for one in fit([run], 3).worths}
    found = {one.block: one for one in fit([run], 3).gains}
    assert set(found) == {block for _, block in at if all((stage, block) in at for stage in range(3))}
    for block, one in found.items():
        assert one.stages == 1
        assert one.value == pytest.approx(at[2, block] - at[0, block])
    conv = found["conv"]
    assert conv.value < -conv.half
    told = layouts([run], members=20).sentences()
    assert any(f"conv {-100 * conv.value:.2f} ± {100 * conv.half:.2f} less" in sentence for sentence in told)
    assert fit([planted(tmp_path / "few", 20)], 3).gains == ()


def test_chance_alone_stays_within_the_intervals(tmp_path):
    run = empty_run(tmp_path / "run")
    rng = np.random.default_rng(1)
    for number in range(300):
        run.append(trial(run, number, metrics={"accuracy": float(rng.random()), "latency": 1.0}))
    found = fit([run], 3).worths
    outside = sum(abs(one.value) > one.half for one in found)
    assert outside <= 0.25 * len(found)


def test_a_run_that_is_better_throughout_makes_no_block_better(tmp_path):
    alone = planted(tmp_path / "alone", 150)
    pooled = fit([alone, planted(tmp_path / "other", 150, offset=0.2)], 3).worths
    for one, other in zip(fit([alone], 3).worths, pooled, strict=True):
        assert (one.stage, one.block) == (other.stage, other.block)
        assert other.value == pytest.approx(one.value, abs=0.01)


def test_few_networks_and_inseparable_blocks_tell_nothing(tmp_path):
    assert fit([planted(tmp_path / "few", 20)], 3).worths == ()
    run = planted(tmp_path / "alike", 100)
    assert fit([run], 3).worths
    run.trials = [replace(one, architecture=run.trials[0].architecture) for one in run.trials[:50]] + [
        replace(one, architecture=run.trials[1].architecture) for one in run.trials[50:]
    ]
    assert fit([run], 3).worths == ()


def test_of_stages_that_may_be_left_out_all_networks_count(tmp_path):
    """What a block is worth is told beside the stage's other blocks, not beside the stage's absence."""
    stages = [{"block": ["conv", "mbconv"], "depth": depth, "width": 32, "stride": 2} for depth in ([0, 1], [1, 2])]
    space = load_space({"name": "few", "resolution": 32, "classes": 10, "stem": STEM, "stages": stages})
    run, rng = Run.create(tmp_path / "run", make_config({"space": "few"}), space, {}), np.random.default_rng(0)
    for number in range(120):
        one = trial(run, number)
        worth = 0.1 if one.decisions["stages.0.depth"] == 0 else 0.05 * (one.decisions["stages.0.block"] == "conv")
        accuracy = 0.5 + worth + 0.02 * (one.decisions["stages.1.block"] == "conv") + 0.002 * rng.standard_normal()
        run.append(replace(one, outcome=replace(one.outcome, metrics={"accuracy": accuracy, "latency": 1.0})))
    found = {(one.stage, one.block): one for one in fit([run], 2).worths}
    assert set(found) == {(stage, block) for stage in (0, 1) for block in ("conv", "mbconv")}
    assert found[0, "conv"].value == pytest.approx(0.025, abs=0.003)
    assert found[1, "conv"].value == pytest.approx(0.01, abs=0.003)
    assert sum(found[1, block].networks for block in ("conv", "mbconv")) == 120
    assert sum(found[0, block].networks for block in ("conv", "mbconv")) < 120


def test_they_are_kept_with_the_layouts(tmp_path):
    run = planted(tmp_path / "run", 100)
    compared = layouts([run], members=20)
    compared.keep(run)
    assert compared.worths == fit([run], 3).worths
    assert kept(run) == compared


def test_a_bad_block_that_only_late_stages_offer_makes_the_others_no_better(tmp_path):
    """What two blocks are worth late beside early is told beside one another."""
    offered = ["conv", "mbconv"], ["conv", "mbconv", "transformer"]
    stages = [{"block": blocks, "depth": [1, 2], "width": 32, "stride": 2} for blocks in offered]
    space = load_space({"name": "few", "resolution": 32, "classes": 10, "stem": STEM, "stages": stages})
    run, rng = Run.create(tmp_path / "run", make_config({"space": "few"}), space, {}), np.random.default_rng(0)
    for number in range(120):
        one = trial(run, number)
        accuracy = 0.5 - 0.05 * (one.architecture.stages[1].block == "transformer") + 0.002 * rng.standard_normal()
        run.append(replace(one, outcome=replace(one.outcome, metrics={"accuracy": accuracy, "latency": 1.0})))
    gains = fit([run], 2).gains
    assert {gain.block for gain in gains} == {"conv", "mbconv"}
    assert all(abs(gain.value) < 0.005 for gain in gains), gains
