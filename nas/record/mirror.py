"""A run as an Optuna study in memory that follows the record: for tools that read a storage, and may write into it."""

import threading
import time
from typing import TYPE_CHECKING

from nas.errors import RunError, SpaceError
from nas.files import Json
from nas.record.journal import DAMAGED, RECORD, read_trials
from nas.record.run import Run
from nas.record.trial import Trial

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

PAUSE = 20  # times as long as reading the record takes, at least, from one reading to the next


class Mirror:
    """A run's study, whose trials are numbered in the order of their ends; the run's own numbers are an attribute.

    Nothing that is done to the study reaches the run. Raises RunError where the record is damaged.
    """

    def __init__(self, run: Run) -> None:
        import optuna

        self.run, self.storage = run, optuna.storages.InMemoryStorage()
        self.study = run.teller.empty(run.name, storage=self.storage)
        self._seen: set[int] = set()
        self._size, self._next = 0, 0.0
        self._lock = threading.Lock()
        self._add(run.trials)

    def update(self) -> None:
        """Add the trials that ended since, unless the record was read a moment ago or another thread reads it."""
        if time.monotonic() < self._next or not self._lock.acquire(blocking=False):
            return
        start = time.monotonic()
        try:
            size = (self.run.folder / RECORD).stat().st_size
            if size != self._size:
                self._add(read_trials(self.run.folder, self.run.config.objectives))
                self._size = size
        except (OSError, RunError, KeyError):  # the last where the study was deleted in the dashboard
            pass  # it shows what it has
        finally:
            self._next = time.monotonic() + max(1.0, PAUSE * (time.monotonic() - start))
            self._lock.release()

    def _add(self, trials: list[Trial]) -> None:
        for trial in trials:
            if trial.number not in self._seen:
                try:
                    self.study.add_trial(self._frozen(trial))
                except SpaceError as error:
                    raise RunError(f"{self.run.folder}: {error}; {DAMAGED}") from None
                self._seen.add(trial.number)

    def _frozen(self, trial: Trial) -> "FrozenTrial":
        found = self.run.teller.frozen(trial)
        facts: Json = {
            "trial": trial.number,
            "seconds": round(trial.outcome.took, 3),
            "architecture": trial.architecture.to_yaml(),
        }
        facts |= {name: value for name, value in trial.metrics.items() if name not in self.run.config.objectives}
        facts |= {"reason": trial.outcome.reason} if trial.outcome.reason else {}
        for name, value in facts.items():
            found.set_user_attr(name, value)
        return found
