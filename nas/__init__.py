"""Neural architecture search for vision networks that mix convolution and attention.

    import nas
    run = nas.search("cvt_family", data="cluttered_digits", budget=50)
    run.front()                                         # the Pareto-optimal results
    network = nas.build(run.pick("knee").architecture)  # a torch.nn.Module

Names are imported when first used, so that `import nas` takes no time.
"""

import random
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if sys.platform == "win32":
    raise ImportError("nas needs Linux or another POSIX system, by whose locks its processes share files; on Windows, "
                      "install it inside WSL")  # fmt: skip

if TYPE_CHECKING:
    from nas.engine.attendant import Attendant
    from nas.engine.calibrate import calibrate
    from nas.engine.samplers import Problem
    from nas.engine.samplers.pareto import ParetoSampler
    from nas.engine.search import resume, search
    from nas.engine.train import train
    from nas.engine.watcher import Watcher
    from nas.evaluation.plugins import load_plugins
    from nas.network.architecture import Architecture
    from nas.network.build import build
    from nas.network.weights import load_weights
    from nas.record.analysis.attending import layouts
    from nas.record.analysis.comparison import compare
    from nas.record.analysis.reliability import reliability
    from nas.record.models import load
    from nas.record.run import Run
    from nas.record.trial import Trial
    from nas.report.calibration_page import write_calibration
    from nas.report.comparison_page import write_comparison
    from nas.report.evaluate import evaluate
    from nas.report.evaluation_page import write_evaluation
    from nas.report.export import export
    from nas.report.hub import HubModel
    from nas.report.page import write_report
    from nas.space.library import load_architecture, load_space
    from nas.space.space import SearchSpace

_HOMES = {
    "Architecture": "network.architecture",
    "Attendant": "engine.attendant",
    "HubModel": "report.hub",
    "ParetoSampler": "engine.samplers.pareto",
    "Problem": "engine.samplers",
    "Run": "record.run",
    "SearchSpace": "space.space",
    "Trial": "record.trial",
    "Watcher": "engine.watcher",
    "build": "network.build",
    "calibrate": "engine.calibrate",
    "compare": "record.analysis.comparison",
    "evaluate": "report.evaluate",
    "export": "report.export",
    "layouts": "record.analysis.attending",
    "load": "record.models",
    "load_architecture": "space.library",
    "load_plugins": "evaluation.plugins",
    "load_space": "space.library",
    "load_weights": "network.weights",
    "reliability": "record.analysis.reliability",
    "resume": "engine.search",
    "search": "engine.search",
    "train": "engine.train",
    "write_calibration": "report.calibration_page",
    "write_comparison": "report.comparison_page",
    "write_evaluation": "report.evaluation_page",
    "write_report": "report.page",
}

__all__ = [
    "Architecture",
    "Attendant",
    "HubModel",
    "ParetoSampler",
    "Problem",
    "Run",
    "SearchSpace",
    "Trial",
    "Watcher",
    "build",
    "calibrate",
    "compare",
    "evaluate",
    "export",
    "layouts",
    "load",
    "load_architecture",
    "load_plugins",
    "load_space",
    "load_weights",
    "reliability",
    "resume",
    "search",
    "train",
    "write_calibration",
    "write_comparison",
    "write_evaluation",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'nas' has no attribute '{name}'")
    drawn = random.getstate()  # libraries draw from it when they are imported
    try:
        return getattr(import_module(f"nas.{_HOMES[name]}"), name)
    finally:
        random.setstate(drawn)


def __dir__() -> list[str]:
    return sorted(_HOMES)
