"""The Pareto sampler in anyone's study: what it learns, what it avoids, and that it repeats."""

from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import optuna
import pytest
from small_studies import UP_DOWN, rugged, total, walk
from threadpoolctl import threadpool_info, threadpool_limits

import nas
from nas.engine.samplers._screening.domains import domain

optuna.logging.set_verbosity(optuna.logging.WARNING)
Objective = Callable[[optuna.Trial], Any]
KINDS = tuple("abcdefgh")


def conditional(trial: optuna.Trial) -> tuple[float, float]:
    """The best lies where five options, which exist under one of eight kinds only, are all at their last value."""
    kind = trial.suggest_categorical("kind", KINDS)
    width = trial.suggest_int("width", 1, 4)
    options = [trial.suggest_categorical(f"{kind}.{i}", (0, 1, 2, 3)) for i in range(5)]
    good = sum(options) / 15 if kind == "e" else 0.2
    return good + 0.05 * width, float(width)


def plain(trial: optuna.Trial) -> tuple[float, float]:
    x = trial.suggest_float("x", 0, 1)
    n = trial.suggest_int("n", 1, 64, log=True)
    return (x - 0.3) ** 2 * n, (x - 0.7) ** 2 + 1 / n


def play(objective: Objective, trials: int, directions: tuple[str, ...] = UP_DOWN, seed: int = 0, **task: Any) -> Any:
    sampler = nas.ParetoSampler(seed, nas.Problem(**task))
    study = optuna.create_study(directions=directions, sampler=sampler)
    study.optimize(objective, n_trials=trials, catch=(RuntimeError,))
    return study


def params(study: optuna.Study) -> list[tuple[Any, ...]]:
    return [tuple(sorted(trial.params.items())) for trial in study.trials]


@pytest.mark.long
def test_it_finds_options_that_exist_under_one_block_only() -> None:
    study = play(conditional, 70)
    assert max(trial.values[0] for trial in study.trials) >= 1.1
    nsga = optuna.create_study(directions=UP_DOWN, sampler=optuna.samplers.NSGAIISampler(seed=0))
    nsga.optimize(conditional, n_trials=70)
    assert max(trial.values[0] for trial in nsga.trials) < 1.1


@pytest.mark.long
def test_a_seed_repeats_and_another_differs() -> None:
    assert params(play(conditional, 16)) == params(play(conditional, 16))
    assert params(play(conditional, 16)) != params(play(conditional, 16, seed=1))


def test_a_proposal_multiplies_in_one_thread_and_leaves_the_callers_threads_as_they_were() -> None:
    def threads() -> set[int]:
        return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}

    found: list[set[int]] = []

    def cheap(_: Any) -> dict[str, float]:
        if not found:
            found.append(threads())
        return {}

    with threadpool_limits(2, user_api="blas"):
        play(rugged, 2, cheap=cheap)
        assert found == [{1}]
        assert threads() == {2}


def test_nothing_is_proposed_twice_until_all_was() -> None:
    def small(trial: optuna.Trial) -> tuple[float, float]:
        x, y = (trial.suggest_categorical(name, (0, 1, 2, 3)) for name in "xy")
        return float(x), float(y)

    study = play(small, 18)
    assert len(set(params(study)[:16])) == 16
    assert len(study.trials) == 18


def test_numbers_are_searched_too() -> None:
    study = play(plain, 40, ("minimize", "minimize"))
    assert len(set(params(study))) == 40
    best = optuna.create_study(directions=("minimize", "minimize"), sampler=optuna.samplers.RandomSampler(seed=0))
    best.optimize(plain, n_trials=40)
    assert volume(study) > volume(best)


def volume(study: optuna.Study) -> float:
    from nas.pareto import hypervolume

    return hypervolume(np.array([trial.values for trial in study.trials]), [2.0, 1.0], [False, False])


def test_known_costs_save_trials() -> None:
    """Fourteen sizes: the whole front is found, with the cost known, in a twentieth of the space."""
    study = play(rugged, 36, decide=walk, cheap=total, objectives=("accuracy", "size"))
    found = {trial.values[1]: trial.values[0] for trial in study.best_trials}
    true = {float(s): np.sqrt(s) + 0.3 * (s >= 3) for s in range(13)}
    true[12.0] = np.sqrt(12)  # the size that leaves no choice
    missed = [size for size in true if found.get(size, 0) < true[size] - 1e-9 and size < 11]
    assert len(missed) <= 1, missed


