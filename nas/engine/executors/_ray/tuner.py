"""Run a dispatcher's jobs through Ray Tune, on this machine or on a cluster.

Tune only places trials. All that counts is in the run's record and in the study behind `ask` and `tell`, so a Tuner
that does not survive a lost worker is made anew and never restored.
"""

import os
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from types import FrameType
from typing import Any

import ray
from ray import tune
from ray.exceptions import RayError, RayTaskError
from ray.tune.error import TuneError
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler
from ray.tune.search import Searcher

from nas.engine.executors import Answer, Ask, Placement, Tell
from nas.engine.executors._ray.dispatcher import Dispatcher
from nas.engine.executors._ray.faults import LostTrials
from nas.engine.executors._ray.session import connected
from nas.engine.executors._ray.worker import MEMORY_SHARE, Message, Parcel, Worker
from nas.errors import SettingError, first_line
from nas.evaluation.job import Prepare

TRIALS_A_TUNER = 1000  # Tune walks its whole list of trials at every event


def run(ask: Ask, tell: Tell, prepare: Prepare, placement: Placement) -> None:
    """Keep every worker busy until there is nothing more to ask."""
    with connected(placement):
        placement = _measured(placement)
        dispatcher = Dispatcher(ask, tell, placement.workers)
        trainable = tune.with_parameters(
            Worker,
            prepare=[ray.put(prepare)],
            timeout=placement.trial_timeout,
            most_data=_most_data(placement),
            gpu_share=placement.gpus,
            times_cpu=placement.times_cpu,
        )
        os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(_waiting(placement))
        while not dispatcher.over:
            _run_tuner(dispatcher, tune.with_resources(trainable, {"cpu": 1, "gpu": placement.gpus}), placement)
        if dispatcher.failure:
            raise dispatcher.failure


def call(look: Callable[[], Answer], placement: Placement) -> Answer:
    """Call a function on a node of the cluster, with a GPU if trials take any. Raises what it raises."""
    with connected(placement):
        gpus = 1 if _has_gpus(placement) else 0
        try:
            answer: Answer = ray.get(ray.remote(num_cpus=0, num_gpus=gpus)(_answer).remote(look))
        except RayTaskError as error:
            raise error.cause from None
        return answer


def _answer(look: Callable[[], Any]) -> Any:
    """Call `look`, as Ray runs functions only and not every callable."""
    return look()


def _has_gpus(placement: Placement) -> bool:
    """Tell whether trials run on GPUs. Raises SettingError when GPUs are asked for and the cluster has none."""
    if not placement.gpus:
        return False
    if ray.cluster_resources().get("GPU"):  # type: ignore[no-untyped-call]
        return True
    if placement.gpu_optional:
        return False
    raise SettingError("device: found cuda, but the Ray cluster has no GPU; write cpu or auto")


def _measured(placement: Placement) -> Placement:
    """Fill in the part of a GPU that a trial takes, measured on a GPU if the placement asks for it.

    Raises SettingError when GPUs are asked for and the cluster has none.
    """
    if not _has_gpus(placement):
        return replace(placement, gpus=0.0, gpu_share=None)
    if placement.gpu_share is None:
        return placement
    return replace(placement, gpus=call(placement.gpu_share, placement), gpu_share=None)


