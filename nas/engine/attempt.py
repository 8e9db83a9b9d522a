"""Evaluate a job so that an error, a hang or a lack of memory ends no trial but its own."""

import ctypes
import math
import resource
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType

from nas.errors import TimeLimitError
from nas.evaluation.job import Evaluate, Job, Outcome, describe

AGAIN = 1.0  # seconds until a limit is told again, where a library took it for an error of its own
IMPORTING = "importlib._bootstrap"  # the module whose functions run while one is loaded
SOON = 1e-3  # seconds until a caller's alarm that was due in the meantime


def attempt(evaluate: Evaluate, job: Job, timeout: float | None) -> Outcome:
    """Evaluate a job. An exception, a timeout or a value that is not finite makes a failed outcome."""
    try:
        with time_limit(timeout) as late:
            outcome = evaluate(job)
    except Exception as error:
        return Outcome("failed", reason=describe(error))
    finally:
        return_memory()
    if late.is_set() and outcome.state == "complete":
        return replace(outcome, state="failed", reason=describe(_over(timeout)))
    broken = [name for name, value in outcome.metrics.items() if not math.isfinite(value)]
    if broken:
        kept = {name: value for name, value in outcome.metrics.items() if name not in broken}
        reason = f"{broken[0]} is {outcome.metrics[broken[0]]}"
        return replace(outcome, state="failed", metrics=kept, reason=reason)
    return outcome


@contextmanager
def time_limit(seconds: float | None) -> Iterator[threading.Event]:
    """Raise TimeLimitError in the block after `seconds`, as soon as the interpreter runs, and again every second.

    Yields an event that is set by then. An import is let finish, as a library that was loaded by half serves no later
    trial. Sets no limit outside a process's main thread, as signals arrive there alone.
    """
    late = threading.Event()
    if seconds is None or threading.current_thread() is not threading.main_thread():
        yield late
        return
    outside = _imports(sys._getframe())

    def over(_signal: int, frame: FrameType | None) -> None:
        late.set()
        if _imports(frame) == outside:
            raise _over(seconds)

    rest, every = signal.setitimer(signal.ITIMER_REAL, 0)  # of a timer that the caller has
    start, before = time.monotonic(), signal.signal(signal.SIGALRM, over)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
        yield late
    finally:
        try:
            signal.setitimer(signal.ITIMER_REAL, 0)
        finally:  # the limit may be reached just then
            signal.signal(signal.SIGALRM, before)
            if rest:
                signal.setitimer(signal.ITIMER_REAL, max(rest - (time.monotonic() - start), SOON), every)


def _over(seconds: float | None) -> TimeLimitError:
    return TimeLimitError(f"took longer than {seconds:g} s")


def _imports(frame: FrameType | None) -> int:
    """Count the imports under way below a frame."""
    return sum(found.f_globals.get("__name__") == IMPORTING for found, _ in traceback.walk_stack(frame))


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
