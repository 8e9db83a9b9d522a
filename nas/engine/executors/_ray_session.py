"""Starting Ray on this machine, or joining a cluster that runs."""

import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import nas
from nas.errors import SettingError
from nas.evaluation.job import Placement

QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000000",  # the record is ours; a snapshot of Tune's would never be read
}
for _name, _value in QUIET.items():  # Ray reads some of them as it is imported
    os.environ.setdefault(_name, _value)

import ray  # noqa: E402
from ray._private import ray_constants, worker  # noqa: E402

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
    worker.print_to_stdstream = _say_nothing  # a lost worker is told in its trial's reason, not in between
    logging.getLogger("ray").setLevel(logging.ERROR)
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)
    before = signal.getsignal(signal.SIGTERM)
    try:
        _join(placement.ray) if placement.ray else _start(placement)
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)  # ray.init takes it over
        yield
    finally:
        ray.shutdown()


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
    code = str(Path(nas.__file__).parent)
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
