"""Ray Tune as a desk's workers: it places trials on this machine or on a cluster.

Tune only places trials. The truth is the run's record and the study behind `ask` and `tell`, so the Tuner is
disposable: it is made anew after a loss that it does not survive, and never restored.
"""

import math
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import ray
from ray import tune
from ray.exceptions import ActorDiedError, OutOfMemoryError, RayError, RayTaskError
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler
from ray.tune.search import Searcher

from nas.engine.executors import Answer, Ask, Placement, Tell
from nas.engine.executors._desk import Desk
from nas.engine.executors._ray_session import connected
from nas.engine.executors._ray_worker import MEMORY_SHARE, Message, Parcel, Worker
from nas.errors import SettingError
from nas.evaluation.job import Outcome, Prepare

PROCESS_DIED = "worker process has died"  # Ray's words for it, beside which stand "node has died" and others
TRIALS_A_TUNER = 1000  # Tune walks its whole list of trials at every event


def run(ask: Ask, tell: Tell, prepare: Prepare, placement: Placement) -> None:
    """Keep every worker busy until there is nothing more to ask."""
    with connected(placement):
        placement = _packed(placement)
        desk = Desk(ask, tell, placement.workers)
        trainable = tune.with_parameters(
            Worker,
            prepare=[ray.put(prepare)],
            timeout=placement.trial_timeout,
            most_data=_most_data(placement),
            gpu_share=placement.gpus,
        )
        os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(_waiting(placement))
        while not desk.over:
            _fit(desk, tune.with_resources(trainable, {"cpu": 1, "gpu": placement.gpus}), placement)
        if desk.failure:
            raise desk.failure


def call(look: Callable[[], Answer], placement: Placement) -> Answer:
    """Call a function on a node of the cluster, on one with a GPU where trials take any. Raises what it raises."""
    with connected(placement):
        gpus = 1 if _has_gpus(placement) else 0
        try:
            answer: Answer = ray.get(ray.remote(num_cpus=0, num_gpus=gpus)(_answer).remote(look))
        except RayTaskError as error:
            raise error.cause from None
        return answer


def _answer(look: Callable[[], Any]) -> Any:
    """Call it: Ray runs functions only, and a look may be another thing that can be called."""
    return look()


def _has_gpus(placement: Placement) -> bool:
    """Whether trials run on GPUs. Raises SettingError when GPUs are asked for and the cluster has none."""
    if not placement.gpus:
        return False
    if ray.cluster_resources().get("GPU"):  # type: ignore[no-untyped-call]
        return True
    if placement.gpu_optional:
        return False
    raise SettingError("device: found cuda, but the Ray cluster has no GPU; write cpu or auto")


def _packed(placement: Placement) -> Placement:
    """With the part of a GPU that a trial takes, measured on one of them where that is to be.

    Raises SettingError when GPUs are asked for and the cluster has none.
    """
    if not _has_gpus(placement):
        return replace(placement, gpus=0.0, gpu_share=None)
    if placement.gpu_share is None:
        return placement
    return replace(placement, gpus=call(placement.gpu_share, placement), gpu_share=None)


def _fit(desk: Desk, trainable: Any, placement: Placement) -> None:
    """One Tuner's life."""
    with (
        tempfile.TemporaryDirectory(prefix="nas-tune-", ignore_cleanup_errors=True) as folder,
        _interruptible() as stop,
    ):
        tuner = tune.Tuner(
            trainable,
            tune_config=tune.TuneConfig(
                search_alg=Forwarder(desk),
                scheduler=NewestFirst(),  # type: ignore[no-untyped-call]
                num_samples=TRIALS_A_TUNER,
                reuse_actors=True,
                trial_dirname_creator=lambda trial: trial.trial_id,
            ),
            run_config=tune.RunConfig(
                name="search",
                storage_path=folder,
                verbose=0,
                callbacks=[Losses(desk, placement, stop)],
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            ),
        )
        try:
            tuner.fit()
        except (RuntimeError, RayError) as error:  # Tune's manager of actors does not survive every loss
            desk.lose_all(f"Ray Tune gave up: {str(error).splitlines()[0]}")


