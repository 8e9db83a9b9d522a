"""The Pareto sampler in studies as people have them: any choices, some fixed, many at once, values of any size."""

import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.distributions import FloatDistribution, IntDistribution
from optuna.samplers import PartialFixedSampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from small_studies import UP_DOWN

import nas
from nas.engine.samplers._screening.domains import code_of, distinct, domain, nearest
from nas.errors import SettingError

optuna.logging.set_verbosity(optuna.logging.WARNING)
pytestmark = pytest.mark.filterwarnings("ignore:Choices for a categorical", "ignore:.*experimental")


def study_of(sampler: optuna.samplers.BaseSampler | None = None, **options: Any) -> optuna.Study:
    return optuna.create_study(directions=UP_DOWN, sampler=sampler or nas.ParetoSampler(0), **options)


def points(study: optuna.Study) -> list[str]:
    return [str(sorted(trial.params.items())) for trial in study.trials]


def grid(trial: optuna.Trial) -> tuple[float, float]:
    """24 points; a parameter is set while others are chosen."""
    x = trial.suggest_categorical("x", (0, 1, 2, 3))
    time.sleep(0.002)
    y = trial.suggest_int("y", 0, 5)
    time.sleep(0.002)
    return float(x), float(y)


def test_choices_may_be_anything() -> None:
    choices = [[64], [64, 64], {"width": 8}, None, float("nan"), ("a", 1), "auto", 2.5, object]

    def objective(trial: optuna.Trial) -> tuple[float, float]:
        choice, width = trial.suggest_categorical("choice", choices), trial.suggest_int("width", 1, 2)
        return width + choices.index(choice), float(width)

    study = study_of()
    study.optimize(objective, n_trials=18)
    assert len(set(points(study))) == 18


def test_choices_that_optuna_cannot_tell_apart_are_one() -> None:
    study = study_of()
    study.optimize(lambda t: (float(t.suggest_categorical("x", [0, 1, True, 1.0, 2])), t.suggest_int("y", 0, 1)), 8)
    assert len(set(points(study)[:6])) == 6
    assert distinct(([1], "a", [1], 0, False, None)) == ([1], "a", 0, None)


@pytest.mark.parametrize("known", [True, False])
def test_a_fixed_parameter_is_kept_and_the_others_are_never_twice(known: bool) -> None:
    def walk(choose: Callable[[str, Any], Any]) -> None:
        choose("x", (0, 1, 2, 3))
        choose("z", (0, 1, 2, 3))
        choose("y", (0, 1, 2))

    def objective(trial: optuna.Trial) -> tuple[float, float]:
        x, z, y = (trial.suggest_categorical(n, range(c)) for n, c in (("x", 4), ("z", 4), ("y", 3)))
        return float(x + y), float(z + y)

    study = study_of(nas.ParetoSampler(0, nas.Problem(decide=walk) if known else None))
    study.optimize(objective, n_trials=5)
    study.sampler = PartialFixedSampler({"y": 2}, study.sampler)
    study.optimize(objective, n_trials=12)
    assert {trial.params["y"] for trial in study.trials[5:]} == {2}
    assert len(set(points(study)[5:])) == 12


def test_what_a_queued_trial_leaves_open_is_proposed() -> None:
    study = study_of()
    study.optimize(grid, n_trials=4)
    for _ in range(4):
        study.enqueue_trial({"x": 3})
    study.optimize(grid, n_trials=20)
    assert [trial.params["x"] for trial in study.trials[4:8]] == [3] * 4
    assert len(set(points(study))) == 24


def test_threads_propose_nothing_twice() -> None:
    study = study_of()
    study.optimize(grid, n_trials=24, n_jobs=3)
    assert len(set(points(study))) == 24


def test_processes_know_each_others_proposals_before_the_parameters_are_set(tmp_path: Path) -> None:
    """Two studies on one journal, as two processes have them; each trial has set one of its parameters so far."""

    def opened() -> optuna.Study:
        storage = JournalStorage(JournalFileBackend(str(tmp_path / "journal")))
        return study_of(study_name="a", storage=storage, load_if_exists=True)

    both = opened(), opened()
    both[0].optimize(grid, n_trials=6)
    running = [both[i % 2].ask() for i in range(18)]
    for trial in running:
        trial.suggest_categorical("x", (0, 1, 2, 3))
    for trial in running:
        trial.suggest_int("y", 0, 5)
    assert len(set(points(both[0]))) == 24


