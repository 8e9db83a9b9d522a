"""What to train next, and what to learn from it: the one place that speaks to the Optuna study."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna

from nas.costs.latency.predictor import Predictor
from nas.engine.samplers._base import Problem
from nas.errors import RunError
from nas.evaluation.early_stop import RUNGS, Judge, Past
from nas.evaluation.job import Job, Outcome, Placement
from nas.evaluation.limits import Feasibility
from nas.evaluation.prefilter import bars
from nas.network.architecture import Architecture
from nas.network.options import Scalar
from nas.record.journal import Confirmation, Trial
from nas.record.run import Run
from nas.registry import PRUNERS, SAMPLERS
from nas.space.library import load_architecture
from nas.space.matching import nearest
from nas.space.space import Decisions, Domain, SearchSpace

Proposal = tuple[optuna.Trial, Decisions, Architecture]
MAX_REPEATS = 50  # proposals in a row that were trained already or break a limit, before one is drawn at random
MAX_DRAWN = 10_000  # random architectures, before the search gives up
MAX_REJECTED = 2000  # proposals in a row that break a limit, before the search gives up


@dataclass(frozen=True)
class Watcher:
    """Who is told of a search's progress: when a job begins, when a trial is on disk, or a further training of one.

    `calibrated` is told, before the first trial, how many networks were measured for predicting latency, of how many.
    """

    placed: Callable[[Placement, Run], None] = lambda placement, run: None
    began: Callable[[Job, Run], None] = lambda job, run: None
    ended: Callable[[Trial, Run], None] = lambda trial, run: None
    confirmed: Callable[[Confirmation, Run], None] = lambda confirmation, run: None
    calibrated: Callable[[int, int], None] = lambda done, of: None


class Proposer:
    """Asks the study for architectures that are new and within the limits; writes what became of them."""

    def __init__(self, run: Run, watcher: Watcher, parallel: bool = False, predictor: Predictor | None = None) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.run, self.watcher = run, watcher
        self.space: SearchSpace = run.space
        self.size = self.space.size()
        self.study = run.study()
        self.limits = Feasibility(run.config, predictor)
        self.task = make_problem(run, self.limits)
        self.seen = {trial.key for trial in run.trials}
        self.running: dict[int, tuple[optuna.Trial, Decisions]] = {}
        self.before, self.start = run.elapsed, time.monotonic()
        self.parallel = parallel
        self.rejected = 0
        # side by side, an interrupted trial would not be proposed again by itself
        self.known = run.interrupted() if parallel else []
        designs = [nearest(self.space, load_architecture(name)) for name in run.config.seed_with] + run.learnt.designs
        self.designs = {self.space.replay(decisions).key() for decisions in designs}
        self.known += designs

    def ask(self) -> Job | None:
        """The next architecture to train, or None when the budget is spent or the space exhausted."""
        proposal = None if self._spent() else self._propose()
        if proposal is None:
            return None
        trial, decisions, architecture = proposal
        key = architecture.key()
        needed = {} if key in self.designs else self._bars()
        seed = derive_seed(self.run.config.seed, trial.number)
        job = Job(trial.number, architecture, seed, needed, self._judge())
        self.seen.add(key)
        self.running[job.number] = (trial, decisions)
        if self.parallel:
            self.run.note_begun(decisions)
        self.watcher.began(job, self.run)
        return job

    def tell(self, job: Job, outcome: Outcome) -> None:
        """Write a finished job down, then let the study learn from it."""
        trial, decisions = self.running.pop(job.number)
        record = Trial(
            number=job.number,
            state=outcome.state,
            decisions=decisions,
            architecture=job.architecture.to_dict(),
            key=job.architecture.key(),
            layout=job.architecture.layout(),
            metrics=outcome.metrics,
            details=outcome.details,
            seconds={step: round(s, 4) for step, s in outcome.seconds.items()},
            reason=outcome.reason,
            sampler=self._memory(trial),
            ended=round(self.elapsed(), 3),
        )
        self.run.append(record)
        self.run.teller.tell(self.study, trial, record)
        self.rejected = self.rejected + 1 if record.state == "rejected" else 0
        if self.rejected >= MAX_REJECTED:
            raise RunError(f"{MAX_REJECTED:,} architectures in a row broke a limit; the last: {record.reason}")
        self.watcher.ended(record, self.run)

    def _bars(self) -> dict[str, float]:
        """What the next candidate's zero-cost scores must reach, read from the record alone."""
        shares = self.run.config.prefilter
        return bars(shares, (t.details["scores"] for t in self.run.trials if "scores" in t.details)) if shares else {}

    def _memory(self, trial: optuna.Trial) -> dict[str, Any]:
        """What the sampler noted on the trial (NSGA-II its generation); TPE only repeats the decisions there."""
        noted = self.study.get_trials(deepcopy=False)[trial.number].system_attrs
        return {name: value for name, value in noted.items() if not name.startswith("tpe:")}

    def _judge(self) -> Judge | None:
        """Who may stop the next training: knows the trials that ran to their end."""
        run = self.run
        if len(run.trained_objectives) != 1:  # none to predict, or no knowing what the others will be
            return None
        complete = [t for t in run.trials if t.state == "complete" and len(t.details.get("rungs", ())) == len(RUNGS)]
        past = Past(
            objectives=run.config.objectives,
            maximize=tuple(run.maximize),
            trained=run.config.objectives.index(run.trained_objectives[0]),
            points=run.points(complete),
            losses=np.array([t.details["rungs"] for t in complete]).reshape(len(complete), len(RUNGS)),
        )
        judge: Judge | None = PRUNERS.get(run.config.pruner)(past)
        return judge

    def _spent(self) -> bool:
        budget = self.run.config.budget
        if budget.trials:
            return len(self.run.trained) + len(self.running) >= budget.trials
        assert budget.seconds
        return self.elapsed() >= budget.seconds

    def elapsed(self) -> float:
        """Seconds that the search took so far, earlier sessions included."""
        return self.before + time.monotonic() - self.start

    def _propose(self) -> Proposal | None:
        """A trial whose architecture is new and within the limits, known designs first; None when there is no other."""
        while self.known:
            decisions = self.known.pop(0)
            if self.space.replay(decisions).key() not in self.seen:
                return self._ask_for(decisions)
        for _ in range(MAX_REPEATS):
            if len(self.seen) >= self.size:
                return None
            trial, decisions, architecture = self._ask_study()
            if architecture.key() not in self.seen and not self.limits.refusal(architecture):
                return trial, decisions, architecture
            self.study.tell(trial, state=optuna.trial.TrialState.FAIL)
        return self._propose_at_random()

    def _propose_at_random(self) -> Proposal | None:
        rng = np.random.default_rng([self.run.config.seed, len(self.study.get_trials(deepcopy=False))])
        reason = ""
        for _ in range(MAX_DRAWN):
            decisions, architecture = self.space.sample(rng)
            if architecture.key() not in self.seen:
                reason = self.limits.refusal(architecture)
                if not reason:
                    return self._ask_for(decisions)
        if reason:
            raise RunError(f"{MAX_DRAWN:,} random architectures in a row broke a limit; the last: {reason}")
        return None

    def _ask_for(self, decisions: Decisions) -> Proposal:
        """A proposal whose decisions are given."""
        self.study.enqueue_trial(decisions)
        return self._ask_study()

    def _ask_study(self) -> Proposal:
        """One proposal; the sampler is made from (seed, number), so that a resumed search goes on unchanged."""
        number = len(self.study.get_trials(deepcopy=False))
        seed = derive_seed(self.run.config.seed, number)
        self.study.sampler = SAMPLERS.get(self.run.config.sampler)(seed, self.task)
        trial = self.study.ask()

        def choose(name: str, values: Domain) -> Scalar:
            value = trial.suggest_categorical(name, values)
            assert value is not None
            return value

        return trial, *self.space.record(choose)


def make_problem(run: Run, limits: Feasibility) -> Problem:
    """What the sampler may know: the space, and its candidates' costs where an objective or a limit names them."""
    config = run.config
    if not limits.quick & {*config.objectives, *config.maximum, *config.minimum}:
        return Problem(run.space.decide, config.objectives)
    return Problem(
        run.space.decide,
        config.objectives,
        cheap=lambda decisions: limits.cheap(run.space.replay(decisions)),
        maximum={n: v for n, v in limits.maximum.items() if n in limits.quick},
        minimum={n: v for n, v in config.minimum.items() if n in limits.quick},
    )


def derive_seed(seed: int, number: int, *repeat: int) -> int:
    """A trial's own seed, from the search's seed and the trial's number; another for a further training."""
    return int(np.random.SeedSequence([seed, number, *repeat]).generate_state(1)[0])