class Forwarder(Searcher):
    """Ask and tell, seen from Tune."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(metric=None, mode=None)
        self.desk = desk

    def suggest(self, trial_id: str) -> Message | str | None:  # type: ignore[override]
        """The next job; None when there is none for now."""
        job = self.desk.fetch(trial_id)
        if job is None:
            return Searcher.FINISHED if self.desk.over else None
        return {"parcel": Parcel(job)}

    def on_trial_complete(self, trial_id: str, result: Message | None = None, error: bool = False) -> None:
        """A result goes on at once; a worker that died is `Losses`' business."""
        if result and not error:
            self.desk.finish(trial_id, result["outcome"])

    def __getstate__(self) -> Message:
        return {}  # Tune pickles its parts; study and record stay here

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the record is the state."""

    def restore(self, checkpoint_path: str) -> None:
        """Never called."""


class NewestFirst(FIFOScheduler):
    """A worker that is free takes the newest of the trials that wait.

    Tune would give it any of them, and end the worker that was starting for that one: on a node that joins, none would
    ever come up while trials are short.
    """

    def choose_trial_to_run(self, tune_controller: Any) -> Trial | None:
        """The last that was proposed."""
        waiting = [trial for trial in tune_controller.get_live_trials() if trial.status == Trial.PENDING]
        return max(waiting, key=lambda trial: trial.config["parcel"].job.number, default=None)


class Losses(tune.Callback):
    """Tells a trial that killed its worker from one that was lost with its machine; ends the search when asked to."""

    def __init__(self, desk: Desk, placement: Placement, stop: threading.Event) -> None:
        self.desk, self.timeout, self.stop = desk, placement.trial_timeout, stop
        self.started: dict[str, float] = {}

    def on_trial_start(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        """Note when, for the time limit of a worker that cannot say itself that it hangs."""
        self.started[trial.trial_id] = time.monotonic()

    def on_step_begin(self, iteration: int, trials: list[Trial], **info: Any) -> None:
        """Where an interruption, or a record that cannot be written, ends Tune's loop."""
        if self.stop.is_set():
            raise KeyboardInterrupt
        if self.desk.failure:
            raise self.desk.failure

    def on_trial_error(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        """A worker died."""
        error = _error(trial)
        ran = time.monotonic() - self.started.get(trial.trial_id, math.inf)
        if self.timeout and ran > self.timeout:
            own = f"TimeLimitError: took longer than {self.timeout:g} s; its worker had to be ended"
        else:
            own = _own_fault(error)
        if own:
            self.desk.finish(trial.trial_id, Outcome("failed", reason=own))
        else:
            self.desk.lose(trial.trial_id, _first_words(error))

    def __getstate__(self) -> Message:
        return {}


def _error(trial: Trial) -> Exception | None:
    """What Tune keeps of a failure, where this process may read it."""
    if not trial.pickled_error_file:
        return None
    error: Exception = ray.cloudpickle.loads(Path(trial.pickled_error_file).read_bytes())
    return error


def _own_fault(error: Exception | None) -> str:
    """What a trial did to its worker, in words; empty when the worker was lost with its machine, or before it began.

    A process that is killed or crashes while its machine lives on counts as the trial's doing.
    """
    if isinstance(error, OutOfMemoryError):
        return "out of memory: Ray's memory monitor ended the worker"
    died = isinstance(error, ActorDiedError) and not error.actor_init_failed and not error.preempted
    return f"the worker died: {_first_words(error)}" if died and PROCESS_DIED in str(error) else ""


def _first_words(error: Exception | None) -> str:
    """The part of Ray's account that says what happened, without its advice."""
    lines = str(error).strip().splitlines() if error else ["no reason is known"]
    if "its creation task" in lines[0]:  # a traceback follows, whose last line says why
        return f"a worker could not begin: {lines[-1].strip()}"[:400]
    text = " ".join(" ".join(lines).split())
    start = max(text.find("The actor is dead"), 0)
    return text[start:].partition(" Some common causes")[0][:300]


def _waiting(placement: Placement) -> int:
    """Trials that may wait for a worker: as many as shall start at once.

    On a cluster, whose workers are not counted, a quarter of it: what waits was proposed knowing less.
    """
    return placement.workers or 2 + int(ray.cluster_resources().get("CPU", 0)) // 4  # type: ignore[no-untyped-call]


def _most_data(placement: Placement) -> int | None:
    """Bytes a worker's data may take; none on a GPU, whose driver maps far more than it uses."""
    if placement.gpus:
        return None
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
    parts = [node["memory"] / max(node.get("CPU", 1.0), 1.0) for node in nodes if "memory" in node]
    return int(MEMORY_SHARE * min(parts)) if parts else None


@contextmanager
def _interruptible() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set: raised in the midst of Tune, KeyboardInterrupt would be lost or do harm.

    The second signal raises it all the same.
    """
    stop = threading.Event()

    def ask_to_stop(_signal: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.signal(number, ask_to_stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
