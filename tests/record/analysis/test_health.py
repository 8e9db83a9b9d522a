"""Health checks: each speaks of a run made for it, and is silent or content where there is nothing to say."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from minimised import missing
from run_fixtures import ENVIRONMENT, SPACE, empty_run, finished_run, trial

from nas.config import make_config
from nas.evaluation.job import Outcome
from nas.network.architecture import Architecture
from nas.record.analysis import health
from nas.record.analysis.edges import edges
from nas.record.run import PREDICTOR, Run
from nas.record.trial import Further, Passed, Trial
from nas.space.library import load_space


def front_of(run: Run, size: int, fits: Callable[[Architecture], bool] = lambda _: True, **changes: Any) -> None:
    """Give an empty run so many networks, each on the front, with architectures that fit."""
    drawn = (trial(run, seed, **changes) for seed in count())
    for number in range(size):
        values = {"accuracy": 0.5 + number / 50, "latency": 1.0 + number, "params": 1000.0, "macs": 1e6}
        found = next(one for one in drawn if fits(one.architecture))
        run.append(replace(found, number=number, outcome=replace(found.outcome, metrics=values)))
    assert len(run.front()) == size


def again(run: Run, shifts: Sequence[float] = (-0.01, 0.01)) -> None:
    """Train the whole front again, so far above and below its accuracy."""
    for result in run.front():
        for repeat, shift in enumerate(shifts, 1):
            lower = result.trial.metrics | {"accuracy": result.trial.metrics["accuracy"] + shift}
            run.append_further(Further(result.number, repeat, Outcome("complete", lower)))


def said(run: Run, check: health.Check) -> tuple[bool, str]:
    """What a check remarks on a run."""
    found = check(run, run.front())
    assert found
    return found.fine, found.words


def test_what_calls_for_attention_comes_first_and_a_run_without_a_front_has_no_health(tmp_path: Path) -> None:
    fine = [remark.fine for remark in health.health(finished_run(tmp_path / "run", complete=30))]
    assert fine == sorted(fine)
    assert {True, False} <= set(fine)
    assert health.health(finished_run(tmp_path / "none", 0, 2, 0)) == []
    assert health.pressing(finished_run(tmp_path / "other"), 1) == [health.health(Run(tmp_path / "other"))[0].words]


def test_failures_are_counted_with_their_commonest_reason(tmp_path: Path) -> None:
    assert said(finished_run(tmp_path / "well", 12, 0, 0), health.failures) == (True, "No training failed.")
    few = said(finished_run(tmp_path / "few", 30, 1, 0), health.failures)
    assert few == (True, "1 of 31 trainings failed.")
    fine, words = said(finished_run(tmp_path / "many", 12, 4, 0), health.failures)
    assert not fine
    assert words == ("4 of 16 trainings failed, all for one reason, first trial 12: the loss became nan in epoch 2.")


def test_a_block_behind_the_failures_is_named(tmp_path: Path) -> None:
    run = empty_run(tmp_path / "run")
    front_of(run, 24, lambda network: all(stage.block != "moat" for stage in network.stages))
    failing = (trial(run, seed, "failed") for seed in count())
    with_moat = (one for one in failing if any(stage.block == "moat" for stage in one.architecture.stages))
    for number in range(24, 30):
        run.append(replace(next(with_moat), number=number))
    fine, words = said(run, health.failures)
    assert not fine
    assert "moat is in 6 of the 6 networks that failed and in 0 of the 24 others" in words


@pytest.mark.parametrize(("late", "fine", "won"), [(False, True, "0.0 %"), (True, False, "51.9 %")])
def test_a_front_that_still_grew_wants_a_larger_budget(tmp_path: Path, late: bool, fine: bool, won: str) -> None:
    run = empty_run(tmp_path / "run")
    for number in range(40):
        good = number == (39 if late else 0)
        values = {"accuracy": 0.9 if good else 0.5, "latency": 1.0 if good else 2.0 + number / 100}
        run.append(trial(run, number, metrics=values))
    found = said(run, health.growing)
    assert found[0] == fine
    assert f"won {won} of the final hypervolume" in found[1] or late
    assert ("larger budget" in found[1]) == late
    assert health.growing(finished_run(tmp_path / "short"), []) is None


def test_failed_trainings_from_other_seeds_are_told_and_what_tries_them_again(tmp_path: Path) -> None:
    run = empty_run(tmp_path / "run", confirm=1)
    front_of(run, 4)
    assert "the search does that at its end" in said(run, health.repeated)[1]
    for number in range(4):
        run.append_further(Further(number, 1, Outcome("failed", reason="MemoryError: out of memory"), 90.0))
    fine, words = said(run, health.failures)
    assert (fine, words.startswith("4 of the trainings from other seeds failed, first that of trial 0: Mem")) == (
        False,
        True,
    )
    assert f"nas resume {run.folder} --confirm 3 does that" in said(run, health.repeated)[1]


def test_a_limit_that_ends_the_front_or_rejects_most_is_named(tmp_path: Path) -> None:
    run = empty_run(tmp_path / "run", maximum={"latency": 4.0})
    front_of(run, 4)
    fine, words = said(run, health.binding)
    assert not fine
    assert words.startswith("1 of the front's 4 networks is within 5 % of the limit latency ≤ 4.00 ms:")
    free = empty_run(tmp_path / "free", maximum={"latency": 40.0})
    front_of(free, 4)
    fine, words = said(free, health.binding)
    assert fine
    assert words.endswith("and 0 of 4 proposals were rejected.")
    free.append(trial(free, 4, "rejected", reason="latency 41.5 is above 40"))
    assert said(free, health.binding)[1].endswith("and 1 of 5 proposals was rejected.")
    for number in range(5, 10):
        free.append(trial(free, number, "rejected", reason="latency 41.5 is above 40"))
    fine, words = said(free, health.binding)
    assert not fine
    assert "The limit latency ≤ 40.0 ms rejected 6 of 10 proposals" in words
    without = empty_run(tmp_path / "without")
    front_of(without, 4)
    assert health.binding(without, without.front()) is None


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"latency": 40.0}, "The limit latency ≤ 40.0 ms rejected 21 of 25 proposals"),
        ({"latency": 40.0, "params": 1e9}, "The limits together rejected 21 of 25 proposals"),
    ],
)
def test_what_was_foreseen_to_break_a_limit_counts_as_rejected(
    tmp_path: Path, limits: dict[str, float], words: str
) -> None:
    run = empty_run(tmp_path / "run", maximum=limits)
    for number in range(4):
        one = trial(run, number)
        over = [Passed(one.decisions, repeats=place > 4) for place in range(7)]
        run.append(replace(one, passed=over))
    run.append(trial(run, 4, "rejected", reason="latency 41.5 is above 40"))
    fine, found = said(run, health.binding)
    assert not fine
    assert words in found


def test_a_front_at_what_a_predictor_leaves_of_a_limit_stands_at_the_limit(tmp_path: Path) -> None:
    run = empty_run(tmp_path / "run", maximum={"latency": 2.0})
    (run.folder / PREDICTOR).write_text(json.dumps({"error": {"median": 0.04, "high": 0.1, "above": 0.11}}))
    for number, latency in enumerate((1.2, 1.78, 1.79, 1.80)):
        values = {"accuracy": 0.5 + number / 10, "latency": latency, "params": 1.0}
        run.append(trial(run, number, metrics=values))
    fine, found = said(run, health.binding)
    assert not fine
    assert "limit latency ≤ 2.00 ms, which predictions keep up to 1.80 ms: it, not the space" in found


@pytest.mark.parametrize(("shift", "fine"), [(0.001, True), (0.03, False)])
def test_neighbours_that_chance_explains_are_counted(tmp_path: Path, shift: float, fine: bool) -> None:
    run = empty_run(tmp_path / "run")
    front_of(run, 5)
    again(run, (-shift, shift))
    found = said(run, health.luck)
    width = np.hypot(*[run.front()[0].intervals["accuracy"]] * 2)
    assert found[0] == fine
    assert f"a difference of {100 * width:.2f} points in accuracy" in found[1]
    assert f"and {0 if fine else 4} of 4 pairs of neighbours on the front differ by less" in found[1]


def test_without_further_trainings_nothing_is_known_of_luck(tmp_path: Path) -> None:
    run = finished_run(tmp_path / "run", complete=20, confirm=0)
    assert health.luck(run, run.front()) is None
    fine, words = said(run, health.repeated)
    assert not fine
    assert f"Of the front's {len(run.front())} networks none were trained again" in words or "none was" in words
    assert words.endswith(f"nas resume {run.folder} --confirm 2 does that.")


def test_a_front_trained_again_in_part_is_not_done(tmp_path: Path) -> None:
    run = empty_run(tmp_path / "run")
    front_of(run, 4)
    run.append_further(Further(0, 1, Outcome("complete", run.trials[0].metrics)))
    fine, words = said(run, health.repeated)
    assert not fine
    assert words.startswith("Of the front's 4 networks 1 was trained again")
    assert words.endswith("the search does that at its end, or nas resume.")
    again(run)
    assert said(run, health.repeated) == (True, "Every network of the front was trained again from other seeds.")


def counted_run(folder: Path, images: int, **settings: Any) -> Run:
    """A run without trials that knows how many validation images it had."""
    config = make_config({"space": "small"} | settings)
    return Run.create(folder, config, load_space(SPACE), ENVIRONMENT, data={"parts": {"validation": images}})


def test_few_validation_images_leave_differences_open(tmp_path: Path) -> None:
    few, many = counted_run(tmp_path / "few", 100), counted_run(tmp_path / "many", 10_000)
    for run in (few, many):
        front_of(run, 5)  # accuracies from 50 to 58 %
    fine, words = said(few, health.counted)
    assert not fine
    assert "on 100 validation images, so chance alone moves the best by 9.50 points either way" in words
    assert "the front spans 8.00 points" in words
    assert said(many, health.counted)[0]
    run = finished_run(tmp_path / "unknown")
    assert health.counted(run, run.front()) is None


def test_of_a_share_to_minimise_the_best_is_the_least(tmp_path: Path) -> None:
    with missing():
        run = counted_run(tmp_path / "few", 100, task="missing", objectives=("missed", "latency"))
        for number, missed in enumerate((0.02, 0.5)):
            metrics = {"missed": missed, "latency": 2.0 - number}
            run.append(trial(run, number, metrics=metrics))
        assert "chance alone moves the best by 3.23 points either way" in said(run, health.counted)[1]


def taught_run(folder: Path, images: int, accuracy: float = 0.6, **settings: Any) -> Run:
    """A run of one epoch that knows how many training images it had."""
    config = make_config({"space": "small", "recipe": {"epochs": 1}, **settings})
    run = Run.create(folder, config, load_space(SPACE), ENVIRONMENT, data={"parts": {"train": images}})
    run.append(trial(run, 0, metrics={"accuracy": accuracy, "latency": 1.0}))
    return run


def test_networks_that_learnt_nothing_are_not_told_apart(tmp_path: Path) -> None:
    fine, words = said(taught_run(tmp_path / "guess", 2000, 0.11), health.taught)
    assert not fine
    assert "The best accuracy is 11.00 %, where guessing gives 10.00 %" in words
    fine, words = said(taught_run(tmp_path / "short", 480), health.taught)
    assert not fine
    assert "30 steps of 16 images" in words
    assert "--epochs 4 or more" in words
    long = taught_run(tmp_path / "long", 480, recipe={"epochs": 4})
    assert health.taught(long, long.front()) is None
    ladder = taught_run(tmp_path / "ladder", 160, rungs=(1, 4))
    assert "at most 40 steps" in said(ladder, health.taught)[1]
    assert "(--epochs 3 or more)" in said(ladder, health.taught)[1], "as the ladder multiplies them by four"
    part = taught_run(tmp_path / "part", 5000, recipe={"subset": 160})
    assert "10 steps" in said(part, health.taught)[1]
    unknown = finished_run(tmp_path / "unknown")
    assert health.taught(unknown, unknown.front()) is None


@pytest.mark.parametrize(
    ("objective", "guess"), [("accuracy", 0.1), ("top5", 0.5), ("balanced_accuracy", 0.1), ("macro_f1", 0.1)]
)
def test_every_metric_is_held_against_what_guessing_gives(tmp_path: Path, objective: str, guess: float) -> None:
    def run(name: str, value: float) -> Run:
        config = make_config({"space": "small", "objectives": [objective, "latency"]})
        run = Run.create(tmp_path / name, config, load_space(SPACE), ENVIRONMENT, data={"parts": {"train": 5000}})
        run.append(trial(run, 0, metrics={objective: value, "latency": 1.0}))
        return run

    assert f"where guessing gives {100 * guess:.2f} %" in said(run("guess", guess + 0.01), health.taught)[1]
    learnt = run("learnt", guess + 0.1)
    assert health.taught(learnt, learnt.front()) is None


def test_choices_at_the_edge_of_the_space_ask_for_a_wider_one(tmp_path: Path) -> None:
    run = empty_run(tmp_path / "run")
    front_of(run, 10, lambda network: network.stages[0].width == 32 and network.stages[2].width == 48)
    fine, words = said(run, health.at_the_edge)
    assert not fine
    assert words.startswith("Width 32 is the largest offered in stage 0 and in all 10 networks of the front")
    assert "width 48 is the smallest offered in stage 2 and in all 10 networks of the front" in words


def test_no_wider_space_is_advised_where_none_is_or_where_only_the_cheap_end_would_use_it(tmp_path: Path) -> None:
    single = empty_run(tmp_path / "single")
    front_of(single, 10, lambda network: network.stages[2].depth == 1)
    assert health.at_the_edge(single, single.front()) is None, "a stage of no block is none"
    for cheap in (True, False):
        run = empty_run(tmp_path / f"cheap_{cheap}")
        drawn = [trial(run, seed) for seed in range(200)]
        narrow = (one for one in drawn if one.architecture.stages[0].width == 16)
        wider = (one for one in drawn if one.architecture.stages[0].width != 16)
        for number in range(20):
            one = next(narrow if (number < 14 if cheap else number >= 6) else wider)
            values = {"accuracy": 0.5 + number / 50, "latency": 1.0 + number, "params": 1000.0, "macs": 1e6}
            run.append(replace(one, number=number, outcome=replace(one.outcome, metrics=values)))
        named = {(edge.where, edge.value) for edge in edges(run, run.front())}
        assert (("stage 0", 16) in named) is not cheap


def test_options_pile_up_over_the_stages_of_their_block(tmp_path: Path) -> None:
    run = empty_run(tmp_path / "run")

    def fits(network: Architecture) -> bool:
        return network.stages[1].block == "mbconv" and all(
            stage.options["expansion"] == 4 for stage in network.stages if stage.block == "mbconv"
        )

    front_of(run, 8, fits)
    found = [edge for edge in edges(run, run.front()) if edge.what == "expansion"]
    stages = sum(stage.block == "mbconv" for result in run.front() for stage in result.architecture.stages)
    assert [(edge.block, edge.value, edge.largest, edge.hits, edge.count) for edge in found] == [
        ("mbconv", 4, True, stages, stages)
    ]
    assert f"expansion 4 is the largest offered to mbconv and in all {stages} stages of mbconv of the front" in (
        said(run, health.at_the_edge)[1].lower()
    )


def test_random_choices_and_small_fronts_pile_up_nowhere(tmp_path: Path) -> None:
    run = empty_run(tmp_path / "run")
    front_of(run, 14)
    assert health.at_the_edge(run, run.front()) is None
    small = empty_run(tmp_path / "small")
    front_of(small, 3, lambda network: network.stages[0].width == 32)
    assert health.at_the_edge(small, small.front()) is None


def test_a_tenth_of_the_predictions_may_be_off(tmp_path: Path) -> None:
    run = empty_run(tmp_path / "run")
    front_of(run, 6, readings={"latency": {"source": "predicted"}})
    assert health.foretold(run, run.front()) is None
    run.write_facts(PREDICTOR, {"error": {"high": 0.07}})
    measure(run, run.trials[:5], 1.02)
    assert said(run, health.foretold) == (
        True,
        "Of 5 predicted latencies none proved wrong by more than 7 % when measured; one of ten is to be expected.",
    )
    measure(run, run.trials[:3], 1.2)
    fine, words = said(run, health.foretold)
    assert not fine
    assert words.startswith("Of 5 predicted latencies 3 proved wrong by more than 7 % when measured")


def measure(run: Run, trials: Sequence[Trial], factor: float) -> None:
    """Measure trials at a multiple of what was predicted."""
    for one in trials:
        run.keep_front_reading("latency", one.key, factor * one.metrics["latency"], {})


@pytest.mark.parametrize(("trials", "fine"), [(20, False), (90, True)])
def test_few_trainings_for_the_decisions_tell_little(tmp_path: Path, trials: int, fine: bool) -> None:
    run = finished_run(tmp_path / "run", trials, 0, 0)
    found = said(run, health.sparse)
    assert found[0] == fine
    assert found[1].startswith(f"{trials} networks were trained, each of about 12 decisions")


def test_latencies_that_scatter_are_doubted(tmp_path: Path) -> None:
    quiet = finished_run(tmp_path / "quiet")
    fine, words = said(quiet, health.unsteady)
    assert (fine, words) == (True, "Between their quartiles, single timings of a network span 2 % of its latency.")
    (quiet.folder / "front_latency.json").write_text(
        json.dumps({f"key{i}": {"median": 1.0, "iqr": 0.02, "steady": False} for i in range(2)})
    )
    fine, words = said(quiet, health.unsteady)
    assert not fine
    assert "2 of 14 medians were not steady" in words
    loud = empty_run(tmp_path / "loud")
    for number in range(4):
        loud.append(trial(loud, number, readings={"latency": {"median": 2.0, "iqr": 0.6}}))
    assert not said(loud, health.unsteady)[0]
    predicted = empty_run(tmp_path / "predicted")
    predicted.append(trial(predicted, 0, readings={"latency": {"source": "predicted"}}))
    assert health.unsteady(predicted, predicted.front()) is None


@pytest.mark.parametrize(
    ("count", "fine", "says"),
    [(15, False, "15 of 24 validation images are also"), (0, True, "None of 24 validation images are also among the")],
)
def test_images_to_judge_by_that_are_trained_on(tmp_path: Path, count: int, fine: bool, says: str) -> None:
    run = empty_run(tmp_path / "run")
    front_of(run, 3)
    assert health.copied(run, run.front()) is None, "an earlier record does not tell"
    run.seal["data"] = {"parts": {"validation": 24, "test": 24}, "copies": {"validation": count, "test": 0}}
    remark = health.copied(run, run.front())
    assert remark is not None
    assert (remark.fine, remark.words.startswith(says)) == (fine, True)
    assert (remark.words in health.pressing(run)) != fine


def test_a_space_of_one_network_has_no_decisions_to_tell_of(tmp_path: Path) -> None:
    run = empty_run(tmp_path / "run")
    run.append(replace(trial(run, 0), decisions={}))
    assert health.sparse(run, run.front()) is None
