"""One evaluation that may fail, hang or take too much: it ends its trial alone."""

import math
import resource
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType

from nas.evaluation.job import Evaluate, Job, Outcome, describe


def attempt(evaluate: Evaluate, job: Job, timeout: float | None) -> Outcome:
    """Evaluate a job; whatever is raised, takes too long or is not a number makes it a failed outcome."""
    try:
        with time_limit(timeout):
            outcome = evaluate(job)
    except Exception as error:
        return Outcome("failed", reason=describe(error))
    broken = [name for name, value in outcome.metrics.items() if not math.isfinite(value)]
    if broken:
        kept = {name: value for name, value in outcome.metrics.items() if name not in broken}
        reason = f"{broken[0]} is {outcome.metrics[broken[0]]}"
        return replace(outcome, state="failed", metrics=kept, reason=reason)
    return outcome


class TimeLimitError(Exception):
    """A trial took longer than it may."""


@contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Raise TimeLimitError in the block after `seconds`, as soon as the interpreter has a turn.

    Works in a process's main thread, where signals arrive; elsewhere there is no limit.
    """
    if seconds is None or threading.current_thread() is not threading.main_thread():
        yield
        return

    def over(_signal: int, _frame: FrameType | None) -> None:
        raise TimeLimitError(f"took longer than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def limit_memory(size: int) -> None:
    """Let this process hold at most `size` bytes of data; what asks for more gets a MemoryError, not a kill."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = size if hard == resource.RLIM_INFINITY else min(size, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (most, hard))


def limit_gpu_memory(share: float) -> None:
    """Let this process hold at most that part of its GPU's memory: a trial that asks for more fails by itself."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.set_per_process_memory_fraction(share)
