"""Spend training where it decides: one rule for promotion, confirmation and stopping.

Every network is trained on the first rung. Of further trainings, towards the last rung or from another seed on it, the
one is done that should enlarge the last rung's front most for its work: by the expected improvement of its hypervolume
(Emmerich, Giannakoglou and Naujoks, IEEE TEVC 10, 2006) under the noise that was seen. A network for which none is
worth its work stays where it is. Once the budget is spent, the front is trained from other seeds.
"""

from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Sequence, Sized
from dataclasses import replace
from itertools import count
from typing import Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from nas import pareto
from nas.engine.improvement import boxes, expected_improvement, nondominated
from nas.engine.objective_scale import even, worst
from nas.engine.watcher import Watcher
from nas.evaluation.job import Job, Outcome, Purpose, derive_seed
from nas.record import paused
from nas.record.analysis.growth import as_losses
from nas.record.results import Result, highest
from nas.record.run import Run
from nas.record.trial import Further, Trial

Values = NDArray[np.float64]
FIRST = 10  # results before any training goes on
RIVALS = 10  # one trial in so many is trained from other seeds, those of the front included
MARGIN = 0.1  # of each objective's range: how far beyond the worst value hypervolume counts
STALE = 0.1  # of the trainings that run: so many more may end before all results are looked at again
Found = TypeVar("Found")


class Step(NamedTuple):
    """A further training of a trial: with `repeat` 0 on to a `rung`, from 1 on the last rung from another seed."""

    trial: int
    rung: int
    repeat: int


class Look(Generic[Found]):
    """What was found in all results, which takes as long as there are trials.

    It holds until more trainings ended than a share of those that run, of whose results each choice is unaware anyway.
    With one worker that is none.
    """

    def __init__(self, find: Callable[[Run], Found]) -> None:
        self.find, self.ended = find, -1

    def at(self, run: Run, running: int) -> Found:
        """Return what was found, at the last look or at one now, beside so many trainings that run."""
        ended = len(run.trials) + len(run.further)
        if self.ended < 0 or ended - self.ended > STALE * running:
            self.found, self.ended = self.find(run), ended
        return self.found


class Ladder:
    """Asks for further trainings and records them, beside others that run.

    Those of the share come between the search's own from the `FIRST` results on, and what is left of it at the end.
    `clock` tells the seconds that the search took so far.
    """

    def __init__(self, run: Run, watcher: Watcher, clock: Callable[[], float], beside: Sized = ()) -> None:
        self.run, self.watcher, self.clock, self.beside = run, watcher, clock, beside
        self.running: set[Step] = set()
        self.begun = {Step(one.trial, one.rung, one.repeat) for one in run.further}
        self.ranked, self.missing = Look(ranked), Look(missing)
        self.trials: dict[int, Trial] = {}  # those counted, by number
        self.counted, self.new, self.spent = (0, 0), 0.0, 0.0

    def climb(self) -> Job | None:
        """Return the training that pays most, if further ones have had less than their share of the work."""
        self._make_room()
        return self._climb(1 if self.run.config.promotion == 1 else FIRST)

    def _make_room(self) -> None:
        """Delete trainings that wait beyond the room for them, those first that are worth least."""
        if len(self.run.config.lengths) > 1 and paused.size(self.run.folder) > paused.ROOM:
            self.ranked = Look(ranked)  # what ended since the last look is worth something, too
            paused.trim(self.run.folder, [step.trial for step, _ in self._look(self.ranked)])

    def _look(self, look: Look[Found]) -> Found:
        return look.at(self.run, len(self.running) + len(self.beside))

    def _climb(self, fewest: int = 1) -> Job | None:
        """Begin the step with the largest gain for its work, from so many results on, if there is any."""
        self._count()
        if not self.run.trained_objectives or not self._has_share():
            return None
        if len(found := self._look(self.ranked)) < fewest:
            return None
        paying = (step for step, rate in found if rate > 0 and step.repeat <= self.run.config.confirm)
        return next((self._begin(step) for step in paying if step not in self.begun), None)

    def _has_share(self) -> bool:
        """Tell whether further trainings had less than their share of the work, which without rungs is none."""
        share = self.run.config.promotion
        if len(self.run.config.lengths) == 1 and share < 1:
            return False
        return (self.spent + self._work(self.running)) * (1 - share) < self.new * share

    def _count(self) -> None:
        """Count on what is done since the last time."""
        run = self.run
        trials, further = run.trials[self.counted[0] :], run.further[self.counted[1] :]
        self.trials |= {trial.number: trial for trial in trials}
        self.new += sum(_macs(trial) * run.config.lengths[0] for trial in trials if trial.state != "rejected")
        self.spent += self._work(Step(one.trial, one.rung, one.repeat) for one in further)
        self.counted = len(run.trials), len(run.further)

    def _work(self, steps: Iterable[Step]) -> float:
        return sum(_macs(self.trials[step.trial]) * length(self.run, step) for step in steps)

    def ask(self) -> Job | None:
        """Return the next training once nothing new is tried, or None when there is none for now or ever.

        What is left of the share comes first, then the front from other seeds.
        """
        if (job := self._climb()) or (self.running and any(not step.repeat for step in self.running)):
            return job
        return next((self._begin(step) for step in self._look(self.missing) if step not in self.begun), None)

    def _begin(self, step: Step) -> Job:
        run, (trial, rung, repeat) = self.run, step
        self.running.add(step)
        self.begun.add(step)
        seed = derive_seed(run.config.seed, trial, *([repeat] if repeat else []))
        purpose: Purpose = "confirm" if repeat else "promote"
        since = None if repeat else paused.load(run.folder, trial, rung - 1)
        keep = not repeat and rung + 1 < len(run.config.lengths)
        patience = run.config.lengths[rung] / run.config.lengths[0]  # also for one that must begin anew
        return Job(
            trial, self.trials[trial].architecture, seed, purpose=purpose, repeat=repeat, rung=rung, since=since,
            keep=keep, patience=patience,
        )  # fmt: skip

    def tell(self, job: Job, outcome: Outcome) -> None:
        """Record a further training, and keep what it may go on from."""
        folder, number, rung = self.run.folder, job.number, job.rung
        self.running.remove(Step(number, rung, job.repeat))
        further = Further(number, job.repeat, outcome, round(self.clock(), 3), rung)
        self.run.append_further(further)  # before the larger file, for which a disk may be too full
        complete = outcome.state == "complete"
        if outcome.pause and complete:
            paused.keep(folder, number, rung, outcome.pause)
        paused.drop(folder, number, below=rung if complete else len(self.run.config.lengths))
        self.watcher.trained_further(further, self.run)


