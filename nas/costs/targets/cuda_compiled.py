"""torch.compile on an NVIDIA GPU; the device's own events tell the time."""

import torch
from torch import Tensor, nn

from nas.costs.targets._base import Clock, Setting, Target, compiled, event_clock, no_cuda, placed


def _prepare(network: nn.Module, x: Tensor, setting: Setting) -> Clock:
    network, x = placed(network, x, "cuda", setting)
    program = compiled(network)
    return event_clock(torch.inference_mode()(lambda: program(x)))


cuda_compiled = Target(device="cuda", prepare=_prepare, missing=no_cuda)
