"""torch on the processor, operator by operator."""

import torch
from torch import Tensor, nn

from nas.costs.targets._base import Clock, Setting, Target, cpu_clock, placed


def _prepare(network: nn.Module, x: Tensor, setting: Setting) -> Clock:
    network, x = placed(network, x, "cpu", setting)
    return cpu_clock(torch.inference_mode()(lambda: network(x)), setting)


cpu = Target(device="cpu", prepare=_prepare)