def _run_tuner(dispatcher: Dispatcher, trainable: Any, placement: Placement) -> None:
    """Run a Tuner until it ends."""
    with (
        tempfile.TemporaryDirectory(prefix="nas-tune-", ignore_cleanup_errors=True) as folder,
        _interruptible() as stop,
    ):
        tuner = tune.Tuner(
            trainable,
            tune_config=tune.TuneConfig(
                search_alg=Forwarder(dispatcher),
                scheduler=NewestFirst(),  # type: ignore[no-untyped-call]
                num_samples=TRIALS_A_TUNER,
                reuse_actors=True,
                trial_dirname_creator=lambda trial: trial.trial_id,
            ),
            run_config=tune.RunConfig(
                name="search",
                storage_path=folder,
                verbose=0,
                callbacks=[LostTrials(dispatcher, placement, stop), Ahead(dispatcher)],
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            ),
        )
        try:
            tuner.fit()
        except (RuntimeError, RayError, TuneError, AssertionError) as error:  # Tune does not survive every lost worker
            why = first_line(error)
            if isinstance(error, TuneError):  # holds a traceback, whose last line says why
                why = str(error).strip().rpartition("\n")[2]
            dispatcher.lose_all(f"Ray Tune gave up: {why}")
        if stop.is_set() and not dispatcher.over:  # asked for in the last step, which looks no more
            raise KeyboardInterrupt


class Forwarder(Searcher):
    """Ask and tell in the form that Tune calls."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        super().__init__(metric=None, mode=None)
        self.dispatcher, self.places = dispatcher, count()

    def suggest(self, trial_id: str) -> Message | str | None:  # type: ignore[override]
        """Return the next job, or None when there is none for now."""
        job = self.dispatcher.fetch(trial_id)
        if job is None:
            return Searcher.FINISHED if self.dispatcher.over else None
        return {"parcel": Parcel(job, next(self.places))}

    def on_trial_complete(self, trial_id: str, result: Message | None = None, error: bool = False) -> None:
        """Tell a result at once. `LostTrials` deals with workers that died."""
        if result and not error:
            self.dispatcher.finish(trial_id, result["outcome"])

    def __getstate__(self) -> Message:
        return {}  # Tune pickles this object; study and record stay here

    def save(self, checkpoint_path: str) -> None:
        """Save nothing: the record is the state."""

    def restore(self, checkpoint_path: str) -> None:
        """Do nothing, as it is never called."""


class NewestFirst(FIFOScheduler):
    """Give a free worker the newest waiting trial.

    Tune would give it any of them, and end the worker that was starting for that one, so that no worker would ever
    come up on a node that joins while trials are short.
    """

    def choose_trial_to_run(self, tune_controller: Any) -> Trial | None:
        """Return the trial that was proposed last."""
        waiting = [trial for trial in tune_controller.get_live_trials() if trial.status == Trial.PENDING]
        return max(waiting, key=lambda trial: trial.config["parcel"].place, default=None)


class Ahead(tune.Callback):
    """Has the next trial proposed while every worker is busy with one."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self.dispatcher = dispatcher
        self.running: set[str] = set()

    def on_trial_start(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        """Count a trial whose worker begins with it."""
        self.running.add(trial.trial_id)

    def on_trial_complete(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        """Count it no more."""
        self.running.discard(trial.trial_id)

    on_trial_error = on_trial_complete

    def on_step_end(self, iteration: int, trials: list[Trial], **info: Any) -> None:
        """Look ahead, once free workers have their next."""
        self.dispatcher.look_ahead(len(self.running))

    def __getstate__(self) -> Message:
        return {}


def _waiting(placement: Placement) -> int:
    """Return how many trials may wait for a worker: as many as shall start at once.

    On a cluster, whose workers are not counted, a quarter of its cores: trials that wait were proposed knowing less.
    """
    return placement.workers or 2 + int(ray.cluster_resources().get("CPU", 0)) // 4  # type: ignore[no-untyped-call]


def _most_data(placement: Placement) -> int | None:
    """Return the most bytes of a worker's data, or None on a GPU, whose driver maps far more than it uses."""
    if placement.gpus:
        return None
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
    parts = [node["memory"] / max(node.get("CPU", 1.0), 1.0) for node in nodes if "memory" in node]
    return int(MEMORY_SHARE * min(parts)) if parts else None


@contextmanager
def _interruptible() -> Iterator[threading.Event]:
    """Let SIGINT and SIGTERM set an event, as a KeyboardInterrupt raised inside Tune would be lost or do harm.

    The second signal raises KeyboardInterrupt all the same.
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
