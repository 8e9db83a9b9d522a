"""The door between nas and the process that calls it: neither disturbs the other.

A caller may have switched gradients off, chosen another default for new tensors or made warnings errors; libraries that
a search runs draw from the global generators, set variables and add handlers.
"""

import logging
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

Restore = Callable[[], object]


@contextmanager
def undisturbed() -> Iterator[None]:
    """Run the block, or the function that this decorates, under Python's, NumPy's and PyTorch's own settings.

    Afterwards the process is as it was, also after an error or an interrupt. A thread beside the main one restores what
    nas itself sets alone: the rest may have been changed by others meanwhile.
    """
    import torch

    with ExitStack() as stack:
        if threading.current_thread() is threading.main_thread():
            for kept in (_folder, _hook, _signals, _variables, _loggers, _generators):
                stack.callback(kept())
        stack.callback(_threads(torch))
        _neutral_warnings(stack)
        _neutral_numbers(stack, torch)
        yield


def _neutral_warnings(stack: ExitStack) -> None:
    """Show as warnings what would be raised as errors."""
    stack.enter_context(warnings.catch_warnings())
    warnings.filters = [("default" if kept[0] == "error" else kept[0], *kept[1:]) for kept in warnings.filters]


def _neutral_numbers(stack: ExitStack, torch: Any) -> None:
    import numpy as np

    stack.enter_context(np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"))
    stack.enter_context(torch.inference_mode(False))
    stack.enter_context(torch.enable_grad())
    stack.enter_context(torch.autograd.set_detect_anomaly(False))
    for device in ("cpu", "cuda"):
        if torch.is_autocast_enabled(device):
            stack.enter_context(torch.autocast(device, enabled=False))
    if torch.get_default_device().type != "cpu":
        stack.enter_context(torch.device("cpu"))  # slows every call, so only where it is needed
    if (dtype := torch.get_default_dtype()) != torch.float32:
        stack.callback(torch.set_default_dtype, dtype)
        torch.set_default_dtype(torch.float32)
    _full_precision(stack, torch)
    if torch.are_deterministic_algorithms_enabled():  # some layers have none
        warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
        stack.callback(torch.use_deterministic_algorithms, True, warn_only=warn_only)
        torch.use_deterministic_algorithms(False)


def _full_precision(stack: ExitStack, torch: Any) -> None:
    """Let products of matrices be of full precision, whichever of torch's two ways the caller chose another by."""
    try:
        precision = torch.get_float32_matmul_precision()
    except RuntimeError:  # it was chosen by the new way, of which the old one cannot tell
        precision = None
    if precision == "highest":
        return
    for each in (torch.backends.cuda.matmul, torch.backends.mkldnn.matmul):
        stack.callback(setattr, each, "fp32_precision", each.fp32_precision)
    if precision:  # sets both backends, so it is restored first
        stack.callback(torch.set_float32_matmul_precision, precision)
    torch.set_float32_matmul_precision("highest")


def _threads(torch: Any) -> Restore:
    before = torch.get_num_threads()
    return lambda: torch.get_num_threads() == before or torch.set_num_threads(before)


def _generators() -> Restore:
    import numpy as np
    import torch

    python, numpy, cpu = random.getstate(), np.random.get_state(), torch.get_rng_state()
    gpus = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []

    def restore() -> None:
        random.setstate(python)
        np.random.set_state(numpy)
        torch.set_rng_state(cpu)
        if gpus:
            torch.cuda.set_rng_state_all(gpus)

    return restore


def _variables() -> Restore:
    before = dict(os.environ)

    def restore() -> None:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update({name: value for name, value in before.items() if os.environ.get(name) != value})

    return restore


def _loggers() -> Restore:
    known = [
        logging.root,
        *(each for each in logging.root.manager.loggerDict.values() if isinstance(each, logging.Logger)),
    ]
    before = [(each, each.level, each.handlers[:], each.propagate, each.disabled) for each in known]
    disabled = logging.root.manager.disable

    def restore() -> None:
        logging.disable(disabled)
        for each, level, handlers, propagate, off in before:
            if each.level != level:
                each.setLevel(level)  # and nothing else, as it empties a cache of every logger
            each.handlers[:], each.propagate, each.disabled = handlers, propagate, off

    return restore


def _signals() -> Restore:
    before = {number: signal.getsignal(number) for number in signal.valid_signals()}

    def restore() -> None:
        for number, handler in before.items():
            if handler is not None and signal.getsignal(number) is not handler:
                signal.signal(number, handler)

    return restore


def _hook() -> Restore:
    before = sys.excepthook
    return lambda: setattr(sys, "excepthook", before)


def _folder() -> Restore:
    try:
        before = os.getcwd()  # noqa: PTH109
    except OSError:  # it is gone
        return lambda: None

    def restore() -> None:
        with suppress(OSError):
            os.chdir(before)

    return restore
