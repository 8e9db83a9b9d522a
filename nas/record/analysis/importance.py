"""How much each decision of a search mattered for each objective: Optuna's PED-ANOVA, and what chance makes of it.

PED-ANOVA (Watanabe, Bansal and Hutter, IJCAI 2023, https://arxiv.org/abs/2304.10255) compares how often each value of a
decision was chosen by the best trials and by all of them. A decision that exists under others alone (the expansion of
moat in a stage of moat) counts among the trials that have it, and in proportion to them, as its extension to such
spaces does (https://arxiv.org/abs/2601.20800, KDD 2026), which Optuna follows; whether it exists at all is credited to
the decision above it.

Optuna looks for low values, so a maximised objective is told negated. Every decision is told as categorical, as in the
search itself: Optuna smooths numbers less than names, and a mix would rank numbers higher.

Where few trials decide, an importance is noise. So each has a standard error, from the spread over random halves of the
trials (the jackknife that leaves out half: Shao and Wu, Annals of Statistics 17, 1989), and a test of whether the best
chose otherwise than as many trials drawn at random would have. Optuna is imported when importances are asked for.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nas.network.options import Scalar
from nas.record.chosen import chosen, decided
from nas.record.optuna_study import quiet_optuna
from nas.record.run import Run
from nas.space.space import Decisions
from nas.training.chance import LEVEL

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
FEWEST = 10
"""Trials below which importances are not computed."""
MOST = 800
"""Trials above which so many, drawn at random, stand for all."""
BEST, LEAST_BEST = 0.1, 5  # the best tenth, but at least so many, as Optuna advises
SHOWN = 12
"""Decisions that are told of each objective."""
HALVES = 20
DRAWS = 20_000  # of as many trials as are best, to tell what chance brings


@dataclass(frozen=True)
class Importance:
    """How much a decision mattered for an objective.

    `share` is its part of the importance of all decisions, `error` the standard error. `value` is what the best trials
    chose more often than all trials did: `best` and `all` count those. It is `beyond` chance if so many decisions, none
    of which mattered, would show one like it in less than one search of twenty (Pearson's statistic, Bonferroni).
    """

    decision: str
    share: float
    error: float
    beyond: bool
    value: Scalar
    best: int
    all: int


@dataclass(frozen=True)
class Importances:
    """The importances for one objective, largest first, from so many `trials`, of which the best are so many.

    So many decisions were `compared`.
    """

    objective: str
    trials: int
    best: int
    compared: int
    decisions: tuple[Importance, ...]


def importances(run: Run) -> list[Importances]:
    """Rank the decisions of a run's results for each objective, or none from fewer than `FEWEST`.

    An objective of which all values are equal, or nearly all, has no importances.
    """
    results = run.results
    if len(results) < FEWEST:
        return []
    drawn = np.random.default_rng(0).permutation(len(results))[:MOST]
    kept = [results[i] for i in sorted(drawn)]
    signs = np.where(run.maximize, -1.0, 1.0)
    names = decided(result.trial for result in kept)
    return ranked([chosen(result.trial, names) for result in kept],
                  dict(zip(run.config.objectives, (run.points(kept) * signs).T, strict=True)))  # fmt: skip


def ranked(decisions: Sequence[Decisions], losses: Mapping[str, Floats], most: int = SHOWN) -> list[Importances]:
    """Rank decisions for each objective from its `losses`, a value a trial of which less is better.

    The same `most` decisions are returned for each: those with the largest share for any.
    """
    ask = _Asked(decisions)
    raw = {objective: found for objective, loss in losses.items() if any((found := ask(loss)).values())}
    largest = {name: max((own[name] / sum(own.values()) for own in raw.values()), default=0.0) for name in ask.values}
    names = sorted(largest, key=lambda name: -largest[name])[:most]
    return [_importances(ask, objective, losses[objective], names, own) for objective, own in raw.items()]


class _Asked:
    """Asks Optuna for the importances of the decisions that had several values, given a loss for each trial."""

    def __init__(self, decisions: Sequence[Decisions]) -> None:
        self.decisions = decisions
        seen: dict[str, dict[Scalar, None]] = {}
        for one in decisions:
            for name, value in one.items():
                seen.setdefault(name, {})[value] = None
        self.values = {name: tuple(values) for name, values in seen.items() if len(values) > 1}
        self.study = _study(decisions, self.values)
        self.quantile = min(max(BEST, LEAST_BEST / len(decisions)), 0.5)

    def __call__(self, loss: Floats, names: Sequence[str] | None = None) -> dict[str, float]:
        """Return the importances of all decisions or of some, in no unit; trials without a loss (nan) are left out."""
        from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

        def target(trial: "FrozenTrial") -> float:
            return float(loss[trial.number])

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that less is better, that few have a value, that this may change
            return get_param_importances(
                self.study,
                evaluator=PedAnovaImportanceEvaluator(target_quantile=self.quantile),
                params=list(self.values if names is None else names),
                target=target,
                normalize=False,
            )


def _study(decisions: Sequence[Decisions], values: Mapping[str, tuple[Scalar, ...]]) -> "optuna.Study":
    """Make a study of trials with these decisions, told without their space, as that would need torch."""
    import optuna
    from optuna.distributions import CategoricalDistribution

    domains = {name: CategoricalDistribution(offered) for name, offered in values.items()}
    with quiet_optuna():
        study = optuna.create_study()
    for one in decisions:
        params = {name: value for name, value in one.items() if name in domains}
        study.add_trial(
            optuna.trial.create_trial(value=0.0, params=params, distributions={name: domains[name] for name in params})
        )
    for trial in study.get_trials(deepcopy=False):  # Optuna copied the domains, and would compare copies value by value
        trial.distributions = {name: domains[name] for name in trial.params}
    return study


def _importances(
    ask: _Asked, objective: str, loss: Floats, names: Sequence[str], raw: Mapping[str, float]
) -> Importances:
    """Turn raw importances into shares, with their standard errors and with what the best trials chose."""
    total, count, rng = sum(raw.values()), len(loss), np.random.default_rng(0)
    halves = [ask(np.where(rng.permutation(count) < count / 2, loss, np.nan), names) for _ in range(HALVES)]
    cutoff = np.sort(loss)[int(np.ceil(ask.quantile * count)) - 1]  # as Optuna's, ties included
    best = loss <= cutoff
    rows = []
    for name in sorted(names, key=lambda name: -raw[name]):
        chosen = np.array([[one.get(name) == value for one in ask.decisions] for value in ask.values[name]])
        top, every = (chosen & best).sum(axis=1), chosen.sum(axis=1)
        i = int(np.argmax(top / max(top.sum(), 1) - every / every.sum()))
        rows.append(
            Importance(
                decision=name,
                share=raw[name] / total,
                error=float(np.std([half[name] for half in halves], ddof=1)) / total,
                beyond=_chance(top, every) * len(ask.values) < 1 - LEVEL,
                value=ask.values[name][i],
                best=int(top[i]),
                all=int(every[i]),
            )
        )
    return Importances(objective, count, int(best.sum()), len(ask.values), tuple(rows))


def _chance(top: Counts, every: Counts) -> float:
    """The chance that trials drawn at random choose values as unevenly as the `top` ones, of `every` one that chose."""
    expected = every * top.sum() / every.sum()
    if not expected.all():
        return 1.0
    drawn = np.random.default_rng(0).multivariate_hypergeometric(every, int(top.sum()), size=DRAWS)
    uneven = ((drawn - expected) ** 2 / expected).sum(axis=1)
    return float(1 + (uneven >= ((top - expected) ** 2 / expected).sum() - 1e-9).sum()) / (1 + DRAWS)
