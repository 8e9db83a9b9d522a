"""How well short trainings rank networks: rung by rung, against trainings in full from another seed.

Kendall's tau is read as pairs: of two networks, the share put in the right order less that put in the wrong one. The
best quarter is told apart, for there a search decides, and there trainings differ by little more than by chance.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import numpy as np

from nas.errors import SettingError
from nas.evaluation.catalogue import objective
from nas.evaluation.plugins import plugin_flags
from nas.evaluation.units import capital, epochs, words
from nas.record.analysis import kept_ladders
from nas.record.analysis.agreement import Agreement, Values, agreement
from nas.record.analysis.rates import kinds_alone, rates
from nas.record.command import calibrating, exhausted, meaning
from nas.record.opening import Named, open_run
from nas.record.run import Run

FILE = "reliability.json"
FEWEST = 8  # networks trained in full, below which nothing can be said
ENOUGH = 0.5  # tau: three pairs of four in order
APART = 2.5  # least factor between the lengths of two rungs
FEWEST_BEST = 6  # networks of the best quarter, below which nothing can be said of them


@dataclass(frozen=True)
class Ranking:
    """How one quantity ranks the networks: over `every` one, and among the `best` quarter, where these are enough.

    `share` is its cost as a part of a training in full.
    """

    name: str
    share: float
    every: Agreement
    best: Agreement | None

    @property
    def cost(self) -> str:
        """The share as all tables and figures write it: `12.5 %`."""
        return f"{100 * self.share:.3g} %"


@dataclass(frozen=True)
class Reliability:
    """The rungs of a calibration, quantities that cost no training, and the ladder that follows.

    `options` are those that mean the same space, data and recipe. `networks` were trained in full, `best` of them
    are the best quarter. The last of `rungs` is the full training against another one, so that no ranking can be
    expected to agree better. `ladder` is empty where the networks are too few for any: no rung surely ranks them.
    `trusted` tells whether a rung below the last ranks both all networks and the best quarter well enough. `rates` has
    by kind of block what a network of it alone reached on the first rung, by the factor of the learning rate; `starved`
    kinds do better at another one, `untried` ones cannot make a network alone. Trainings of `failed` kinds ended in an
    error, whose reason is given; `omitted` kinds could make a network alone, yet this run has none. `exhausted` says
    why no more networks can be trained, where none can.
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
    untried: tuple[str, ...] = ()
    failed: dict[str, str] = field(default_factory=dict)
    omitted: tuple[str, ...] = ()
    exhausted: str = ""

    @property
    def tells_best(self) -> bool:
        """Whether the best quarter are enough networks to say anything of them."""
        return self.best >= FEWEST_BEST

    @property
    def more(self) -> int:
        """So many networks would tell more: the best quarter, or a narrower interval."""
        return max(4 * FEWEST_BEST, 2 * self.networks)

    def going_on(self, run: Run) -> str:
        """Return the command that goes on with this calibration."""
        return calibrating(run)

    def searching(self, run: Run) -> str:
        """Return the command that searches by the ladder, which it need not name where that is applied.

        Without a ladder it searches at the whole length.
        """
        ladder = "" if self.applied(run) else f" --rungs {','.join(map(str, self.ladder or self.lengths[-1:]))}"
        return f"nas search {self.options}{plugin_flags(run.config.plugins)}{ladder}"

    def keep(self, run: Run) -> None:
        """Keep it in the run's folder. Raises RunError when it cannot be written."""
        run.write_facts(FILE, asdict(self))

    def apply(self, run: Run) -> None:
        """Keep the ladder for later searches of the same space, data and recipe, in the cache folder.

        Raises SettingError where there is none, and for a run that does not know its data, as its seal was deleted.
        """
        if not self.ladder:
            raise SettingError(f"{run.folder}: no ladder follows from {self.networks} networks; calibrate more of them")
        if not (data := run.seal.get("data")):
            raise SettingError(f"{run.folder}: does not know its data any more; calibrate anew, under another --name")
        value = {"run": run.name, "ladder": list(self.ladder), "networks": self.networks, "trusted": self.trusted}
        kept_ladders.keep(run.config, run.space, data, value)

    def applied(self, run: Run) -> bool:
        """Tell whether later searches take this ladder."""
        kept = kept_ladders.recalled(run.config, run.space, run.seal.get("data") or {}).get("ladder")
        return bool(self.ladder) and kept == list(self.ladder)

    @property
    def verdict(self) -> str:
        """The ladder that follows, or that none does, in one sentence."""
        ladder = ",".join(map(str, self.ladder))
        if not self.ladder:
            return (f"No ladder follows: with {self.networks} networks the intervals are too wide to say of any length "
                    "that it ranks them well.")  # fmt: skip
        if self.trusted:
            return f"The cheapest ladder that puts three pairs of four in order is --rungs {ladder}."
        if len(self.ladder) == 1:
            return f"Search at the whole length, --rungs {ladder}."
        return f"Search with --rungs {ladder}, which goes on to the whole length."

    def notes(self) -> list[str]:
        """Say what the verdict rests on, beside a table of the rungs."""
        return [self._of_full(), *self._why(), *self._which_rate()]

    def sentences(self) -> list[str]:
        """Say all that was found, the verdict first, with the rungs in words."""
        said = []
        for rung in self.rungs[:-1]:
            of_best = f", {rung.best} among the best" if rung.best else ""
            said.append(f"At {rung.cost} of the cost ({rung.name}) tau is {rung.every}{of_best}.")
        of_full, *rest = self.notes()
        return [self.verdict, of_full, *said, *rest]

    def _of_full(self) -> str:
        """Say how well the training in full ranks, which is the most that a shorter one can be expected to do."""
        *short, top = self.rungs
        of_best = f", and the best {self.best} with {top.best}" if top.best else ""
        chance = ", and what seems so is within chance" if any(_seems_better(rung, top) for rung in short) else ""
        if any(rung.every.low > top.every.high for rung in short):
            chance = ", yet one did, beyond chance"
        return (f"{self.networks} networks were trained in full, twice: one such training ranks them by the other with "
                f"tau {top.every}{of_best}; no shorter one can be expected to do better{chance}.")  # fmt: skip

    def _why(self) -> list[str]:
        """Say what keeps the verdict from being a shorter ladder, and what would tell more."""
        said = []
        if self.exhausted:
            said.append(f"{capital(self.exhausted)}, so no more can tell.")
        elif not self.ladder:
            said.append(f"More networks give narrower intervals: -n {self.more}.")
        if not self.tells_best:
            few = f"The best quarter, {self.best} networks, are too few to say how well they are ranked"
            tell = self.ladder and not self.exhausted
            said.append(f"{few}: -n {self.more} would tell." if tell else f"{few}.")
        elif self.ladder and not self.trusted:
            said.append(f"No rung below the last surely puts three pairs of four in order among the best {self.best}.")
        return said

    def _which_rate(self) -> list[str]:
        """Say which kinds of block the learning rate starves, and of which that is not known."""
        said = []
        if self.starved:
            said.append(f"Another learning rate than the recipe's suits {', '.join(self.starved)} better: the proxy "
                        "may starve what is made of it.")  # fmt: skip
        elif self.rates:
            judged = f"{'does not starve' if len(self.rates) == 1 else 'starves none of'} {', '.join(self.rates)}"
            some = self.untried or self.failed or self.omitted
            said.append(f"The learning rate {judged if some else 'starves no kind of block'}.")
        if self.failed:
            listed = "; ".join(f"{kind} ({reason.rstrip('.')})" for kind, reason in self.failed.items())
            said.append(f"Not judged at other learning rates, as a training of it alone failed: {listed}.")
        if self.omitted:
            said.append(f"Not tried alone at other learning rates in this run: {', '.join(self.omitted)}; nas "
                        "calibrate with another --name tries all.")  # fmt: skip
        if self.untried and (self.rates or self.failed or self.omitted):
            said.append(f"Not tried alone at other learning rates, as not every stage that must stay offers it: "
                        f"{', '.join(self.untried)}.")  # fmt: skip
        elif self.untried:
            said.append("No kind of block was tried alone at other learning rates, as none is offered by every stage "
                        f"that must stay: {', '.join(self.untried)}.")  # fmt: skip
        return said


