"""torch.compile on the processor."""

import torch
from torch import Tensor, nn

from nas.costs.targets._base import Clock, Setting, Target, compiled, cpu_clock, no_compiler, placed


def _prepare(network: nn.Module, x: Tensor, setting: Setting) -> Clock:
    network, x = placed(network, x, "cpu", setting)
    program = compiled(network)
    return cpu_clock(torch.inference_mode()(lambda: program(x)), setting)


cpu_compiled = Target(device="cpu", prepare=_prepare, missing=no_compiler)
