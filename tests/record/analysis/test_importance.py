"""Which decisions mattered: known answers on made-up trials, and Optuna's own numbers."""

import warnings
from zlib import crc32

import numpy as np
import optuna
import pytest
from run_fixtures import finished_run, offering, stage, trial

from nas.record.analysis.importance import FEWEST, importances, ranked


def drawn(count: int = 300) -> list[dict]:
    """Decisions of random trials, of which `odd` exists under the block moat alone."""
    rng, made = np.random.default_rng(1), []
    for _ in range(count):
        one = {name: int(rng.integers(3)) for name in ("floor", "ceiling", "idle")}
        one["block"] = str(rng.choice(["conv", "moat"]))
        if one["block"] == "moat":
            one["moat.odd"] = int(rng.integers(4))
        made.append(one)
    return made


def reward(one: dict) -> float:
    """High only with a ceiling of 2; low only with a floor of 0."""
    noise = np.random.default_rng(crc32(str(one).encode())).random()
    return 10 * (one["ceiling"] == 2) - 10 * (one["floor"] == 0) * (one["ceiling"] != 2) + noise


def first(decisions, losses):
    return ranked(decisions, {"value": np.array(losses, float)})[0]


def test_what_lifts_a_maximised_objective_matters_and_not_what_sinks_it():
    decisions = drawn()
    found = first(decisions, [-reward(one) for one in decisions])
    top = found.decisions[0]
    assert (top.decision, top.value, top.beyond) == ("ceiling", 2, True)
    assert top.best == found.best
    assert top.share > 0.5


def test_told_the_other_way_round_what_sinks_it_matters():
    decisions = drawn()
    top = first(decisions, [reward(one) for one in decisions]).decisions[0]
    assert (top.decision, top.value, top.beyond) == ("floor", 0, True)


def test_an_option_of_one_block_matters_among_the_trials_that_have_it():
    decisions = drawn()
    rng = np.random.default_rng(0)
    found = first(decisions, [-10.0 * (one.get("moat.odd") == 3) + rng.random() for one in decisions])
    shares = {one.decision: one for one in found.decisions}
    assert found.decisions[0].decision == "moat.odd"
    assert shares["moat.odd"].value == 3
    assert shares["moat.odd"].all == sum(one.get("moat.odd") == 3 for one in decisions)
    assert shares["block"].beyond  # it decides whether there is the option
    assert shares["block"].value == "moat"
    assert not shares["idle"].beyond


def test_shares_add_up_and_errors_shrink_with_trials():
    def errors(count):
        decisions = drawn(count)
        found = first(decisions, [-reward(one) for one in decisions])
        assert sum(one.share for one in found.decisions) == pytest.approx(1)
        return next(one.error for one in found.decisions if one.decision == "idle")

    assert errors(800) < errors(60)


def test_noise_seldom_stands_out():
    decisions, rng = drawn(100), np.random.default_rng(3)
    found = ranked(decisions, {str(i): rng.random(100) for i in range(30)})
    assert len(found) == 30
    assert sum(any(one.beyond for one in noise.decisions) for noise in found) <= 3


def test_the_numbers_are_optunas(tmp_path):
    """Of the study that the search itself would tell, where no decision of its space is narrowed by another."""
    run = offering(tmp_path / "run", *(stage([1, 2, 3], width=[16, 32]) for _ in range(3)))
    for number in range(120):
        run.append(trial(run, number))
    study = run.study()
    for found, sign in zip(importances(run), (-1, 1), strict=True):
        index = run.config.objectives.index(found.objective)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = optuna.importance.get_param_importances(
                study, target=lambda trial, index=index, sign=sign: sign * trial.values[index]
            )
        assert {one.decision: one.share for one in found.decisions} == pytest.approx(
            {one.decision: theirs[one.decision] for one in found.decisions}
        )
        assert [one.share for one in found.decisions] == sorted((one.share for one in found.decisions), reverse=True)
        assert found.trials == 120


def test_few_trials_and_equal_values_have_none(tmp_path):
    assert importances(finished_run(tmp_path / "few", complete=FEWEST - 1)) == []
    assert len(importances(finished_run(tmp_path / "enough", complete=FEWEST))) == 2
    assert ranked(drawn(50), {"flat": np.zeros(50)}) == []
    assert ranked([{"only": 1}] * 50, {"value": np.arange(50.0)}) == []


def test_optuna_says_nothing(tmp_path, capfd):
    importances(finished_run(tmp_path / "run"))
    assert capfd.readouterr().err == ""
