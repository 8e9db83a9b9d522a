"""Compile a network by torch.compile, and say what the compiler lacks."""

import os
import shutil
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import torch
from torch import nn


def compiled(network: nn.Module) -> Callable[..., Any]:
    """Compile a network in a function with its own code object, at its first call.

    Dynamo keeps programs by code object and after a few networks in one would silently run the next eagerly.
    """

    def run(*inputs: Any) -> Any:
        return network(*inputs)

    run.__code__ = run.__code__.replace()
    program: Callable[..., Any] = torch.compile(run, dynamic=False)
    return program


def no_compiler(device: str) -> str:
    """Say what torch.compile lacks on this machine for a kind of device, `cpu` or `cuda`, or return an empty text."""
    if device == "cuda":
        return "" if find_spec("triton") else "torch.compile needs Triton here: pip install triton"
    names = [os.environ.get("CXX", "c++"), "g++", "clang++"]
    return "" if any(map(shutil.which, names)) else "torch.compile needs a C++ compiler here, such as g++ or clang++"
