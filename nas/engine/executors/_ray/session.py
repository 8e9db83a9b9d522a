"""Start Ray on this machine, or join a running cluster."""

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.resources import files

import ray
from ray._private import ray_constants, services, worker
from ray.exceptions import RayError

from nas.engine.executors import Placement
from nas.engine.executors._ray.ground import check_address, no_answer, ray_folder, split_address
from nas.errors import RunError, first_line
from nas.files import search_path

NICENESS = {"RAY_worker_niceness": "0"}
"""Gives trials the priority of the search itself: at Ray's own (15) they starve beside any other program."""

WORKER_ENV = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "RAY_CHDIR_TO_TRIAL_DIR": "0", "PYTHONWARNINGS": ""}
"""Neither more threads nor warnings that are raised: trials run as in a process of their own."""


@contextmanager
def connected(placement: Placement) -> Iterator[None]:
    """Connect to Ray within the block: to the cluster at `placement.ray`, or to one started on the loopback address.

    Uses Ray as it is if the process has started it already. Raises SettingError when no cluster answers, RunError when
    none starts.
    """
    if ray.is_initialized():
        if placement.ray:
            _check_answers(placement.ray)
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
    """Silence Ray's messages, as a trial's reason says that its worker was lost."""
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
    """Stand in for Ray's function that prints its daemons' messages."""


def _start(placement: Placement) -> None:
    """Start Ray so that it listens on 127.0.0.1 alone, as it does where it may not form clusters."""
    allowed, ray_constants.ENABLE_RAY_CLUSTER = ray_constants.ENABLE_RAY_CLUSTER, False
    before = dict(os.environ)
    os.environ.update(WORKER_ENV | NICENESS, PYTHONPATH=search_path())  # workers inherit it
    try:
        ray.init(
            address="local",
            num_cpus=placement.workers,
            num_gpus=None if placement.gpus else 0,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
            _temp_dir=str(ray_folder() / "ray"),
        )
    except (OSError, ValueError, RuntimeError, RayError) as error:
        raise RunError(f"Ray, which runs several workers, did not start ({first_line(error)}). With --workers 1 a "
                       "search needs none") from None  # fmt: skip
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = allowed
        os.environ.clear()
        os.environ.update(before)


def _join(address: str) -> None:
    """Join a cluster and send our code along: its nodes need torch and Ray, but neither nas nor the data.

    Asks beforehand whether the cluster answers, as Ray itself would wait for it, and print, for ten minutes.
    """
    code = str(files("nas"))
    _show_token()
    flag = _check_answers(address)
    try:
        ray.init(
            address=address,
            runtime_env={"py_modules": [code], "env_vars": WORKER_ENV},
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except (ConnectionError, TimeoutError, ValueError) as error:
        raise no_answer(flag, first_line(error)) from None


def _check_answers(address: str) -> str:
    """Return the option as it was typed. Raises SettingError when no cluster answers at the address."""
    flag = f"--ray {address}"
    check_address(_found(address, flag), flag)
    return flag


def _found(address: str, flag: str) -> str:
    """Return the address that Ray takes for another: of the cluster here for `auto`, of this node for a loopback.

    A process that has joined a cluster means that one by `auto`, whichever was started here since. Raises SettingError
    where there is none.
    """
    if address == "auto" and "://" in (named := os.environ.get("RAY_ADDRESS", "")):
        return named
    if address == "auto" and ray.is_initialized():
        return str(ray.get_runtime_context().gcs_address)
    if address != "auto":
        split_address(address, flag)
    try:
        return address if "://" in address else str(services.canonicalize_bootstrap_address(address, None))
    except ConnectionError:
        raise no_answer(flag, "none runs on this machine") from None


def _show_token() -> None:
    """Use the user's token of Ray's if there is one, as `ray start` does and `ray.init` does not."""
    with suppress(ImportError):  # Ray before 2.60
        from ray._private.authentication import authentication_token_setup as tokens

        tokens.maybe_enable_token_auth_if_token_available(warn_if_disabled=False)
