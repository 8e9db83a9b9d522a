"""torch on the processor or an NVIDIA GPU, operator by operator, compiled, or as a CUDA graph."""

from functools import partial

import torch
from torch import Tensor, nn

from nas.costs.targets import Clock, Setting, Target, cpu_clock, event_clock, moved
from nas.network.compiling import compiled, no_compiler

__all__ = ["cpu", "cpu_compiled", "cuda", "cuda_compiled", "cuda_graph"]

WARM_UP = 3  # runs on a side stream before a capture, as torch's documentation asks


def _prepare_cpu(network: nn.Module, x: Tensor, setting: Setting) -> Clock:
    network, x = moved(network, x, "cpu", setting)
    return cpu_clock(torch.inference_mode()(lambda: network(x)), setting)


def _prepare_cpu_compiled(network: nn.Module, x: Tensor, setting: Setting) -> Clock:
    network, x = moved(network, x, "cpu", setting)
    program = compiled(network)
    return cpu_clock(torch.inference_mode()(lambda: program(x)), setting)


def _prepare_cuda(network: nn.Module, x: Tensor, setting: Setting) -> Clock:
    network, x = moved(network, x, "cuda", setting)
    return event_clock(torch.inference_mode()(lambda: network(x)))


def _prepare_cuda_compiled(network: nn.Module, x: Tensor, setting: Setting) -> Clock:
    network, x = moved(network, x, "cuda", setting)
    program = compiled(network)
    return event_clock(torch.inference_mode()(lambda: program(x)))


def _prepare_cuda_graph(network: nn.Module, x: Tensor, setting: Setting) -> Clock:
    """Launch all kernels of the network as one."""
    network, x = moved(network, x, "cuda", setting)
    beside = torch.cuda.Stream()
    beside.wait_stream(torch.cuda.current_stream())
    with torch.no_grad(), torch.cuda.stream(beside):
        for _ in range(WARM_UP):
            network(x)
    torch.cuda.current_stream().wait_stream(beside)
    graph = torch.cuda.CUDAGraph()
    with torch.no_grad(), torch.cuda.graph(graph):
        out = network(x)

    def replay() -> tuple[object, ...]:
        graph.replay()
        return network, x, out  # the graph reads and writes their memory, so they must live as long

    return event_clock(replay)


def _no_cuda() -> str:
    return "" if torch.cuda.is_available() else "torch sees no CUDA device here"


cpu = Target(device="cpu", prepare=_prepare_cpu)
cpu_compiled = Target(device="cpu", prepare=_prepare_cpu_compiled, missing=partial(no_compiler, "cpu"))
cuda = Target(device="cuda", prepare=_prepare_cuda, missing=_no_cuda)
cuda_compiled = Target(device="cuda", prepare=_prepare_cuda_compiled, missing=lambda: _no_cuda() or no_compiler("cuda"))
cuda_graph = Target(device="cuda", prepare=_prepare_cuda_graph, missing=_no_cuda)