def _macs(trial: Trial) -> float:
    return trial.metrics.get("macs", 0.0)


def ranked(run: Run) -> list[tuple[Step, float]]:
    """Return the next training of each result with its gain for its work, the largest first."""
    found, done = run.results, defaultdict[int, set[int]](set)
    if not found:
        return []
    for one in run.further:
        done[one.trial].add(one.repeat)
    steps = [following(run, result, done.get(result.number, ())) for result in found]
    work = [result.metrics["macs"] * ahead(run, step) for result, step in zip(found, steps, strict=True)]
    every = run.config.promotion == 1
    rates = np.ones(len(found)) if every else gains(run) / np.maximum(work, 1.0)
    return [(steps[i], float(rates[i])) for i in np.argsort(-rates, kind="stable")]


def following(run: Run, result: Result, done: Container[int]) -> Step:
    """Return the next training of a result, of whose repeats these are done."""
    last = len(run.config.lengths) - 1
    if result.rung < last:
        return Step(result.number, result.rung + 1, 0)
    return Step(result.number, last, next(repeat for repeat in count(1) if repeat not in done))


def length(run: Run, step: Step) -> float:
    """Return how long a training takes, in trainings of the recipe. One that goes on repeats the fall of its last."""
    rungs = run.config.lengths
    before = 0 if step.repeat or not step.rung else rungs[step.rung - 1]
    return rungs[step.rung] - (1 - run.config.recipe.fall) * before


def ahead(run: Run, step: Step) -> float:
    """Return the length of a training and of those that follow it up to the last rung."""
    return length(run, step) + sum(
        length(run, step._replace(rung=r)) for r in range(step.rung + 1, len(run.config.lengths))
    )


def gains(run: Run) -> Values:
    """Return by how much each result's further trainings should enlarge the hypervolume of the highest rung's front.

    Costs are on a logarithmic scale. A result on the front gains by the chance of a rise, less that of a fall.
    """
    found, names = run.results, run.config.objectives
    losses = as_losses(run, found)
    doubts = np.array([[result.doubts.get(name, 0.0) for name in names] for result in found])
    logged, positive = [even(column) is not None for column in losses.T], np.maximum(losses, 1e-300)
    losses, doubts = np.where(logged, np.log(positive), losses), np.where(logged, doubts / positive, doubts)
    reference = np.array([worst(column) for column in losses.T])
    span = reference - losses.min(axis=0)
    reference += np.where(span > 0, MARGIN * span, 1.0)  # where all are alike the others decide
    rungs = np.array([result.rung for result in found])
    on_top = np.flatnonzero(rungs == len(run.config.lengths) - 1)
    gain = expected_improvement(boxes(nondominated(losses[on_top]), reference), losses, doubts)
    for i in on_top[pareto.front(losses[on_top], [False] * len(names))]:
        others = boxes(nondominated(losses[on_top[on_top != i]]), reference)
        now = expected_improvement(others, losses[[i]], np.zeros((1, len(names))))
        gain[i] = float((expected_improvement(others, losses[[i]], doubts[[i]]) - now)[0])
    return gain


def missing(run: Run) -> list[Step]:
    """List the trainings from other seeds that are still to be done."""
    done = {(one.trial, one.repeat) for one in run.further}
    repeats = range(1, run.config.confirm + 1) if run.trained_objectives else ()
    last = len(run.config.lengths) - 1
    return [
        Step(result.number, last, repeat)
        for result in contenders(run)
        for repeat in repeats
        if result.rung == last and (result.number, repeat) not in done
    ]


def contenders(run: Run) -> Sequence[Result]:
    """Return the front, that of the networks' own trainings, and rivals behind both up to a tenth of all trials in all.

    The first alone would lose a network that nobody trained again to one whose second training was lucky. All are of
    one rung, and rivals are those that only the others dominate.
    """
    front = run.front()
    top = highest(run.results)
    level = [result for result in run.results if result.rung == top]
    own = run.points([replace(r, metrics={**r.metrics, **r.first}) if r.repeats else r for r in level])
    chosen = {result.number: result for result in [*front, *(level[i] for i in pareto.front(own, run.maximize))]}
    rest = [result for result in level if result.number not in chosen]
    rivals = [rest[i] for i in pareto.front(run.points(rest), run.maximize)]
    return [*chosen.values(), *rivals[: max(len(run.spent) // RIVALS - len(chosen), 0)]]
