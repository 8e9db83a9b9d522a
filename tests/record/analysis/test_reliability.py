"""How well rungs rank networks, against trainings in full from other seeds."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from run_fixtures import empty_run, offering, stage, trial

from nas.engine.calibrate import alone as of_one_kind
from nas.errors import SettingError
from nas.evaluation.job import Outcome
from nas.record.analysis.kept_ladders import recalled
from nas.record.analysis.rates import kinds_alone, rate_folder
from nas.record.analysis.reliability import ENOUGH, FEWEST_BEST, reliability
from nas.record.environment import note_finished
from nas.record.run import Run
from nas.record.trial import Further
from nas.report.calibration_page import write_calibration

OBJECTIVES = ("accuracy", "macs")


def calibrated(
    folder: Path, noise: tuple[float, ...], networks: int = 40, seed: int = 0, stages: Sequence[dict[str, Any]] = ()
) -> Run:
    """A run whose networks climbed all rungs, each of which knows their worth but for a noise."""
    rungs = tuple(3**i for i in range(len(noise)))
    settings: dict[str, Any] = {"rungs": rungs, "objectives": OBJECTIVES}
    run = offering(folder, *stages, **settings) if stages else empty_run(folder, **settings)
    rng = np.random.default_rng(seed)
    for number in range(networks):
        worth, size = rng.normal(), rng.uniform(1e5, 1e6)
        known = [0.5 + 0.05 * (worth + spread * rng.normal()) for spread in noise]
        metrics = {"params": size, "macs": size}
        run.append(trial(run, number, metrics=metrics | {"accuracy": known[0]}))
        for rung, value in enumerate(known[1:], 1):
            run.append_further(Further(number, 0, Outcome("complete", metrics | {"accuracy": value}), rung=rung))
        full = metrics | {"accuracy": 0.5 + 0.05 * worth}
        run.append_further(Further(number, 1, Outcome("complete", full), rung=len(noise) - 1))
    return run


def test_the_less_noise_the_better_a_rung_ranks(tmp_path: Path) -> None:
    found = reliability(calibrated(tmp_path / "run", (2.0, 0.5, 0.02)))
    taus = [ranking.every.tau for ranking in found.rungs]
    assert taus == sorted(taus)
    assert taus[0] < 0.5 < 0.9 < taus[2]
    assert [ranking.share for ranking in found.rungs] == pytest.approx([1 / 9, 1 / 3, 1])
    assert (found.networks, found.best) == (40, 10)
    for ranking in found.rungs:
        assert ranking.every.low <= ranking.every.tau <= ranking.every.high
        assert ranking.best.tau <= ranking.every.tau + 0.1, "the best are harder to tell apart"
    assert {ranking.name for ranking in found.others} == {"MACs", "parameters"}
    assert abs(found.others[0].every.tau) < 0.4, "size says nothing here"


@pytest.mark.slow
def test_the_interval_covers_the_truth_as_often_as_it_says(tmp_path: Path) -> None:
    truth = 2 / np.pi * np.arcsin(1 / np.sqrt(2))  # Kendall's tau of normal values with noise as wide as they
    inside = []
    for seed in range(30):
        found = reliability(calibrated(tmp_path / str(seed), (1.0, 0.1), seed=seed)).rungs[0].every
        inside.append(found.low <= truth <= found.high)
    assert np.mean(inside) >= 0.8


@pytest.mark.parametrize(
    ("noise", "ladder", "trusted"),
    [
        ((0.02, 0.02, 0.02), (1,), True),
        ((0.55, 0.02, 0.02), (1, 3), True),
        ((3.0, 0.02, 0.02), (3,), True),
        ((0.7, 0.7, 0.6, 0.5), (1, 3, 9, 27), False),
    ],
)
def test_the_ladder_is_the_cheapest_that_can_be_trusted(
    tmp_path: Path, noise: tuple[float, ...], ladder: tuple[int, ...], trusted: bool
) -> None:
    found = reliability(calibrated(tmp_path / "run", noise, networks=60))
    assert (found.ladder, found.trusted) == (ladder, trusted)
    assert f"--rungs {','.join(map(str, ladder))}" in found.verdict
    assert found.sentences()[0] == found.verdict
    if trusted:
        assert max(r.best.tau for r in found.rungs) >= ENOUGH


def test_the_cost_of_a_rung_is_in_percent_wherever_it_is_told(tmp_path: Path) -> None:
    found = reliability(calibrated(tmp_path / "run", (0.5, 0.1, 0.1)))
    assert [ranking.cost for ranking in (*found.rungs, *found.others)] == ["11.1 %", "33.3 %", "100 %", "0 %", "0 %"]
    assert [said.partition(" of the cost")[0] for said in found.sentences() if " of the cost (" in said] == [
        "At 11.1 %",
        "At 33.3 %",
    ]


def test_the_command_that_goes_on_names_limits_and_scores(tmp_path: Path) -> None:
    run = calibrated(tmp_path / "run", (0.3, 0.02), networks=20)
    run.config = run.config.model_copy(update={"maximum": {"params": 9e4}, "scores": ("naswot",)})
    assert " --max params=90000 --scores naswot --runs" in reliability(run).going_on(run), "or it would be another"


def test_no_more_networks_are_wanted_where_the_space_has_none(tmp_path: Path) -> None:
    run = calibrated(tmp_path / "run", (9.0, 9.0), networks=8)
    assert "-n 24" in " ".join(reliability(run).notes())
    note_finished(run.folder, exhausted=99)
    found = reliability(run)
    assert "No further network of the space was found, so no more can tell." in found.notes()
    assert "-n " not in " ".join(found.notes())
    assert found.ladder == ()
    assert found.searching(run).endswith(" --rungs 3"), "which is the whole length"
    assert found.searching(run) in write_calibration(run, found).read_text()


def test_a_run_without_trainings_in_full_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"5 networks were trained .*; at least 8 .*nas calibrate"):
        reliability(calibrated(tmp_path / "few", (1.0, 0.1), networks=5))
    with pytest.raises(SettingError, match="on 1 rungs"):
        reliability(calibrated(tmp_path / "one", (1.0,), networks=9))


def test_it_is_kept_and_applied_to_the_same_space_data_and_recipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NAS_CACHE", str(tmp_path / "cache"))
    run = calibrated(tmp_path / "run", (0.3, 0.02), networks=20)
    run.config = run.config.model_copy(update={"data": "npz:a.npz"})
    run.seal["data"] = {"labels": "a", "pixels": "b", "files": None, "parts": {"train": 9}}
    found = reliability(run)
    found.keep(run)
    assert json.loads((run.folder / "reliability.json").read_text())["ladder"] == list(found.ladder)
    assert not found.applied(run)
    assert " --rungs " in found.searching(run)
    found.apply(run)
    assert found.applied(run)
    assert " --rungs " not in found.searching(run), "which it takes unasked"
    assert not replace(found, ladder=(9,)).applied(run)
    assert recalled(run.config, run.space, run.seal["data"])["ladder"] == list(found.ladder)
    assert recalled(run.config, run.space, run.seal["data"] | {"labels": "divided otherwise"})
    for change in ({"pixels": "other"}, {"parts": {"train": 8}}):
        assert recalled(run.config, run.space, run.seal["data"] | change) == {}
    recipe = run.config.recipe.model_copy(update={"epochs": 2})
    assert recalled(run.config.model_copy(update={"recipe": recipe}), run.space, run.seal["data"]) == {}


def test_a_run_that_does_not_know_its_data_any_more_is_not_applied(tmp_path: Path) -> None:
    run = calibrated(tmp_path / "run", (0.3, 0.02), networks=20)
    found = reliability(run)
    (run.folder / "seal.json").unlink()
    with pytest.raises(SettingError, match="does not know its data any more; calibrate anew, under another --name"):
        found.apply(Run(run.folder))


def test_a_rung_that_seems_better_than_the_training_in_full_is_within_chance(tmp_path: Path) -> None:
    found = reliability(calibrated(tmp_path / "run", (0.5, 0.6), networks=30))
    assert found.rungs[0].every.tau > found.rungs[1].every.tau
    assert "no shorter one can be expected to do better, and what seems so is within chance." in found.notes()[0]
    plain = reliability(calibrated(tmp_path / "plain", (0.8, 0.1), networks=30))
    assert "chance" not in plain.notes()[0]
    sure = reliability(calibrated(tmp_path / "sure", (0.1, 2.0), networks=30))
    assert "yet one did, beyond chance." in sure.notes()[0]


def test_no_ladder_follows_from_intervals_that_are_too_wide(tmp_path: Path) -> None:
    run = calibrated(tmp_path / "run", (0.6, 0.7), networks=8, seed=10)
    found = reliability(run)
    assert max(rung.every.tau for rung in found.rungs) >= ENOUGH, "the values alone would do"
    assert all(rung.every.low <= 0 for rung in found.rungs)
    assert (found.ladder, found.trusted) == ((), False)
    said = " ".join(found.sentences())
    assert found.verdict.startswith("No ladder follows: with 8 networks the intervals are too wide")
    assert "More networks give narrower intervals: -n 24." in found.notes()
    assert "--rungs" not in said
    with pytest.raises(SettingError, match="no ladder follows from 8 networks"):
        found.apply(run)


def test_of_a_best_quarter_of_few_nothing_is_kept(tmp_path: Path) -> None:
    run = calibrated(tmp_path / "run", (0.3, 0.02), networks=20)
    found = reliability(run)
    assert found.best < FEWEST_BEST
    found.keep(run)
    kept = json.loads((run.folder / "reliability.json").read_text())
    assert {ranking["best"] for ranking in (*kept["rungs"], *kept["others"])} == {None}
    assert "are too few to say" in " ".join(found.sentences())


def test_the_command_that_goes_on_names_seeds_plugins_and_another_folder_of_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = calibrated(Path("runs/run"), (0.3, 0.02), networks=20)
    assert reliability(run).going_on(run).endswith("--rungs 1,3 --name run")
    run.config = run.config.model_copy(update={"seed": 3})
    assert reliability(run).going_on(run).endswith("--name run --seed 3")
    run.config = run.config.model_copy(update={"split_seed": 4, "plugins": ("mine.py", "a b.py")})
    assert reliability(run).going_on(run).endswith("--seed 3 --split-seed 4 --plugins mine.py --plugins 'a b.py'")
    run.folder = Path("else where/run")
    found = replace(reliability(calibrated(Path("other"), (0.3, 0.02), networks=20)), ladder=(1, 3))
    assert found.going_on(run).endswith("--plugins 'a b.py' --runs 'else where'")
    assert found.searching(run).endswith("--plugins mine.py --plugins 'a b.py' --rungs 1,3")


@pytest.mark.parametrize(
    ("depth", "alone", "untried"),
    [([0, 1], ["conv", "moat"], ("mbconv", "transformer")), ([1, 2], [], ("mbconv", "transformer", "conv", "moat"))],
)
def test_a_stage_that_may_be_left_out_need_not_offer_the_kind(
    tmp_path: Path, depth: list[int], alone: list[str], untried: tuple[str, ...]
) -> None:
    stages = [stage(depth) | {"block": ["mbconv", "transformer"]}, stage([1, 2], 2) | {"block": ["conv", "moat"]}]
    run = offering(tmp_path / "run", *stages)
    assert kinds_alone(run.space) == alone
    for kind in alone:
        assert [one.block for one in of_one_kind(run.space, kind, 0).stages] == [kind]
    found = reliability(calibrated(tmp_path / "other", (0.3, 0.02), networks=8))
    found = replace(found, rates={kind: {} for kind in alone}, untried=untried, omitted=())
    said = " ".join(found.sentences())
    assert f": {', '.join(untried)}." in said
    if alone:
        assert "starves none of conv, moat." in said
        assert "as not every stage that must stay offers it" in said
    else:
        assert "none is offered by every stage that must stay" in said


def test_kinds_that_were_not_tried_are_read_off_the_space(tmp_path: Path) -> None:
    stages = [stage([1, 2]) | {"block": ["conv", "moat"]}, stage([1, 2])]
    found = reliability(calibrated(tmp_path / "run", (0.3, 0.02), 8, stages=stages))
    assert found.untried == ("mbconv", "transformer")


def rated(run: Run, reached: dict[float, tuple[float, ...]], noise: float) -> Run:
    """Beside a calibration the runs at other learning rates, with these accuracies of conv, then moat, alone."""
    (run.folder / "rates").mkdir()
    networks = [of_one_kind(run.space, kind, 0) for kind in ("conv", "moat")]
    for factor, values in reached.items():
        tried = empty_run(rate_folder(run, factor), objectives=OBJECTIVES)
        failed = Outcome("failed", reason="out of memory")
        tried.append(replace(trial(tried, 2), architecture=networks[0], outcome=failed))
        for number, (network, value) in enumerate(zip(networks, values, strict=False)):
            metrics = {"accuracy": value - noise, "macs": 1.0, "params": 1.0}
            tried.append(replace(trial(tried, number), architecture=network, outcome=Outcome("complete", metrics)))
            again = Outcome("complete", metrics | {"accuracy": value + noise})
            tried.append_further(Further(number, 1, again))
    return run


@pytest.mark.parametrize(("noise", "starved"), [(0.01, ("moat",)), (0.3, ())])
def test_a_kind_that_does_better_at_another_learning_rate_is_named(
    tmp_path: Path, noise: float, starved: tuple[str, ...]
) -> None:
    reached = {1 / 3: (0.4, 0.3), 1.0: (0.5, 0.31), 3.0: (0.505, 0.6)}
    found = reliability(rated(calibrated(tmp_path / "run", (1.0, 0.1)), reached, noise))
    assert found.rates["conv"] == pytest.approx({"0.33": 0.4, "1": 0.5, "3": 0.505})
    assert found.rates["moat"] == pytest.approx({"0.33": 0.3, "1": 0.31, "3": 0.6})
    assert found.starved == starved
    said = " ".join(found.sentences())
    assert ("suits moat better" if starved else "starves none of conv, moat.") in said
    assert (found.failed, found.omitted) == ({}, ("mbconv", "transformer")), "conv was trained to an end, too"


def test_a_kind_whose_training_failed_at_a_learning_rate_is_named_with_the_reason(tmp_path: Path) -> None:
    run = rated(calibrated(tmp_path / "run", (1.0, 0.1)), {1 / 3: (0.4,), 1.0: (0.5,), 3.0: (0.5,)}, 0.01)
    for factor, reason in ((1.0, "the loss became nan in epoch 2"), (3.0, "out of memory")):
        tried = Run(rate_folder(run, factor))
        network = of_one_kind(run.space, "moat", 0)
        tried.append(replace(trial(tried, 3), architecture=network, outcome=Outcome("failed", reason=reason)))
    found = reliability(run)
    assert found.failed == {"moat": "the loss became nan in epoch 2"}
    assert found.rates.keys() == {"conv"}
    said = " ".join(found.sentences())
    assert "The learning rate does not starve conv." in said
    assert "as a training of it alone failed: moat (the loss became nan in epoch 2)." in said


def test_where_all_trainings_at_other_learning_rates_failed_that_is_said(tmp_path: Path) -> None:
    run = rated(calibrated(tmp_path / "run", (1.0, 0.1)), {1 / 3: (), 1.0: (), 3.0: ()}, 0.01)
    found = reliability(run)
    assert (found.rates, found.failed) == ({}, {"conv": "out of memory"})
    assert "failed: conv (out of memory)." in " ".join(found.sentences())


def test_a_kind_that_a_finished_calibration_has_not_tried_is_named(tmp_path: Path) -> None:
    reached = {1 / 3: (0.4, 0.3), 1.0: (0.5, 0.31), 3.0: (0.505, 0.32)}
    said = " ".join(reliability(rated(calibrated(tmp_path / "run", (1.0, 0.1)), reached, 0.01)).sentences())
    assert "Not tried alone at other learning rates in this run: mbconv, transformer; nas calibrate with" in said
    assert "must stay" not in said


def test_of_few_networks_none_is_trusted(tmp_path: Path) -> None:
    found = reliability(calibrated(tmp_path / "run", (0.02, 0.02), networks=12))
    assert found.best == 3
    assert not found.trusted
    said = " ".join(found.sentences())
    few = "The best quarter, 3 networks, are too few to say how well they are ranked"
    assert f"{few}: -n 24 would tell." in found.notes()
    assert found.verdict == "Search with --rungs 1,3, which goes on to the whole length."
    assert "among the best" not in said
    assert "among the best" in " ".join(reliability(calibrated(tmp_path / "more", (0.3, 0.02), 24)).sentences())
