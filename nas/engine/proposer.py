"""Propose what to train next and learn from it. No other module asks or tells the Optuna study."""

import json
import time
from contextlib import AbstractContextManager
from functools import cached_property, partial
from itertools import chain

import numpy as np
import optuna

from nas.engine.plan import Plan
from nas.engine.samplers import Problem
from nas.engine.watcher import Watcher
from nas.errors import RunError, SettingError, brief
from nas.evaluation.job import Job, Outcome, derive_seed
from nas.evaluation.limits import Limits, Side, check_alike, neighbours
from nas.evaluation.scoring import bars
from nas.files import Json
from nas.network.architecture import Architecture
from nas.network.options import Scalar
from nas.record import paused
from nas.record.analysis.failures import reasons
from nas.record.results import fallen
from nas.record.run import Run
from nas.record.trial import Passed, Trial
from nas.registry import SAMPLERS
from nas.space.matching import nearest
from nas.space.slot import Domain
from nas.space.space import Decisions, SearchSpace, completing

Proposal = tuple[optuna.Trial, Decisions, Architecture]
MAX_REPEATS = 50  # proposals in a row that are not new or break a limit, before one is drawn at random
MAX_DRAWN = 1000  # random architectures, before the search looks beside those that keep the limits
MAX_REJECTED = 2000  # proposals in a row that break a limit, before the search gives up
MAX_FAILED = 10  # trainings that fail for one reason where none succeeded


