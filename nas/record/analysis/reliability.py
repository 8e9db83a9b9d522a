"""How well short trainings rank networks: rung by rung, against trainings in full from another seed.

Kendall's tau is read as pairs: of two networks, the share put in the right order less that put in the wrong one. The
best quarter is told apart, for there a search decides, and there trainings differ by little more than by chance.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri  # scipy.stats takes most of a second to import

from nas import files
from nas.config import SearchConfig, make_config
from nas.errors import SettingError
from nas.evaluation.units import epochs, words
from nas.files import Json
from nas.record.folders import is_run
from nas.record.opening import Named, open_run
from nas.record.run import Run
from nas.settings import Flag
from nas.space.grammar import to_dict
from nas.space.space import SearchSpace
from nas.training.chance import LEVEL
from nas.training.recipe import Recipe

FILE = "reliability.json"
FEWEST = 8  # networks trained in full, below which nothing can be said
ENOUGH = 0.5  # tau: three pairs of four in order
APART = 2.5  # least factor between the lengths of two rungs
DRAWS = 1000
FACTORS = (1 / 3, 1.0, 3.0)  # of the learning rate, at which one network of each kind of block is trained
RATES = "rates"  # the folder of those runs, in that of the calibration
DOUBT = 0.05  # the chance that any kind is called starved where none is
FEWEST_BEST = 6  # networks of the best quarter, below which nothing can be said of them
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Agreement:
    """Kendall's tau with its 95 % interval by bootstrap over networks, and Spearman's rho."""

    tau: float
    low: float
    high: float
    rho: float


@dataclass(frozen=True)
class Ranking:
    """How one quantity ranks the networks: over `every` one, and among the `best` quarter.

    `share` is its cost as a part of a training in full.
    """

    name: str
    share: float
    every: Agreement
    best: Agreement


@dataclass(frozen=True)
class Reliability:
    """The rungs of a calibration, quantities that cost no training, and the ladder that follows.

    `options` are those that mean the same space, data and recipe. `networks` were trained in full, `best` of them
    are the best quarter. The last of `rungs` is the full training against another one, so that no ranking can be
    expected to agree better. `trusted` tells whether a rung below the last ranks both all networks and the best quarter
    well enough. `rates` has by kind of block what a network of it alone reached on the first rung, by the factor of the
    learning rate; `starved` kinds do better at another one.
    """

    options: str
    objective: str
    networks: int
    best: int
    lengths: tuple[int, ...]
    rungs: tuple[Ranking, ...]
    others: tuple[Ranking, ...]
    ladder: tuple[int, ...]
    trusted: bool
    rates: dict[str, dict[str, float]]
    starved: tuple[str, ...]

    @property
    def tells_best(self) -> bool:
        """Whether the best quarter are enough networks to say anything of them."""
        return self.best >= FEWEST_BEST

    def keep(self, run: Run) -> None:
        """Keep it in the run's folder. Raises RunError when it cannot be written."""
        run.write_facts(FILE, asdict(self))

    def apply(self, run: Run) -> None:
        """Keep the ladder for later searches of the same space, data and recipe, in the cache folder."""
        value = {"run": run.name, "ladder": list(self.ladder), "networks": self.networks, "trusted": self.trusted}
        files.keep("calibration", _key(run.config, run.space, run.seal["data"]), value)

    def sentences(self) -> list[str]:
        """Say what was found, in words."""
        *short, top = self.rungs
        of_best = f", and the best {self.best} with {_words(top.best)}" if self.tells_best else ""
        said = [f"{self.networks} networks were trained in full, twice: one such training ranks them by the other with "
                f"tau {_words(top.every)}{of_best}; no shorter one can be expected to do better."]  # fmt: skip
        for rung in short:
            of_best = f", {_words(rung.best)} among the best" if self.tells_best else ""
            said.append(f"At {rung.share:.0%} of the cost ({rung.name}) tau is {_words(rung.every)}{of_best}.")
        ladder = ",".join(map(str, self.ladder))
        if not self.tells_best:
            said.append(f"The best quarter, {self.best} networks, are too few to say how well they are ranked: --rungs "
                        f"{ladder} goes on to the whole length; -n {4 * FEWEST_BEST} would tell.")  # fmt: skip
        elif self.trusted:
            said.append(f"The cheapest ladder that puts three pairs of four in order is --rungs {ladder}.")
        else:
            said.append(
                f"No rung below the last surely puts three pairs of four in order among the best {self.best}: --rungs "
                f"{ladder} goes on to the whole length."
            )
        if self.starved:
            said.append(f"Another learning rate than the recipe's suits {', '.join(self.starved)} better: the proxy "
                        "may starve what is made of it.")  # fmt: skip
        elif self.rates:
            said.append("The learning rate starves no kind of block.")
        return said


