"""Evaluate a job so that an error, a hang or a lack of memory ends no trial but its own."""

import ctypes
import math
import resource
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType

from nas.errors import NasError
from nas.evaluation.job import Evaluate, Job, Outcome, describe

SOON = 1e-3  # seconds until a caller's alarm that was due in the meantime


def attempt(evaluate: Evaluate, job: Job, timeout: float | None) -> Outcome:
    """Evaluate a job. An exception, a timeout or a value that is not finite makes a failed outcome."""
    try:
        with time_limit(timeout):
            outcome = evaluate(job)
    except Exception as error:
        return Outcome("failed", reason=describe(error))
    finally:
        return_memory()
    broken = [name for name, value in outcome.metrics.items() if not math.isfinite(value)]
    if broken:
        kept = {name: value for name, value in outcome.metrics.items() if name not in broken}
        reason = f"{broken[0]} is {outcome.metrics[broken[0]]}"
        return replace(outcome, state="failed", metrics=kept, reason=reason)
    return outcome


class TimeLimitError(NasError):
    """Raised in a trial that takes longer than its limit. No fault of what was just running."""


@contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Raise TimeLimitError in the block after `seconds`, as soon as the interpreter runs.

    Sets no limit outside a process's main thread, as signals arrive there alone.
    """
    if seconds is None or threading.current_thread() is not threading.main_thread():
        yield
        return

    def over(_signal: int, _frame: FrameType | None) -> None:
        raise TimeLimitError(f"took longer than {seconds:g} s")

    start, before = time.monotonic(), signal.signal(signal.SIGALRM, over)
    rest, every = signal.setitimer(signal.ITIMER_REAL, seconds)  # of a timer that the caller has
    try:
        yield
    finally:
        try:
            signal.setitimer(signal.ITIMER_REAL, 0)
        finally:  # the limit may be reached just then
            signal.signal(signal.SIGALRM, before)
            if rest:
                signal.setitimer(signal.ITIMER_REAL, max(rest - (time.monotonic() - start), SOON), every)


def return_memory() -> None:
    """Return freed memory to the system, as glibc keeps some of every trial's. Other C libraries are left alone."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "malloc_trim"):
        libc.malloc_trim(0)


def limit_memory(size: int) -> None:
    """Let this process hold at most `size` bytes of data, so that asking for more raises MemoryError."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = size if hard == resource.RLIM_INFINITY else min(size, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (most, hard))


def limit_gpu_memory(share: float) -> None:
    """Let this process hold at most this share of its GPU's memory, so that no trial takes another's."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.set_per_process_memory_fraction(share)
