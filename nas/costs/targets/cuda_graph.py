"""A CUDA graph on an NVIDIA GPU: all kernels of a network launched as one; the device's own events tell the time."""

import torch
from torch import Tensor, nn

from nas.costs.targets._base import Clock, Setting, Target, event_clock, no_cuda, placed

WARM_UP = 3  # runs beside the main stream before a capture, as torch's documentation asks


def _prepare(network: nn.Module, x: Tensor, setting: Setting) -> Clock:
    network, x = placed(network, x, "cuda", setting)
    beside = torch.cuda.Stream()
    beside.wait_stream(torch.cuda.current_stream())
    with torch.no_grad(), torch.cuda.stream(beside):
        for _ in range(WARM_UP):
            network(x)
    torch.cuda.current_stream().wait_stream(beside)
    graph = torch.cuda.CUDAGraph()
    with torch.no_grad(), torch.cuda.graph(graph):
        scores = network(x)

    def replay() -> tuple[object, ...]:
        graph.replay()
        return network, x, scores  # the graph reads and writes their memory, so they must live as long

    return event_clock(replay)


cuda_graph = Target(device="cuda", prepare=_prepare, missing=no_cuda)
