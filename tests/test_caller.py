"""Neither the caller's process nor nas disturbs the other: its settings break nothing, and are what they were."""

import asyncio
import logging
import os
import random
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
import torch
from picture_folders import write
from small_searches import SPACE, Stopped
from small_searches import search as tiny_search
from small_trainings import network
from threadpoolctl import threadpool_info

import nas
from nas.engine.attempt import time_limit
from nas.engine.watcher import Watcher
from nas.errors import SettingError
from nas.training.caller import undisturbed


@pytest.fixture
def space(tmp_path: Path) -> Path:
    import yaml

    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(SPACE))
    return tmp_path / "tiny.yaml"


def state() -> dict[str, Any]:
    """All that a caller may have set, by name."""
    loggers = [logging.root, logging.getLogger("optuna"), logging.getLogger("ray"), logging.getLogger("torch")]
    return {
        "threads": (torch.get_num_threads(), torch.get_num_interop_threads(), threads_of_libraries()),
        "gradients": (torch.is_grad_enabled(), torch.is_inference_mode_enabled(), torch.is_anomaly_enabled()),
        "defaults": (torch.get_default_dtype(), torch.get_default_device(), torch.get_float32_matmul_precision()),
        "deterministic": (
            torch.are_deterministic_algorithms_enabled(),
            torch.is_deterministic_algorithms_warn_only_enabled(),
        ),
        "cudnn": (torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic, torch.backends.cudnn.allow_tf32),
        "autocast": (torch.is_autocast_enabled("cpu"), torch.is_autocast_enabled("cuda")),
        "torch's draws": torch.get_rng_state().cpu().numpy().tobytes(),
        "numpy's draws": str(np.random.get_state()),
        "draws": random.getstate(),
        "numpy": np.geterr(),
        "optuna": optuna.logging.get_verbosity(),
        "loggers": [(each.level, each.handlers[:], each.propagate, each.disabled) for each in loggers],
        "disabled": logging.root.manager.disable,
        "warnings": (list(warnings.filters), warnings.showwarning),
        "environment": dict(os.environ),
        "signals": [signal.getsignal(number) for number in signal.valid_signals()],
        "folder": Path.cwd(),
        "hook": sys.excepthook,
        "streams": (sys.stdout, sys.stderr),
    }


def threads_of_libraries() -> list[tuple[str, int]]:
    """Return in how many threads each library of numerics works."""
    return [(library["filepath"], library["num_threads"]) for library in threadpool_info()]


@contextmanager
def settings(*, hostile: bool) -> Iterator[None]:
    """Settings of a caller that differ from the usual ones, with `hostile` all by which trials would fail."""
    with ExitStack() as stack:
        stack.callback(torch.set_num_threads, torch.get_num_threads())
        stack.callback(optuna.logging.set_verbosity, optuna.logging.get_verbosity())
        torch.set_num_threads(1 if hostile else 2)  # a training takes all of them
        optuna.logging.set_verbosity(optuna.logging.DEBUG)
        if hostile:
            stack.enter_context(warnings.catch_warnings())
            warnings.simplefilter("error")
            stack.enter_context(np.errstate(all="raise"))
            stack.callback(torch.use_deterministic_algorithms, False)
            torch.use_deterministic_algorithms(True, warn_only=True)
            stack.callback(torch.set_default_dtype, torch.float32)
            torch.set_default_dtype(torch.float64)
            stack.callback(torch.set_float32_matmul_precision, torch.get_float32_matmul_precision())
            torch.set_float32_matmul_precision("medium")  # which an AMX processor takes for bfloat16
            for mode in (
                torch.device("meta"),
                torch.autocast("cpu", torch.bfloat16),
                torch.autograd.set_detect_anomaly(True),
            ):
                stack.enter_context(mode)
            stack.enter_context(torch.no_grad())
            stack.enter_context(torch.inference_mode())
        yield


def precisions() -> list[str]:
    """In what precision matrices are multiplied, by torch's older way of choosing it and by its newer ones."""
    try:
        old = torch.get_float32_matmul_precision()
    except RuntimeError:  # chosen by a newer one
        old = ""
    matmuls = (torch.backends.cuda.matmul, torch.backends.mkldnn.matmul)
    return [old, *(each.fp32_precision for each in (*matmuls, torch.backends))]  # type: ignore[attr-defined]