def test_of_two_processes_with_one_point_one_takes_another(tmp_path: Path) -> None:
    """While one study makes its proposal another one, with the same seed and past, makes the same."""

    def opened(meanwhile: Callable[[], object]) -> optuna.Study:
        def cheap(_: Any) -> dict[str, float]:
            meanwhile()
            return {}

        def walk(choose: Callable[[str, Any], Any]) -> None:
            choose("x", (0, 1, 2, 3))

        storage = JournalStorage(JournalFileBackend(str(tmp_path / "journal")))
        sampler = nas.ParetoSampler(0, nas.Problem(decide=walk, cheap=cheap))
        return study_of(sampler, study_name="a", storage=storage, load_if_exists=True)

    def interrupt() -> None:
        if len(second.trials) < 2:
            second.ask().suggest_categorical("x", (0, 1, 2, 3))

    first, second = opened(interrupt), opened(lambda: None)
    first.ask().suggest_categorical("x", (0, 1, 2, 3))
    assert len(set(points(first))) == len(first.trials) == 2


SIZES = {
    "as they are": lambda x, y: (x * y, y * y),
    "huge and tiny": lambda x, y: (2.0**1000 * x * y, 2.0**-1000 * y * y),
}
ODD = {
    "differences overflow": lambda x, y: (1.7e308 * (x - 2) / 2, -1.7e308 * (y - 2) / 2),
    "differences round": lambda x, y: (1 + x * 2.3e-16, -1 - y * 2.3e-16),
    "constant": lambda x, y: (0.1, -0.1),
    "smallest": lambda x, y: (5e-324 * x, -5e-324 * y),
    "infinite": lambda x, y: (np.inf if x == 3 else -np.inf if x == 0 else x, -np.inf if y == 0 else y),
}


def played(values: Callable[[float, float], tuple[float, float]]) -> list[str]:
    """The proposals of a study, under a caller's strictest settings."""

    def objective(trial: optuna.Trial) -> tuple[float, float]:
        x, y = trial.suggest_categorical("x", (0, 1, 2, 3)), trial.suggest_int("y", 0, 5)
        with np.errstate(all="ignore"):
            return values(float(x), float(y))

    study = study_of()
    with np.errstate(all="raise"), warnings.catch_warnings():
        warnings.simplefilter("error")
        study.optimize(objective, n_trials=16)
    return points(study)


def test_the_size_of_values_changes_nothing() -> None:
    assert played(SIZES["huge and tiny"]) == played(SIZES["as they are"])


@pytest.mark.parametrize("kind", ODD)
def test_values_may_be_anything(kind: str) -> None:
    assert len(set(played(ODD[kind]))) == 16


@pytest.mark.parametrize(
    ("distribution", "ends"),
    [
        (IntDistribution(0, 2**62), (0, 2**62)),
        (IntDistribution(-(2**70), 2**70), (-(2**70), 2**70)),
        (IntDistribution(1, 10**18, log=True), (1, 10**18)),
        (IntDistribution(3, 3), (3, 3)),
        (FloatDistribution(-1.7e308, 1.7e308), (-1.7e308, 1.7e308)),
        (FloatDistribution(1e-300, 1e300, log=True), (1e-300, 1e300)),
        (FloatDistribution(2.5, 2.5), (2.5, 2.5)),
        (FloatDistribution(-10.2, 10.2, step=0.1), (-10.2, 10.2)),
    ],
)
def test_the_grid_of_a_number_of_any_size_lies_within_its_range(distribution: Any, ends: tuple[Any, Any]) -> None:
    values: Any = domain(distribution)
    assert (values[0], values[-1]) == pytest.approx(ends)
    assert len(values) == 1 if ends[0] == ends[1] else 99 < len(values) <= 101
    assert sorted(set(values)) == list(values)
    assert all(distribution._contains(distribution.to_internal_repr(value)) for value in values)
    code = nearest(values)
    assert [code(value) for value in values] == list(range(1, len(values) + 1))
    assert (code(ends[0] - 1), code("a word")) == (1, 0)


def test_a_choice_has_the_place_of_the_first_that_equals_it() -> None:
    choices = (1, True, [8], float("nan"), "1", [8, 8])
    code = code_of(choices)
    assert [code(v) for v in (*choices, 1.0, np.float64("nan"), (8,), 7)] == [1, 1, 3, 4, 5, 6, 1, 4, 0, 0]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"objectives": "ab"}, r"found objectives='ab'; write names"),
        ({"cheap": {"cost": 3}}, "found cheap={'cost': 3}; write a function"),
        ({"decide": 5}, "found decide=5; write a function"),
        ({"maximum": {"params": "60k"}}, "found maximum of params '60k'; write a number"),
        ({"minimum": {"speed": float("nan")}}, "found minimum of speed nan; write a number"),
    ],
)
def test_a_problem_of_wrong_parts_is_refused_as_it_is_made(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingError, match=rf"^Problem: {says}"):
        nas.Problem(**wrong)


@pytest.mark.parametrize("wrong", [{"problem": {"objectives": ("a", "b")}}, {"seed": "x"}, {"seed": 1.5}])
def test_a_sampler_of_wrong_parts_is_refused_as_it_is_made(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingError, match=rf"^ParetoSampler: found {next(iter(wrong))}=.*; write"):
        nas.ParetoSampler(**wrong)