def reliability(run: Named) -> Reliability:
    """Compare the rungs of a run, or of that of this name or path, by the networks that came to the last one.

    Raises SettingError for a run with one rung, or where too few came to the last.
    """
    run = open_run(run)
    if not run.judged:
        raise SettingError(f"{run.folder}: none of its objectives is trained, so there is nothing to rank")
    name, lengths = run.judged, run.config.lengths
    values, truth, costs = _values(run, name)
    if len(lengths) == 1 or len(truth) < FEWEST:
        raise SettingError(f"{run.folder}: {len(truth)} networks were trained on {len(lengths)} rungs to the last; "
                           f"at least {FEWEST} on two rungs are needed: nas calibrate")  # fmt: skip
    sign = objective(name).sign
    best = np.argsort(-sign * truth, kind="stable")[: max(len(truth) // 4, 2)]

    def ranking(title: str, share: float, column: Values) -> Ranking:
        of_best = agreement(column[best], truth[best]) if len(best) >= FEWEST_BEST else None
        return Ranking(title, share, agreement(column, truth), of_best)

    rungs = tuple(
        ranking(epochs(run.config.epochs[i]), length / lengths[-1], values[:, i]) for i, length in enumerate(lengths)
    )
    others = tuple(ranking(title, 0.0, sign * column) for title, column in costs.items())
    ladder, trusted = _ladder(lengths, rungs)
    tried = rates(run)
    alone, offered = kinds_alone(run.space), dict.fromkeys(kind for stage in run.space.stages for kind in stage.kinds)
    untried = tuple(kind for kind in offered if kind not in alone)
    known = (meaning(run), name, len(truth), len(best), lengths, rungs, others)
    return Reliability(
        *known, ladder, trusted, tried.reached, tried.starved, untried, failed=tried.failed, omitted=tried.omitted,
        exhausted=exhausted(run),
    )  # fmt: skip


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


def _ladder(lengths: Sequence[int], rungs: Sequence[Ranking]) -> tuple[tuple[int, ...], bool]:
    """The cheapest first rung that sifts all networks, the cheapest last one that ranks the best, and some between.

    There is none where not even the last rung ranks networks surely better than chance.
    """
    last = len(lengths) - 1
    first = next((i for i, rung in enumerate(rungs) if _enough(rung.every)), last)
    if rungs[first].every.low <= 0:
        return (), False
    top = next((i for i, rung in enumerate(rungs) if i >= first and rung.best and _enough(rung.best)), last)
    found = [lengths[first]]
    for length in lengths[first + 1 : top]:
        if found[-1] * APART <= length <= lengths[top] / APART:
            found.append(length)
    return (*found, *([lengths[top]] if top > first else [])), top < last


def _enough(found: Agreement) -> bool:
    return found.tau >= ENOUGH and found.low > 0


def _seems_better(rung: Ranking, top: Ranking) -> bool:
    """Tell whether a rung ranks better than the training in full itself, in the digits that are shown."""
    pairs = ((rung.every, top.every), (rung.best, top.best))
    return any(own and full and round(own.tau, 2) > round(full.tau, 2) for own, full in pairs)
