"""The same file registering itself with timm, for `timm.create_model`, `features_only=True` and `num_classes=`.

Writing needs timm: the file is checked by timm itself, in this process, and the registry is left as it was.
"""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from nas import files
from nas.errors import RunError, SettingError
from nas.report.formats import Format, Reader, Shipment
from nas.report.source.files import reader, run_file
from nas.report.source.timm_text import model_name, source
from nas.report.source.trial import SEED, differences, expectations, images_for

REGISTERS = b"@register_model"


def _missing() -> str:
    if "timm" in sys.modules:
        return ""
    if find_spec("timm") is None:
        return "timm is not installed, which checks the file; write: pip install --no-deps timm"
    needs = f"timm needs torchvision; install the build for this torch, {torch.__version__}, as pytorch.org tells"
    return "" if find_spec("torchvision") else needs


def _write(shipment: Shipment, path: Path) -> list[str]:
    library = _timm()
    name = model_name(shipment.architecture.name, set(library.list_models()))
    files.write(path, source(shipment, path.stem, name))
    if shipment.model is not None:
        state = {n: value.detach().cpu().contiguous() for n, value in shipment.model.network.state_dict().items()}
        with files.replacing(path.with_suffix(".safetensors")) as stream:
            stream.write(save(state, {"format": "pt"}))
    return _check(path, shipment, name)


def _check(file: Path, shipment: Shipment, name: str) -> list[str]:
    """Build the network by timm in the ways that it offers, and compare outputs bit for bit."""
    library, images = _timm(), images_for(shipment)
    expected, weights = expectations(shipment, images)
    try:
        with _visit(file) as module, torch.inference_mode():
            torch.manual_seed(SEED)
            fresh = module.Network().state_dict()
            model = library.create_model(name, pretrained=shipment.model is not None).eval()
            if shipment.model is None:
                model.load_state_dict(weights)
            given = images if shipment.model is None else [module.normalise(x) for x in images]
            outputs = [model(x) for x in given]
            _check_variants(library, name, given[0], model.feature_info)
    except SettingError as error:
        raise RunError(str(error)) from None
    checks = differences(file, shipment, images, expected, outputs, fresh)
    return [f'timm {library.__version__} makes it: timm.create_model("{name}")', *checks, "features_only, num_classes"]


def _check_variants(library: Any, name: str, x: Tensor, info: list[Any]) -> None:
    maps = library.create_model(name, features_only=True).eval()(x)
    if [m.shape[1] for m in maps] != [stage["num_chs"] for stage in info]:
        raise RunError(f"{name}: features_only=True gives maps of other widths than feature_info says")
    for classes in (0, 7):
        model = library.create_model(name, num_classes=classes).eval()
        if (found := model(x).shape[1]) != (classes or model.head_hidden_size):
            raise RunError(f"{name}: num_classes={classes} gives {found} outputs")


def _read(path: Path) -> Reader:
    """Run the file, whose code the user trusts by naming it."""
    if _missing():
        raise SettingError(f"{path}: {_missing()}")
    with _visit(path) as module:
        return reader(module, path)


def _claims(path: Path) -> bool:
    return REGISTERS in path.read_bytes()


def _timm() -> Any:
    """Import timm. Raises SettingError where it is not installed."""
    if missing := _missing():
        raise SettingError(missing)
    return import_module("timm")


@contextmanager
def _visit(file: Path) -> Iterator[ModuleType]:
    """Run a file that registers a network with timm, and take it out of timm's registry afterwards."""
    _timm()
    tables = [v for v in vars(import_module("timm.models._registry")).values() if isinstance(v, dict | set)]
    before = [{k: _copied(v) for k, v in t.items()} if isinstance(t, dict) else set(t) for t in tables]
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Overwriting ")
            module = run_file(file)
        yield module
    finally:
        for table, kept in zip(tables, before, strict=True):
            table.clear()
            table.update(kept)


def _copied(value: Any) -> Any:
    return type(value)(value) if isinstance(value, set | list) else value


timm = Format(
    "the same file registering itself with timm, its weights beside it as safetensors",
    _write,
    suffix=".py",
    weights=False,
    only="logits",
    reads=_read,
    missing=_missing,
    claims=_claims,
)