def test_limits_on_known_values_are_kept() -> None:
    limits = {"maximum": {"size": 7.0}, "minimum": {"size": 3.0}}
    study = play(rugged, 25, decide=walk, cheap=total, objectives=("accuracy", "size"), **limits)
    assert all(3 <= trial.values[1] <= 7 for trial in study.trials)


def test_limits_are_kept_where_the_known_value_is_no_objective() -> None:
    def objective(trial: optuna.Trial) -> tuple[float, float]:
        accuracy, size = rugged(trial)
        return accuracy, -size

    study = play(objective, 25, decide=walk, cheap=total, maximum={"size": 6.0})
    assert all(-trial.values[1] <= 6 for trial in study.trials)


def test_trials_that_run_are_not_proposed_again() -> None:
    study = play(rugged, 14, decide=walk, cheap=total, objectives=("accuracy", "size"))
    running = [study.ask() for _ in range(5)]
    for trial in running:
        walk(trial.suggest_categorical)
    points = [tuple(trial.params.values()) for trial in running]
    assert len(set(points)) == 5
    sizes = {sum(point) for point in points}
    assert len(sizes) >= 3, "a batch lies along the front"


def test_failures_are_learnt_from_but_not_repeats() -> None:
    def fragile(trial: optuna.Trial, repeat: bool) -> tuple[float, float]:
        values = rugged(trial)
        if trial.params["x1"] == 2:
            if repeat:
                trial.set_user_attr("repeat", True)
            raise RuntimeError
        return values

    late = {True: 0, False: 0}
    for repeat, seed in product(late, (3, 4, 5)):
        study = play(partial(fragile, repeat=repeat), 45, seed=seed, decide=walk, cheap=total,
                     objectives=("accuracy", "size"))  # fmt: skip
        late[repeat] += sum(trial.state == optuna.trial.TrialState.FAIL for trial in study.trials[20:])
        assert len(set(params(study))) == 45
    assert late[False] <= 3, "at random 25 of these 75 would fail"
    assert 2 * late[False] + 1 < late[True]
    assert 6 <= late[True] <= 45


@pytest.mark.parametrize("known", [True, False])
def test_three_objectives(known: bool) -> None:
    def objective(trial: optuna.Trial) -> tuple[float, float, float]:
        accuracy, size = rugged(trial)
        return accuracy, size, float(trial.params["x5"] - trial.params["x4"])

    directions = ("maximize", "minimize", "minimize")
    task = {"decide": walk, "cheap": total, "objectives": ("accuracy", "size", "balance")} if known else {}
    study = play(objective, 30, directions, **task)
    assert len(set(params(study))) == 30
    random = optuna.create_study(directions=directions, sampler=optuna.samplers.RandomSampler(seed=0))
    random.optimize(objective, n_trials=30)
    assert spread(study) > spread(random)


def spread(study: optuna.Study) -> float:
    from nas.pareto import hypervolume

    points = np.array([trial.values for trial in study.trials])
    return hypervolume(points, [0.0, 13.0, 3.0], [True, False, False])


def test_one_objective() -> None:
    study = play(lambda trial: rugged(trial)[0], 30, ("maximize",), decide=walk)
    assert study.best_value >= np.sqrt(11)


def test_queued_trials_run_as_they_are() -> None:
    study = play(rugged, 12, decide=walk)
    wanted = {f"x{i}": 1 for i in range(6)}
    study.enqueue_trial(wanted)
    study.optimize(rugged, n_trials=2)
    assert study.trials[12].params == wanted
    assert params(study)[13] not in params(study)[:13]


def test_broken_constraints_are_avoided() -> None:
    def objective(trial: optuna.Trial) -> tuple[float, float]:
        accuracy, size = rugged(trial)
        if trial.params["x1"] == 2:
            trial.set_constraint("memory", 1.0)
            raise optuna.TrialPruned
        return accuracy, size

    study = play(objective, 45, decide=walk, cheap=total, objectives=("accuracy", "size"))
    assert sum(trial.params["x1"] == 2 for trial in study.trials[20:]) <= 6, "at random a third"


def twelve(choose: Callable[[str, Any], Any]) -> list[int]:
    return [choose(f"x{i}", (0, 1, 2)) for i in range(12)]


def limited(trial: optuna.Trial, told: Callable[[float], float] = lambda violation: violation) -> tuple[float, float]:
    """One in 140 of these keeps the limit, which only a trial tells."""
    x = np.array(twelve(trial.suggest_categorical))
    size = float(x.sum())
    trial.set_constraint("size", told(size / 5 - 1))
    if size > 5:
        raise optuna.TrialPruned
    return float(np.sqrt(size) + x[0]), size