@pytest.mark.parametrize("chosen", ["cuda", "mkldnn", "all", "allow_tf32", "high"])
def test_a_precision_chosen_in_any_way_stays_out_and_is_left_as_it_was(chosen: str) -> None:
    cuda, mkldnn = torch.backends.cuda.matmul, torch.backends.mkldnn.matmul  # type: ignore[attr-defined]
    choose = {
        "cuda": lambda: setattr(cuda, "fp32_precision", "tf32"),
        "mkldnn": lambda: setattr(mkldnn, "fp32_precision", "bf16"),
        "all": lambda: setattr(torch.backends, "fp32_precision", "tf32"),
        "allow_tf32": lambda: setattr(cuda, "allow_tf32", True),
        "high": lambda: torch.set_float32_matmul_precision("high"),
    }
    before = precisions()
    try:
        choose[chosen]()
        theirs = precisions()
        assert theirs != before
        with undisturbed():
            assert [cuda.fp32_precision, mkldnn.fp32_precision] == ["ieee", "ieee"]
        assert precisions() == theirs
    finally:
        torch.set_float32_matmul_precision("highest")
        for each, own in zip((cuda, mkldnn, torch.backends), before[1:], strict=True):
            each.fp32_precision = own  # type: ignore[attr-defined]


def test_hostile_settings_break_no_trial(space: Path) -> None:
    plain = tiny_search(space, "plain", 2)
    with settings(hostile=True):
        before = state()
        run = tiny_search(space, "a", 2)
        assert state() == before
    assert [t.state for t in run.trials] == ["complete"] * 2
    assert [t.outcome.metrics for t in run.trials] == [t.outcome.metrics for t in plain.trials]


@pytest.mark.slow  # a training ends with seconds of measuring
def test_hostile_settings_break_no_training_and_no_export(tmp_path: Path) -> None:
    images = f"image_folder:{write(tmp_path / 'photos', 12, side=16)}"
    with settings(hostile=True):
        before = state()
        trained = nas.train(network(), data=images, name="t", runs=tmp_path, changes={"epochs": 1})
        exported = nas.export(trained.folder, "python", tmp_path / "t.py")
        model = nas.load(trained.folder)
        assert state() == before
    assert exported.path.exists()
    kinds = {(p.dtype, p.device.type, p.is_inference()) for p in model.network.parameters()}
    assert kinds == {(torch.float32, "cpu", False)}


def stopped(_trial: object, _run: object) -> None:
    torch.set_num_threads(1)
    os.environ["NAS_LEFT"] = "behind"
    logging.root.addHandler(logging.NullHandler())
    random.random()
    os.chdir("/")
    raise Stopped


@pytest.mark.parametrize(
    ("changes", "error"),
    [({"watcher": Watcher(ended=stopped)}, Stopped), ({"objectives": ("accuracy",)}, SettingError)],
)
def test_the_process_is_as_it_was_after_an_error_or_an_interrupt(
    space: Path, changes: dict[str, Any], error: type[BaseException]
) -> None:
    with settings(hostile=False):
        before = state()
        with pytest.raises(error):
            tiny_search(space, "a", 2, **changes)
        assert state() == before


def in_a_thread(call: Callable[[], nas.Run]) -> nas.Run:
    found: list[nas.Run] = []
    thread = threading.Thread(target=lambda: found.append(call()))
    thread.start()
    thread.join()
    return found[0]


def in_a_loop(call: Callable[[], nas.Run]) -> nas.Run:
    """As a cell of a notebook is run."""

    async def cell() -> nas.Run:
        return call()

    return asyncio.run(cell())


@pytest.mark.parametrize("where", [in_a_thread, in_a_loop])
def test_a_search_runs_in_any_thread_and_inside_a_loop(space: Path, where: Callable[[Any], nas.Run]) -> None:
    with settings(hostile=False):
        before = state()
        run = where(lambda: tiny_search(space, "a", 2, trial_timeout=60.0))
        after = state()
    assert [trial.state for trial in run.trials] == ["complete"] * 2
    assert {name for name in before if before[name] != after[name]} == set()


def test_the_callers_alarm_still_rings() -> None:
    rung: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda *_: rung.append(1))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with time_limit(60):
            time.sleep(0.1)
        time.sleep(0.05)
        assert rung == [1]
    finally:
        signal.signal(signal.SIGALRM, before)