class Proposer:
    """Asks the study for architectures that are new and within the limits, and records their outcomes."""

    def __init__(self, run: Run, plan: Plan, watcher: Watcher) -> None:
        self.run, self.watcher = run, watcher
        self.space: SearchSpace = run.space
        self.size = self.space.size()
        self.study = run.study()
        self.limits = plan.limits
        self.problem = make_problem(run, self.limits)
        self.seen = {trial.key for trial in run.trials}
        self.running: dict[int, tuple[optuna.Trial, Decisions, list[Passed]]] = {}
        self.passed: list[Passed] = []  # since the last proposal that became a trial
        self.spent = len(run.spent)  # counted on from here, as a record may be long
        self.before, self.start = run.elapsed, time.monotonic()
        self.parallel = plan.placement.workers != 1
        self.rejected = 0
        self.none_found = False
        self.given = run.interrupted()  # after several workers, as these would not be proposed again by themselves
        designs = [nearest(self.space, design) for design in plan.designs] + run.learnt.designs
        self.designs = {self.space.replay(decisions).key() for decisions in designs}
        self.given += designs

    @property
    def exhausted(self) -> bool:
        """Whether the space has no further network that keeps the limits, as far as any can be found."""
        return self.none_found or len(self.seen) >= self.size

    def ask(self) -> Job | None:
        """Return the next architecture to train, or None when the budget is spent or the space exhausted."""
        proposal = None if self._spent() else self._propose()
        if proposal is None:
            return None
        trial, decisions, architecture = proposal
        key = architecture.key()
        needed = {} if key in self.designs else self._bars()
        seed = derive_seed(self.run.config.seed, trial.number)
        job = Job(trial.number, architecture, seed, needed, keep=len(self.run.config.lengths) > 1)
        self.seen.add(key)
        self.running[job.number] = (trial, decisions, self.passed)
        self.passed = []
        if self.parallel:
            self.run.note_begun(decisions)
        return job

    def drop(self, job: Job) -> None:
        """Forget a job that has not begun. It is asked for again when the search goes on."""
        del self.running[job.number]
        self.seen.discard(job.architecture.key())

    def tell(self, job: Job, outcome: Outcome) -> None:
        """Record a finished job, then let the study learn from it."""
        trial, decisions, passed = self.running.pop(job.number)
        record = Trial(
            number=job.number,
            decisions=decisions,
            architecture=job.architecture,
            key=job.architecture.key(),
            layout=job.architecture.layout(),
            outcome=outcome,
            sampler=self._noted(trial),
            ended=round(self.elapsed(), 3),
            passed=passed,
        )
        self.run.append(record)
        self.spent += record.state != "rejected"
        if outcome.pause and record.state == "complete":
            paused.keep(self.run.folder, job.number, 0, outcome.pause)
        with self._telling():
            self.run.teller.tell(self.study, trial, record)
        self.rejected = self.rejected + 1 if record.state == "rejected" else 0
        if self.rejected >= MAX_REJECTED:
            raise RunError(f"{MAX_REJECTED:,} architectures in a row broke a limit; the last: {outcome.reason}")
        self.watcher.ended(record, self.run)
        if record.state == "failed":
            self._check_that_some_succeed()

    def _check_that_some_succeed(self) -> None:
        """Raise RunError where no training succeeded and the last, but for designs, all failed for one reason.

        So would those that the budget is left for.
        """
        if any(trial.state == "complete" for trial in self.run.trials):  # as a rule one of the first
            return
        last = [trial for trial in self.run.spent if trial.key not in self.designs][-MAX_FAILED:]
        if len(last) == MAX_FAILED and len(reasons(last)) == 1:
            raise RunError(f"none of {len(self.run.spent)} trainings succeeded, and the last {MAX_FAILED} failed for "
                           f"one reason, so no more were begun: {last[0].outcome.reason}")  # fmt: skip

    def _bars(self) -> dict[str, float]:
        """Compute the zero-cost scores that the next candidate must reach, from the record alone."""
        shares = self.run.config.prefilter
        return bars(shares, (t.outcome.scores for t in self.run.trials if t.outcome.scores)) if shares else {}

    def _noted(self, trial: optuna.Trial) -> Json:
        """Read the sampler's notes on a trial, as NSGA-II's generation, without those that repeat the decisions.

        Raises TypeError for a note that a record cannot hold.
        """
        noted = self.study.get_trials(deepcopy=False)[trial.number].system_attrs
        own = {name: value for name, value in noted.items() if not name.startswith(("tpe:", "pareto:"))}
        try:
            json.dumps(own, allow_nan=False)
        except (TypeError, ValueError):
            raise TypeError(f"noted {brief(own)}; write what JSON can hold") from None
        return own

    def _spent(self) -> bool:
        budget = self.run.config.budget
        if budget.trials:
            return self.spent + len(self.running) >= budget.trials
        return self.late()

    def late(self) -> bool:
        """Tell whether the budget is a time that is over."""
        seconds = self.run.config.budget.seconds
        return seconds is not None and self.elapsed() >= seconds

    def elapsed(self) -> float:
        """Return the seconds that the search took so far, earlier sessions included."""
        return self.before + time.monotonic() - self.start

    def _propose(self) -> Proposal | None:
        """Propose a new architecture within the limits, given ones first, or return None when there is none."""
        while self.given:
            decisions = self.given.pop(0)
            if self.space.replay(decisions).key() not in self.seen:
                return self._ask_for(decisions)
        for _ in range(MAX_REPEATS):
            if self.exhausted:
                return None
            trial, decisions, architecture = self._ask_study()
            passed = Passed(decisions, repeats=architecture.key() in self.seen)
            if not passed.repeats and not self.limits.refusal(architecture):
                return trial, decisions, architecture
            with self._telling():
                self.run.teller.pass_over(self.study, trial, passed)
            self.passed.append(passed)
        return self._propose_at_random()

    def _propose_at_random(self) -> Proposal | None:
        """Draw a new network within the limits, or find one beside others. Raises SettingError where none ever was."""
        rng = np.random.default_rng([self.run.config.seed, len(self.study.get_trials(deepcopy=False))])
        reason = ""
        for _ in range(MAX_DRAWN):
            decisions, architecture = self.space.sample(rng)
            if architecture.key() not in self.seen:
                reason = self.limits.refusal(architecture)
                if not reason:
                    return self._ask_for(decisions)
        if beside := self._beside(rng):
            return self._ask_for(beside)
        if reason and not self.seen:
            raise SettingError(f"no network of {self.space.name} was found that keeps every limit, neither among "
                               f"{MAX_DRAWN:,} random ones nor beside an extreme: {reason}; widen a limit")  # fmt: skip
        if reason:
            self.watcher.warned(f"the search ends after {len(self.seen)} networks: no other was found that keeps every "
                                f"limit, neither among {MAX_DRAWN:,} random ones nor beside these")  # fmt: skip
        self.none_found = True
        return None

    def _beside(self, rng: np.random.Generator) -> Decisions | None:
        """Find a new network within the limits that differs in one decision from one that was tried, or an extreme."""
        tried = [trial.decisions for trial in self.run.spent] + [decisions for _, decisions, _ in self.running.values()]
        points: list[Decisions] = [*self._extremes, *(tried[i] for i in rng.permutation(len(tried)))]
        for decisions in points:
            itself = (decisions, self.space.replay(decisions))
            for other, architecture in chain([itself], neighbours(self.space, decisions)):
                if architecture.key() not in self.seen and not self.limits.refusal(architecture):
                    return other
        return None

    @cached_property
    def _extremes(self) -> list[Decisions]:
        """For each limit the network that keeps it best, where the decisions tell."""
        asked: list[tuple[str, Side]] = [(name, "minimum") for name in self.run.config.maximum]
        asked += [(name, "maximum") for name in self.run.config.minimum]
        found = [self.limits.extreme(self.space, name, side) for name, side in asked]
        return [nearest(self.space, point[1]) for point in found if point]

    def _telling(self) -> AbstractContextManager[None]:
        """Tell by its name that the sampler failed within the block."""
        return SAMPLERS.telling(self.run.config.sampler, direct=False)

    def _ask_for(self, decisions: Decisions) -> Proposal:
        """Make a proposal of given decisions."""
        self.study.enqueue_trial(decisions)
        return self._ask_study()

    def _ask_study(self) -> Proposal:
        """Ask a sampler that is made from seed and trial number, so that a resumed search goes on unchanged."""
        number = len(self.study.get_trials(deepcopy=False))
        seed, sampler = derive_seed(self.run.config.seed, number), self.run.config.sampler
        with self._telling():
            self.study.sampler = SAMPLERS.get(sampler)(seed, self.problem)
            trial = self.study.ask()

            def choose(name: str, values: Domain) -> Scalar:
                value = trial.suggest_categorical(name, values)
                assert value is not None
                return value

            decided = self.space.record(choose)
            self._noted(trial)  # before the training, which would be lost
            return trial, *decided


def make_problem(run: Run, limits: Limits) -> Problem:
    """Tell a sampler the space, and the costs of candidates if objectives or limits name them."""
    config = run.config
    known = partial(_known, run) if len(config.lengths) > 1 else dict
    names = limits.cheap(run.space.smallest()).keys()
    if not names:
        return Problem(run.space.decide, config.objectives, known=known)

    def cheap(decisions: Decisions) -> dict[str, float]:
        found = limits.cheap(run.space.decide(completing(decisions)))  # which may be known in part
        check_alike(names, found.keys())
        return found

    return Problem(
        run.space.decide,
        config.objectives,
        cheap=cheap,
        table=limits.table(run.space),
        maximum={n: v for n, v in limits.maximum.items() if n in names},
        minimum={n: v for n, v in config.minimum.items() if n in names},
        known=known,
    )


def _known(run: Run) -> dict[int, list[float] | None]:
    """Give each result's values as expected on the last rung, by the trial's number, None for one that fell."""
    found: dict[int, list[float] | None] = dict.fromkeys(fallen(run.further))
    return found | {r.number: [r.metrics[name] for name in run.config.objectives] for r in run.results}
