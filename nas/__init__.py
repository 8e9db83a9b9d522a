"""nas: neural architecture search for vision networks that mix convolution and attention.

    import nas
    run = nas.search("cvt_family", data="cluttered_digits", budget=50)
    run.front()                                  # the Pareto-optimal trials
    network = nas.build(run.pick("knee").load())  # a torch.nn.Module

Names are imported when they are first used, so that `import nas` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nas.architecture import Architecture
    from nas.driver import resume, search
    from nas.grammar import load_architecture, load_space
    from nas.network import build
    from nas.record import Trial
    from nas.report import write_report
    from nas.run import Run
    from nas.samplers._base import Task
    from nas.samplers.pareto import ParetoSampler
    from nas.space import SearchSpace
    from nas.weights import load_weights

_HOMES = {
    "Architecture": "architecture",
    "ParetoSampler": "samplers.pareto",
    "Run": "run",
    "SearchSpace": "space",
    "Task": "samplers._base",
    "Trial": "record",
    "build": "network",
    "load_architecture": "grammar",
    "load_space": "grammar",
    "load_weights": "weights",
    "resume": "driver",
    "search": "driver",
    "write_report": "report",
}

__all__ = [
    "Architecture",
    "ParetoSampler",
    "Run",
    "SearchSpace",
    "Task",
    "Trial",
    "build",
    "load_architecture",
    "load_space",
    "load_weights",
    "resume",
    "search",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'nas' has no attribute '{name}'")
    return getattr(import_module(f"nas.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(_HOMES)
