"""Tell trials that killed their worker from those that were lost with their machine."""

import math
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import ray
from ray import tune
from ray.exceptions import ActorDiedError, OutOfMemoryError
from ray.tune.experiment import Trial

from nas.engine.executors import Placement
from nas.engine.executors._ray.dispatcher import Dispatcher
from nas.engine.executors._ray.worker import Message, Parcel
from nas.evaluation.job import Outcome

PROCESS_DIED = "worker process has died"  # in Ray's message, in place of "node has died" and others


class LostTrials(tune.Callback):
    """Tells a dispatcher of trials that ended in an error, and ends the search when asked to."""

    def __init__(self, dispatcher: Dispatcher, placement: Placement, stop: threading.Event) -> None:
        self.dispatcher, self.timeout, self.stop = dispatcher, placement.trial_timeout, stop
        self.started: dict[str, float] = {}

    def on_trial_start(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        """Note the time, for the limit of a worker that hangs and cannot say so."""
        self.started[trial.trial_id] = time.monotonic()

    def on_trial_complete(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        """Let go of the weights that came and went with a trial, as Tune keeps its past."""
        parcel: Parcel = trial.config["parcel"]
        trial.config["parcel"] = replace(parcel, job=replace(parcel.job, since=None))
        trial.last_result.pop("outcome", None)

    def on_step_begin(self, iteration: int, trials: list[Trial], **info: Any) -> None:
        """End Tune's loop after an interruption, or when the record cannot be written."""
        if self.stop.is_set():
            raise KeyboardInterrupt
        if self.dispatcher.failure:
            raise self.dispatcher.failure

    def on_trial_error(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        """Tell the trial of a dead worker as failed, or hand it out again."""
        error = _error(trial)
        ran = time.monotonic() - self.started.get(trial.trial_id, math.inf)
        limit = trial.config["parcel"].job.limit(self.timeout)
        if limit and ran > limit:
            own = f"TimeLimitError: took longer than {limit:g} s; its worker had to be ended"
        else:
            own = _own_fault(error)
        if own:
            took = {"train": round(ran, 4)} if ran > 0 else {}  # of what phase is not known
            self.dispatcher.finish(trial.trial_id, Outcome("failed", seconds=took, reason=own))
        else:
            self.dispatcher.lose(trial.trial_id, _first_words(error))

    def __getstate__(self) -> Message:
        return {}


def _error(trial: Trial) -> Exception | None:
    """Read the error that Tune kept of a failure, if this process has its file."""
    if not trial.pickled_error_file:
        return None
    error: Exception = ray.cloudpickle.loads(Path(trial.pickled_error_file).read_bytes())
    return error


def _own_fault(error: Exception | None) -> str:
    """Say how a trial ended its worker, or return an empty text for one lost with its machine or before it began.

    A process that is killed or crashes while its machine lives on counts as ended by the trial.
    """
    if isinstance(error, OutOfMemoryError):
        return "out of memory: Ray's memory monitor ended the worker"
    died = isinstance(error, ActorDiedError) and not error.actor_init_failed and not error.preempted
    return f"the worker died: {_first_words(error)}" if died and PROCESS_DIED in str(error) else ""


def _first_words(error: Exception | None) -> str:
    """Take from Ray's message what happened, without its advice."""
    lines = str(error).strip().splitlines() if error else ["no reason is known"]
    if "its creation task" in lines[0]:  # a traceback follows, whose last line says why
        return f"a worker could not begin: {lines[-1].strip()}"[:400]
    text = " ".join(" ".join(lines).split())
    start = max(text.find("The actor is dead"), 0)
    return text[start:].partition(" Some common causes")[0][:300]
