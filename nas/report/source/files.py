"""Files of code: run as modules, and read as models."""

import importlib.util
import sys
from hashlib import sha256
from pathlib import Path
from types import ModuleType

import torch

from nas.errors import SettingError, in_one_line
from nas.network.heads import Head
from nas.report.formats import Reader
from nas.training.boxes.found import THRESHOLD


def run_file(path: Path) -> ModuleType:
    """Run a Python file as a module of its own, with all that its code does.

    Raises SettingError when the file is missing or its code fails.
    """
    if not path.is_file():
        raise SettingError(f"{path}: no such file; give a .py file that nas export wrote")
    name = f"{path.stem}_{sha256(str(path.resolve()).encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise SettingError(f"{path}: not a Python file; give a .py file that nas export wrote")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # classes look their module up
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise SettingError(f"{path}: cannot be run ({in_one_line(error)})") from None
    return module


def reader(module: ModuleType, path: Path) -> Reader:
    """Make a module that `nas export` wrote of a trained model ready to run, with the weights beside it.

    Raises SettingError where it is none, or where its weights are missing or damaged.
    """
    for name in ("CLASSES", "CHANNELS", "RESOLUTION", "build", "normalise"):
        if not hasattr(module, name):
            raise SettingError(f"{path}: has no {name}; give a .py file that nas export wrote of a trained model")
    try:
        network = module.build()
    except Exception as error:  # torch and timm raise whatever they meet
        raise SettingError(f"{path}: its weights cannot be loaded ({in_one_line(error)}); export it again, "
                           "or put them beside it") from None  # fmt: skip
    run = torch.inference_mode()(lambda x: network(module.normalise(x)))
    outputs, threshold = getattr(module, "OUTPUTS", Head.outputs), getattr(module, "THRESHOLD", THRESHOLD)
    return Reader(module.CLASSES, module.CHANNELS, module.RESOLUTION, run, outputs, threshold)
