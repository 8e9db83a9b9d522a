"""Run one evaluation after the other in a worker process, which holds the data once.

This module imports no torch, so that a starting worker disturbs no measurement before it waits for its turn.
"""

import faulthandler
import os
import platform
from dataclasses import dataclass, replace
from typing import Any

import ray
from ray import tune

from nas.costs.turns import Turns
from nas.engine.attempt import attempt, limit_gpu_memory, limit_memory
from nas.evaluation.job import Evaluate, Job, Outcome

GRACE = 10.0  # seconds after the time limit until a worker that hangs is ended
Message = dict[str, Any]
"""The dicts that Tune passes between its parts."""

MEMORY_SHARE = 0.9  # of its equal part of the machine, that a worker may take


@dataclass(frozen=True)
class Parcel:
    """A job with a short text, as Tune prints whatever it passes on, and its place in the order of proposals."""

    job: Job
    place: int = 0

    def __repr__(self) -> str:
        return f"job {self.job.number}"


class Worker(tune.Trainable):
    """A worker as Tune sees it, whose one step is a trial."""

    evaluate: Evaluate

    def setup(  # type: ignore[override] # tune.with_parameters adds what stands behind config
        self,
        config: Message,
        prepare: list[Any],
        timeout: float | None,
        most_data: int | None,
        gpu_share: float,
        times_cpu: bool,
    ) -> None:
        """Fetch the evaluation from the node's object store, by the reference in `prepare`."""
        self.parcel, self.timeout = config["parcel"], timeout
        if most_data:
            limit_memory(most_data)
        turns = Turns(_shared(times_cpu))
        with turns.working():
            if 0 < gpu_share < 1:
                limit_gpu_memory(gpu_share)
            self.evaluate = ray.get(prepare[0])(turns)

    def reset_config(self, config: Message) -> bool:
        """Take another job in the same process."""
        self.parcel = config["parcel"]
        return True

    def step(self) -> Message:
        """Evaluate the job. A timer outside the interpreter ends a worker that hangs where no signal handler runs."""
        limit = self.parcel.job.limit(self.timeout)
        if limit:
            faulthandler.dump_traceback_later(limit + GRACE, exit=True)
        try:
            outcome = attempt(self.evaluate, self.parcel.job, limit)
        finally:
            faulthandler.cancel_dump_traceback_later()
        return {"outcome": _signed(outcome), "done": True}


def _signed(outcome: Outcome) -> Outcome:
    return replace(outcome, host=platform.node())


def _shared(times_cpu: bool) -> str:
    """Name the device that is timed and that this worker shares with its neighbours: its GPUs, or the processor."""
    gpus = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    return f"gpu-{gpus.replace(',', '-')}" if ray.get_gpu_ids() and not times_cpu else "cpu"