def kept(study: optuna.Study) -> int:
    return sum(trial.state == optuna.trial.TrialState.COMPLETE for trial in study.trials)


@pytest.mark.parametrize("maximum", [{}, {"size": 5.0}], ids=["unknown", "named"])
def test_how_far_a_limit_was_broken_leads_to_what_keeps_it(maximum: dict[str, float]) -> None:
    task = {"decide": twelve, "objectives": ("accuracy", "size"), "maximum": maximum}
    assert min(kept(play(limited, 30, seed=seed, **task)) for seed in range(3)) >= 12
    told = partial(limited, told=lambda violation: 1.0 if violation > 0 else 0.0)
    blind = [kept(play(told, 30, seed=seed, **task)) for seed in range(3)]
    assert sum(blind) < 3 * 6, "as each trial tells no more than whether it kept the limit"


@pytest.mark.parametrize("cheap", [{}, {"cheap": total, "objectives": ("accuracy", "size")}], ids=["told", "known"])
def test_a_study_goes_on_when_every_point_was_rejected(cheap: dict[str, Any]) -> None:
    def two(choose: Callable[[str, Any], Any]) -> list[int]:
        return [choose(f"x{i}", (0, 1, 2)) for i in range(2)]

    def objective(trial: optuna.Trial) -> tuple[float, float]:
        trial.set_constraint("latency", 1.0 + sum(two(trial.suggest_categorical)))
        raise optuna.TrialPruned

    study = play(objective, 12, decide=two, **cheap)
    assert len(set(params(study)[:9])) == len(set(params(study))) == 9


def test_an_infinite_violation_is_learnt_from() -> None:
    def objective(trial: optuna.Trial) -> tuple[float, float]:
        x = twelve(trial.suggest_categorical)
        broken = x[0] or x[1]
        trial.set_constraint("memory", float("inf") if broken else -1 - 0.1 * x[2])
        if broken:
            raise optuna.TrialPruned
        return float(sum(x)), float(x[3])

    assert kept(play(objective, 40, decide=twelve)) >= 15, "at random 4"


def asked_alike(live: optuna.Study, problem: nas.Problem, number: int) -> optuna.Trial:
    """Ask a study and one that goes on from its trials, which propose the same."""
    again = optuna.create_study(directions=UP_DOWN)
    again.add_trials(live.trials)
    asked = []
    for study in (live, again):
        study.sampler = nas.ParetoSampler(number, problem)
        asked.append(study.ask())
        twelve(asked[-1].suggest_categorical)
    assert asked[0].params == asked[1].params, number
    return asked[0]


def test_under_a_limit_a_study_that_goes_on_proposes_the_same() -> None:
    problem = nas.Problem(decide=twelve)
    live = optuna.create_study(directions=UP_DOWN)
    for number in range(26):
        trial = asked_alike(live, problem, number)
        size = float(sum(trial.params.values()))
        trial.set_constraint("size", size / 5 - 1)
        if size > 5:
            live.tell(trial, state=optuna.trial.TrialState.PRUNED)
        else:
            live.tell(trial, [size**0.5, size])


def test_what_is_known_by_now_counts_in_place_of_what_was_told() -> None:
    known: dict[int, tuple[float, float]] = {}

    def objective(trial: optuna.Trial) -> tuple[float, float]:
        accuracy, size = rugged(trial)
        if trial.params["x2"] == 0:
            known[trial.number] = accuracy - 3, size
            return accuracy + 3, size
        return accuracy, size

    settings = {"decide": walk, "cheap": total, "objectives": ("accuracy", "size")}
    late = play(objective, 45, known=lambda: known, **settings).trials[20:]
    assert sum(trial.params["x2"] == 0 for trial in late) <= 5, "at random a third"
    fooled = play(objective, 45, **settings).trials[20:]
    assert sum(trial.params["x2"] == 0 for trial in fooled) > 10


def test_a_study_that_goes_on_proposes_the_same_where_more_became_known_of_its_trials() -> None:
    known: dict[int, tuple[float, float]] = {}
    problem = nas.Problem(decide=twelve, known=lambda: known)
    live = optuna.create_study(directions=UP_DOWN)
    for number in range(24):
        trial = asked_alike(live, problem, number)
        size = float(sum(trial.params.values()))
        live.tell(trial, [size**0.5, size])
        known |= {t.number: (t.values[0] + np.sin(number + t.number), t.values[1]) for t in live.trials}