def reliability(run: Named) -> Reliability:
    """Compare the rungs of a run, or of that of this name or path, by the networks that came to the last one.

    Raises SettingError for a run with one rung, or where too few came to the last.
    """
    run = open_run(run)
    if not run.trained_objectives:
        raise SettingError(f"{run.folder}: none of its objectives is trained, so there is nothing to rank")
    name, lengths = run.trained_objectives[0], run.config.lengths
    values, truth, costs = _values(run, name)
    if len(lengths) == 1 or len(truth) < FEWEST:
        raise SettingError(f"{run.folder}: {len(truth)} networks were trained on {len(lengths)} rungs to the last; "
                           f"at least {FEWEST} on two rungs are needed: nas calibrate")  # fmt: skip
    sign = 1.0 if run.maximize[run.config.objectives.index(name)] else -1.0
    best = np.argsort(-sign * truth, kind="stable")[: max(len(truth) // 4, 2)]

    def ranking(title: str, share: float, column: Values) -> Ranking:
        return Ranking(title, share, agreement(column, truth), agreement(column[best], truth[best]))

    rungs = tuple(
        ranking(epochs(run.config.epochs[i]), length / lengths[-1], values[:, i]) for i, length in enumerate(lengths)
    )
    others = tuple(ranking(title, 0.0, sign * column) for title, column in costs.items())
    ladder, trusted = _ladder(lengths, rungs, len(best))
    rates, starved = _rates(run, name, sign)
    return Reliability(
        _options(run.config), name, len(truth), len(best), lengths, rungs, others, ladder, trusted, rates, starved
    )


def recalled(config: SearchConfig, space: SearchSpace, data: Json) -> Json:
    """Return what `Reliability.apply` kept of this space, these data and this recipe, nothing without it."""
    return files.recall("calibration", _key(config, space, data)) or {}


def _key(config: SearchConfig, space: SearchSpace, data: Json) -> Json:
    of_space = {name: value for name, value in to_dict(space).items() if name != "name"}
    of_data = {name: data.get(name) for name in ("labels", "pixels", "files")}
    return {"space": of_space, "data": of_data, "task": config.task, "recipe": config.recipe.model_dump(mode="json")}


def _values(run: Run, name: str) -> tuple[Values, Values, dict[str, Values]]:
    """Return values by rung, those in full from other seeds, and what is known without training."""
    own = {(one.trial, one.rung): one.outcome.metrics for one in run.further if not one.repeat and one.outcome.metrics}
    count = len(run.config.lengths)
    chosen = [result for result in run.results if result.rung == count - 1 and result.repeats]
    rows = [[r.trial.metrics[name], *(own[r.number, i][name] for i in range(1, count))] for r in chosen]
    costs = {words(title): np.array([r.metrics[title] for r in chosen]) for title in ("macs", "params")}
    for title in run.config.scores:
        scored = [r.trial.outcome.scores.get(title) for r in chosen]
        costs[title] = np.array([-np.inf if value is None else value for value in scored])
    return np.array(rows).reshape(len(chosen), count), np.array([r.metrics[name] for r in chosen]), costs


def _options(config: SearchConfig) -> str:
    """Write the options of the space, the data and the recipe, those that are not the task's own."""
    flags = {"space": config.space, "data": config.data, "task": config.task, "resolution": config.resolution}
    offered = [name for name, field in Recipe.model_fields.items() if any(isinstance(n, Flag) for n in field.metadata)]
    flags |= {name: getattr(config.recipe, name) for name in offered}
    usual = make_config({"task": config.task})
    default = usual.model_dump() | usual.recipe.model_dump() | {"task": SearchConfig().task}
    chosen = {name: value for name, value in flags.items() if name in ("space", "data") or value != default[name]}
    return " ".join(f"--{name.replace('_', '-')} {files.quoted(str(value))}" for name, value in chosen.items())


def rate_folder(run: Run, factor: float) -> Path:
    """Return the folder of the run that tries a factor of the learning rate."""
    return run.folder / RATES / f"rate_{factor:.2g}"


def _rates(run: Run, name: str, sign: float) -> tuple[dict[str, dict[str, float]], tuple[str, ...]]:
    """Read what each kind alone reached at each factor, the mean of two trainings, and which kinds are starved.

    These do better at another factor by more than chance allows, with Bonferroni's correction for all that were tried.
    """
    found: dict[str, dict[str, float]] = {}
    apart = []  # twice the variances of single trainings
    for factor in FACTORS:
        folder = rate_folder(run, factor)
        for result in Run(folder).results if is_run(folder) else ():
            (kind, *others) = {stage.block for stage in result.architecture.stages}
            if not others and result.repeats:
                found.setdefault(kind, {})[f"{factor:.2g}"] = (result.first[name] + result.metrics[name]) / 2
                apart.append((result.first[name] - result.metrics[name]) ** 2)
    rates = {kind: reached for kind, reached in found.items() if len(reached) == len(FACTORS)}
    tries = len(rates) * (len(FACTORS) - 1)
    least = ndtri(1 - DOUBT / max(tries, 1)) * (np.mean(apart) / 2) ** 0.5 if tries else 0.0  # of two means of two
    gains = {kind: max(sign * (value - reached["1"]) for value in reached.values()) for kind, reached in rates.items()}
    return rates, tuple(kind for kind, gain in gains.items() if gain > least)


def agreement(cheap: Values, truth: Values, resamples: int = DRAWS) -> Agreement:
    """Compare two rankings of the same networks."""
    from scipy.stats import kendalltau, spearmanr

    rng = np.random.default_rng(0)
    draws = rng.integers(0, len(truth), (resamples, len(truth)))
    taus = [kendalltau(cheap[rows], truth[rows]).statistic for rows in draws]
    low, high = -1.0, 1.0
    if not np.isnan(taus).all():  # a draw in which all are equal tells nothing, and to leave it out would flatter
        low, high = np.quantile(np.nan_to_num(taus), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    varies = all(len(np.unique(values)) > 1 for values in (cheap, truth))
    tau, rho = kendalltau(cheap, truth).statistic, spearmanr(cheap, truth).statistic if varies else 0.0
    return Agreement(*(float(np.nan_to_num(value)) for value in (tau, low, high, rho)))


def _ladder(lengths: Sequence[int], rungs: Sequence[Ranking], best: int) -> tuple[tuple[int, ...], bool]:
    """The cheapest first rung that sifts all networks, the cheapest last one that ranks the best, and some between."""
    last = len(lengths) - 1
    first = next((i for i, rung in enumerate(rungs) if rung.every.tau >= ENOUGH), last)
    sure = [rung.best.tau >= ENOUGH and rung.best.low > 0 and best >= FEWEST_BEST for rung in rungs]
    top = next((i for i, enough in enumerate(sure) if i >= first and enough), last)
    found = [lengths[first]]
    for length in lengths[first + 1 : top]:
        if found[-1] * APART <= length <= lengths[top] / APART:
            found.append(length)
    return (*found, *([lengths[top]] if top > first else [])), top < last


def _words(found: Agreement) -> str:
    return f"{found.tau:z.2f} ({found.low:z.2f} to {found.high:z.2f})"
