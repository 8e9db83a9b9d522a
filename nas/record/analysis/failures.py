"""The trials that failed: how many, which, for what reasons, and whether they have something in common."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from nas.record.results import fallen
from nas.record.run import Run
from nas.record.trial import Trial
from nas.training.chance import apart

NUMBER = re.compile(r"\d+(\.\d+)?(e[+-]?\d+)?")
FEWEST = 3  # failures, below which they cannot cluster
DOUBT = 0.01  # the chance that any block is blamed where none is to blame


@dataclass(frozen=True)
class Tally:
    """So many trials were trained to an end, so many failed, at first or when they went on, so many were rejected."""

    trained: int
    failed: int
    rejected: int

    @property
    def begun(self) -> int:
        """The trainings that were begun, which count against the budget."""
        return self.trained + self.failed


@dataclass(frozen=True)
class Reason:
    """So many trials failed for a reason, in the words of the `first` of them."""

    words: str
    trials: tuple[int, ...]

    @property
    def first(self) -> int:
        """The number of the first trial that failed for it."""
        return self.trials[0]


@dataclass(frozen=True)
class Culprit:
    """A block that is in `failed` of the `failures`, and in `complete` of the `others` that were trained."""

    block: str
    failed: int
    failures: int
    complete: int
    others: int


def ended(run: Run) -> list[Trial]:
    """Return all trials, those that failed when they went on with that outcome."""
    fell = fallen(run.further)
    return [replace(trial, outcome=fell[trial.number]) if trial.number in fell else trial for trial in run.trials]


def failed_trials(run: Run) -> list[Trial]:
    """Return the trials that failed, at first or when they went on, with the outcome that has the reason."""
    return [trial for trial in ended(run) if trial.state == "failed"]


def tally(run: Run) -> Tally:
    """Count what became of a run's trials."""
    count = Counter(trial.state for trial in ended(run))
    return Tally(count["complete"], count["failed"], count["rejected"])


def reasons(failed: Sequence[Trial]) -> list[Reason]:
    """Group failed trials by their reasons, the most frequent first. Reasons that differ in numbers alone are one."""
    groups: dict[str, list[Trial]] = defaultdict(list)
    for trial in failed:
        groups[NUMBER.sub("#", trial.outcome.reason)].append(trial)
    found = [Reason(group[0].outcome.reason, tuple(trial.number for trial in group)) for group in groups.values()]
    return sorted(found, key=lambda reason: (-len(reason.trials), reason.first))


def culprits(run: Run, failed: Sequence[Trial]) -> list[Culprit]:
    """Return the blocks that stand more often in failed networks than chance allows, the surest first.

    By Fisher's exact test for each block, with Bonferroni's correction for all of them.
    """
    if len(failed) < FEWEST:
        return []
    numbers = {trial.number for trial in failed}
    sound = [_blocks(trial) for trial in run.trials if trial.state == "complete" and trial.number not in numbers]
    broken = [_blocks(trial) for trial in failed]
    names = sorted(set().union(*broken))
    found = []
    for name in names:
        hits, others = (sum(name in blocks for blocks in group) for group in (broken, sound))
        p = apart(hits, len(broken), others, len(sound))
        if p * len(names) < DOUBT:
            found.append((p, Culprit(name, hits, len(broken), others, len(sound))))
    return [culprit for _, culprit in sorted(found, key=lambda each: each[0])]


def _blocks(trial: Trial) -> set[str]:
    return {stage.block for stage in trial.architecture.stages}