def test_values_that_are_infinite_count_as_failures() -> None:
    def objective(trial: optuna.Trial) -> tuple[float, float]:
        accuracy, size = rugged(trial)
        return (float("inf") if trial.params["x0"] == 0 else -accuracy), size

    study = play(objective, 25, ("minimize", "minimize"), decide=walk)
    assert sum(trial.params["x0"] == 0 for trial in study.trials[15:]) <= 3


@pytest.mark.parametrize(
    ("distribution", "count", "ends"),
    [
        (optuna.distributions.IntDistribution(1, 7, step=2), 4, (1, 7)),
        (optuna.distributions.IntDistribution(1, 1000, log=True), 80, (1, 1000)),
        (optuna.distributions.IntDistribution(0, 999, step=9), 101, (0, 999)),
        (optuna.distributions.FloatDistribution(0.0, 1.0), 101, (0.0, 1.0)),
        (optuna.distributions.FloatDistribution(1e-4, 1.0, log=True), 101, (1e-4, 1.0)),
        (optuna.distributions.FloatDistribution(0.0, 1.0, step=0.25), 5, (0.0, 1.0)),
        (optuna.distributions.CategoricalDistribution(("a", "b")), 2, ("a", "b")),
    ],
)
def test_the_grid_of_a_parameter(distribution: Any, count: int, ends: tuple[Any, Any]) -> None:
    values = domain(distribution)
    assert len(values) <= count
    assert len(values) >= count - 8
    assert (values[0], values[-1]) == pytest.approx(ends) if not isinstance(ends[0], str) else ends
    assert all(distribution._contains(distribution.to_internal_repr(value)) for value in values)


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ({"objectives": ("accuracy", "size", "depth")}, "the study has 2 directions"),
        ({"objectives": ("accuracy", "size"), "maximum": {"sise": 3.0}}, "a limit on 'sise'.* Did you mean 'size'"),
    ],
)
def test_a_task_that_is_not_the_studys_is_refused(task: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        play(rugged, 3, decide=walk, cheap=total, **task)


def test_a_number_of_many_values_is_searched_finely_and_within_its_limits() -> None:
    def objective(trial: optuna.Trial) -> tuple[float, float]:
        width = trial.suggest_int("width", 1, 100)
        return width**0.5, 2.0 * width

    def cost(decisions: Any) -> dict[str, float]:
        return {"cost": 2.0 * decisions["width"]}

    study = play(objective, 22, cheap=cost, objectives=("accuracy", "cost"), maximum={"cost": 50.0})
    assert all(trial.params["width"] <= 25 for trial in study.trials[1:]), (
        "the first is drawn before the space is known"
    )


def proposed(cheap: Callable[[Any], dict[str, float]], trials: int, seed: int = 0) -> list[dict[str, Any]]:
    """The parameters that a study of a loss and a known cost proposes; what has no finite cost fails."""
    names, values = [f"x{i}" for i in range(6)], tuple("abcdef")

    def decide(choose: Callable[[str, Any], Any]) -> None:
        for name in names:
            choose(name, values)

    task = nas.Problem(decide, ("loss", "cost"), cheap=cheap)
    study = optuna.create_study(directions=["minimize"] * 2, sampler=nas.ParetoSampler(seed, task))
    found = []
    for _ in range(trials):
        trial = study.ask()
        found.append({name: trial.suggest_categorical(name, values) for name in names})
        if np.isfinite(cost := cheap(found[-1])["cost"]):
            study.tell(trial, [loss(found[-1]), cost])
        else:
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
    return found


def loss(params: dict[str, Any]) -> float:
    return float(sum(("abcdef".index(value) - 3.3) ** 2 for value in params.values()))


@pytest.mark.parametrize("seed", [0, 1])
def test_a_cost_that_all_have_alike_leaves_the_search_its_sight(seed: int) -> None:
    losses = [loss(params) for params in proposed(lambda params: {"cost": 3.0}, 60, seed)]
    assert min(losses) < 1.0, "random proposals come to 4 or more"


@pytest.mark.parametrize("cost", [np.inf, -np.inf])
def test_a_known_cost_that_is_infinite_for_some_ends_nothing(cost: float) -> None:
    found = proposed(lambda params: {"cost": cost if params["x0"] == "d" else 1.0 + ord(params["x1"])}, 30)
    assert sum(params["x0"] == "d" for params in found) < 6


@pytest.mark.parametrize("seed", range(3))
def test_where_costs_tie_the_first_proposals_are_spread_all_the_same(seed: int) -> None:
    assert len({params["x0"] for params in proposed(lambda params: {"cost": 3.0}, 10, seed)}) > 3
