"""Where many trials run, one screening of the Pareto sampler proposes for several."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from small_studies import UP_DOWN, ask, rugged, total, walk

import nas
from nas.engine.samplers._screening.evidence import Costs, Past
from nas.engine.samplers._screening.feasibility import Feasibility
from nas.engine.samplers._screening.screen import TURNS, Screen
from nas.engine.samplers._screening.tree import explore

optuna.logging.set_verbosity(optuna.logging.WARNING)


def test_one_screening_proposes_for_a_tenth_of_the_trials_that_run() -> None:
    screened: list[int] = []

    def table(domains: Any, codes: Any) -> dict[str, Any]:
        screened.append(study.ask_count)
        return {"size": codes.sum(axis=1).astype(float)}

    problem = nas.Problem(decide=walk, objectives=("quality", "size"), cheap=total, table=table)
    study: Any = optuna.create_study(directions=UP_DOWN, sampler=nas.ParetoSampler(0, problem))
    study.ask_count = 0
    study.optimize(rugged, n_trials=20)

    def next_point() -> tuple[Any, ...]:
        study.ask_count += 1
        return tuple(ask(study).params.values())

    proposed = {next_point() for _ in range(60)}
    assert len(proposed) == 60
    assert not proposed & {tuple(t.params.values()) for t in study.trials[:20]}
    asked = [number for number in range(1, 61) if number in screened]
    assert asked[:20] == list(range(1, 21)), "few run: each is proposed knowing all"
    assert len([number for number in asked if number > 50]) == 2, "fifty run: five at a time"


@pytest.mark.long
def test_proposals_of_one_screening_differ_from_those_of_another_process(tmp_path: Path) -> None:
    storage = f"sqlite:///{tmp_path}/study.db"
    problem = nas.Problem(decide=walk)
    optuna.create_study(study_name="both", storage=storage, directions=UP_DOWN)
    ours, theirs = (
        optuna.load_study(study_name="both", storage=storage, sampler=nas.ParetoSampler(seed, problem))
        for seed in (0, 0)
    )
    ours.optimize(rugged, n_trials=12)
    found = [tuple(ask(study).params.values()) for _ in range(25) for study in (ours, theirs)]
    assert len(set(found)) == 50


@pytest.mark.parametrize("running", [1, 20, 25, 40, 80, 200])
def test_models_take_turns_however_many_trials_run(running: int) -> None:
    tree, _ = explore(walk, np.random.default_rng(0))
    codes = tree.draw(60 + 8 * max(running // 10, 1) + running, np.random.default_rng(1))
    turns = []
    for screening in range(8):
        done = 30 + screening * max(running // 10, 1)
        losses = codes[:done].sum(axis=1, keepdims=True).astype(float)
        past = Past(codes[:done], losses, codes[:0], codes[done : done + running], codes[:0])
        costs = Costs(lambda decisions: {})
        turns.append(Screen(tree, past, costs, {}, Feasibility(tree, past, costs, {})).turn)
    assert sorted(turns) == sorted(TURNS * 2)


def test_a_small_space_may_be_spent_while_many_trials_run() -> None:
    def three(choose: Callable[[str, Any], Any]) -> list[int]:
        return [choose(f"x{i}", (0, 1, 2)) for i in range(3)]

    study = optuna.create_study(directions=UP_DOWN, sampler=nas.ParetoSampler(0, nas.Problem(decide=three)))
    points = []
    for number in range(40):
        trial = study.ask()
        points.append(tuple(three(trial.suggest_categorical)))
        if number < 4:
            study.tell(trial, [float(points[-1][0]), float(points[-1][1])])
    assert len(set(points[:27])) == len(set(points)) == 27


def test_what_a_screening_left_is_not_proposed_when_few_run_any_more() -> None:
    def proposed(remembering: bool) -> dict[str, Any]:
        storage = optuna.storages.InMemoryStorage()
        sampler = nas.ParetoSampler(0, nas.Problem(decide=walk))
        study = optuna.create_study(study_name="one", storage=storage, direction="maximize", sampler=sampler)
        for wave in (12, 62):
            for trial in [ask(study) for _ in range(wave)]:
                study.tell(trial, float(sum(trial.params.values())) * (1 if wave == 12 else -1))
        if not remembering:
            study = optuna.load_study(study_name="one", storage=storage)
        study.sampler = nas.ParetoSampler(7, sampler.problem)
        return ask(study).params

    assert proposed(remembering=True) == proposed(remembering=False)
