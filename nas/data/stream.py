"""Batches of a data set in a given order. Pictures outside memory are decoded ahead, by threads or by processes.

Decoding draws nothing at random and the order is the caller's, so that any number of workers gives the same batches,
and a training that was interrupted goes on with the batches that are left.
"""

import atexit
import math
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import islice
from multiprocessing import resource_tracker
from multiprocessing.context import BaseContext
from multiprocessing.util import get_temp_dir
from typing import Any
from weakref import WeakSet

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as Indexed

from nas.data.sets import Dataset
from nas.data.stored import Gathered, Pictures, gather
from nas.errors import RunError

LONGEST = 60  # bytes of a folder's path, of the 107 that the path of a socket in a folder of that folder may have
AHEAD = 2  # batches that are decoded while the caller works on one, by each process

Rows = NDArray[np.int64]
Batch = tuple[Tensor, Tensor, list[str]]
"""Images uint8 `(n, channels, height, width)`, their targets, and the unreadable ones by name, with what is wrong."""

_OPEN: WeakSet[Generator[Gathered]] = WeakSet()
"""Streams whose processes may still run."""


def stream(dataset: Dataset, batches: Sequence[Rows], workers: int) -> Iterator[Batch]:
    """Yield the images of each group of rows, in order, less those that cannot be read; of all, n may be 0.

    Pictures outside memory are decoded by so many processes, or by threads of this one where `workers` is 0. Raises
    RunError when such a process dies.
    """
    images = dataset.images
    if isinstance(images, np.ndarray):
        found: Iterator[Gathered] = (gather(images, rows) for rows in batches)
    elif workers and len(batches):
        _OPEN.add(found := _by_processes(images, batches, min(workers, len(batches))))
    else:
        found = _by_threads(images, batches)
    for rows, (pixels, readable, unreadable) in zip(batches, found, strict=True):
        yield torch.from_numpy(pixels), torch.from_numpy(dataset.labels[rows[readable]]), unreadable


def _by_threads(images: Pictures, batches: Sequence[Rows]) -> Iterator[Gathered]:
    with ThreadPoolExecutor() as pool, ThreadPoolExecutor(1) as ahead:
        waiting: deque[Future[Gathered]] = deque()
        rest = iter(batches)
        try:
            for rows in islice(rest, AHEAD):
                waiting.append(ahead.submit(gather, images, rows, pool.map))
            while waiting:
                found = waiting.popleft().result()
                waiting.extend(ahead.submit(gather, images, rows, pool.map) for rows in islice(rest, 1))
                yield found
        finally:
            ahead.shutdown(wait=False, cancel_futures=True)


def _by_processes(images: Pictures, batches: Sequence[Rows], workers: int) -> Generator[Gathered]:
    largest = max(map(len, batches)) * math.prod(images.shape[1:])
    loader = DataLoader(
        _Decoder(images, _shared((AHEAD + 1) * workers * largest)),
        batch_size=None,
        sampler=batches,
        num_workers=workers,
        collate_fn=_as_it_is,
        worker_init_fn=_begin,
        prefetch_factor=AHEAD,
        multiprocessing_context=_context(images.needs),
        generator=torch.Generator(),  # else each pass would draw a number from the training's
    )
    with _interrupts_held_back():
        found = iter(loader)
    while True:
        try:
            pixels, gathered = next(found)
        except StopIteration:
            return
        except (RuntimeError, OSError, EOFError) as error:
            reason = " ".join(str(error).split())
            raise RunError(
                f"a process that decodes images died ({reason}). It may have run out of memory: let fewer work "
                "(--loaders). In a script of your own, train below `if __name__ == '__main__':`"
            ) from error
        yield gathered._replace(pixels=pixels if isinstance(pixels, np.ndarray) else pixels.numpy())


@atexit.register
def _close() -> None:
    """End the processes of streams left open, which Python's own end would wait for, as they heed no signal."""
    for found in list(_OPEN):
        with suppress(ValueError):  # a thread is waiting for its next batch
            found.close()


class _Decoder(Indexed[Any]):
    """What each process has: the pictures, from which it decodes a batch of rows.

    Tensors come back in memory that processes share, arrays through a pipe, which takes the training's process longer.
    """

    def __init__(self, images: Pictures, shared: bool) -> None:
        self.images, self.shared = images, shared

    def __getitem__(self, rows: Rows) -> tuple[NDArray[np.uint8] | Tensor, Gathered]:
        found = gather(self.images, rows)
        pixels = torch.from_numpy(found.pixels) if self.shared else found.pixels
        return pixels, found._replace(pixels=found.pixels[:0])


def _shared(size: int) -> bool:
    """Tell whether so many bytes are a small part of the memory for sharing, of which containers often have 64 MiB."""
    try:
        return 4 * size < shutil.disk_usage("/dev/shm").free
    except OSError:
        return False


def _as_it_is(found: Any) -> Any:
    return found


def _begin(worker: int) -> None:
    """Leave it to the training to end, at Ctrl-C or when a scheduler asks for it: it ends its workers itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.excepthook = lambda *error: None  # a batch that nobody fetches any more, for one; real errors reach the caller


def _context(needs: Sequence[str]) -> BaseContext:
    """Return how processes are made: of a server that has loaded what they need once, where there is one."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    _settle_sockets()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, *needs])  # without effect on a server that runs already
    return context


def _settle_sockets() -> None:
    """Let the sockets between processes lie in /tmp where the path for temporary files is longer than theirs may be."""
    before = tempfile.tempdir
    if len(os.fsencode(tempfile.gettempdir())) > LONGEST and os.access("/tmp", os.W_OK | os.X_OK):
        tempfile.tempdir = "/tmp"
    try:
        get_temp_dir()  # chosen now and kept
    finally:
        tempfile.tempdir = before


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Hold Ctrl-C back within the block, and from processes that begin there, which would print where they are."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # lets Ctrl-C in where it starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
