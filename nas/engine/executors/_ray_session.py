"""Starting Ray on this machine, or joining a cluster that runs."""

import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import ray
from ray._private import ray_constants, worker

from nas.engine.executors import Placement
from nas.errors import SettingError

NICENESS = {"RAY_worker_niceness": "0"}
"""Trials have the priority of the search itself: Ray would let its workers (15) starve beside any other program."""

WORKER_ENV = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "RAY_CHDIR_TO_TRIAL_DIR": "0"}


@contextmanager
def connected(placement: Placement) -> Iterator[None]:
    """Ray for the block: the cluster at `placement.ray`, or one of this machine's own, on the loopback address.

    A Ray that the process has started already is used as it is. Raises SettingError when no cluster answers.
    """
    if ray.is_initialized():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        with _hushed():
            _join(placement.ray) if placement.ray else _start(placement)
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGTERM, before)  # ray.init takes it over
            yield
    finally:
        ray.shutdown()


@contextmanager
def _hushed() -> Iterator[None]:
    """Without Ray's messages: a lost worker is told in its trial's reason, not in between."""
    levels = {logging.getLogger("ray"): logging.ERROR, logging.getLogger("ray.tune"): logging.CRITICAL}
    before, printing = {logger: logger.level for logger in levels}, worker.print_to_stdstream
    worker.print_to_stdstream = _say_nothing
    for logger, level in levels.items():
        logger.setLevel(level)
    try:
        yield
    finally:
        worker.print_to_stdstream = printing
        for logger, level in before.items():
            logger.setLevel(level)


def _say_nothing(data: object, ignore_prefix: bool) -> None:
    """In place of Ray's printing of its daemons' messages on our standard output."""


def _start(placement: Placement) -> None:
    """Nothing listens but on 127.0.0.1: that is what Ray does where it may not form clusters."""
    allowed, ray_constants.ENABLE_RAY_CLUSTER = ray_constants.ENABLE_RAY_CLUSTER, False
    before = dict(os.environ)
    os.environ.update(
        WORKER_ENV | NICENESS, PYTHONPATH=os.pathsep.join(path for path in sys.path if path)
    )  # workers inherit it
    try:
        ray.init(
            address="local",
            num_cpus=placement.workers,
            num_gpus=None if placement.gpus else 0,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = allowed
        os.environ.clear()
        os.environ.update(before)


def _join(address: str) -> None:
    """Code travels with the job: the nodes need torch and Ray, but neither nas nor the data."""
    code = str(Path(__file__).parents[2])  # the package's folder
    _show_token()
    try:
        ray.init(
            address=address,
            runtime_env={"py_modules": [code], "env_vars": WORKER_ENV},
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except (ConnectionError, TimeoutError, ValueError) as error:
        cause = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise SettingError(
            f"--ray {address}: no Ray cluster answers ({cause}). Start one with: ray start --head"
        ) from None


def _show_token() -> None:
    """Where this person has a token of Ray's, use it: `ray start` does, but joining an address by itself does not."""
    with suppress(ImportError):  # Ray before 2.60
        from ray._private.authentication import authentication_token_setup as tokens

        tokens.maybe_enable_token_auth_if_token_available(warn_if_disabled=False)
