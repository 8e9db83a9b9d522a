"""Weights for a network: the names freed of what wrapped it, and the sizes brought to its resolution."""

import json
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from nas.errors import SettingError, brief
from nas.network.weight_files import State, read_all, several
from nas.registry import nearest

WRAPPERS = {"module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"}
"""What DataParallel, torch.compile, FSDP and checkpointing put between the names of modules."""
AVERAGED = "n_averaged"  # the counter of torch's AveragedModel


def load_weights(network: nn.Module, path: Path | str) -> list[str]:
    """Load the weights in a file into a network or backbone of the same architecture, at this or another resolution.

    The file may be a checkpoint that holds them, under names that DataParallel, torch.compile or a trainer's module
    has put something before; a warning says what was taken off or left out.

    Returns the names of the weights in the file that a backbone leaves out: the head's, and those of stages behind the
    last that it gives. Raises SettingError when the file cannot be read, holds the weights of another network, or
    several that may be meant, and for what is no network or no path.
    """
    if not isinstance(network, nn.Module):
        raise SettingError(f"network: found {brief(network)}; write a torch.nn.Module, as nas.build returns")
    if not isinstance(path, str | Path):
        raise SettingError(f"path: found {brief(path)}; write a text or a path")
    network = _inside(network)
    try:
        state, notes = _choose(path, network)
        adapted = adapt(state, network)
    except SettingError as error:
        said = str(error).removeprefix(f"{path}: ")
        raise SettingError(f"{path}: {said}{_classes(path, said)}") from None
    network.load_state_dict(adapted)
    if notes:
        warnings.warn(f"{path}: {'; '.join(notes)}", stacklevel=2)
    return [name for name in state if name not in adapted]


def _inside(network: nn.Module) -> nn.Module:
    """Return the network in what torch.compile or DataParallel made of it."""
    while isinstance(inner := getattr(network, "_orig_mod", getattr(network, "module", None)), nn.Module):
        network = inner
    return network


def _choose(path: Path | str, network: nn.Module) -> tuple[State, list[str]]:
    """Read the one state dict of a file that fits the network, under bare names, and say what was done for it."""
    found = read_all(path)
    freed = {name: bare(state, network) for name, state in found.items()}
    fitting = [name for name, (state, _) in freed.items() if _covers(state, network)]
    if len(fitting) > 1:
        raise SettingError(several(path, fitting))
    chosen = fitting[0] if fitting else next(iter(found))
    state, notes = freed[chosen]
    return state, [*([f"took the weights '{chosen}' of a checkpoint"] if chosen else []), *notes]


def bare(state: State, network: nn.Module) -> tuple[State, list[str]]:
    """Free the names in `state` of wrappers and of one prefix, if the network's names then fit; say what was done.

    Raises SettingError where several prefixes fit.
    """
    wanted = list(network.state_dict())
    if _covers(state, network) or not wanted:
        return state, []
    wrappers = WRAPPERS - {part for name in wanted for part in name.split(".")}
    state = {name: value for name, value in state.items() if name != AVERAGED}
    plain = {_without(name, wrappers): value for name, value in state.items()}
    gone = sorted({part for name in state for part in name.split(".")} & wrappers)
    if len(plain) < len(state):
        return state, []
    notes = [f"took {' and '.join(f'{part}.' for part in gone)} off the names"] if gone else []
    ends = [name.removesuffix(wanted[0]) for name in plain if name.endswith(f".{wanted[0]}")]
    prefixes = [prefix for prefix in ends if all(prefix + name in plain for name in wanted)]
    if _covers(plain, network) or not prefixes:
        return plain, notes
    if len(prefixes) > 1:
        raise SettingError(f"holds the weights of several networks, named {' and '.join(prefixes)}; save one of them "
                           "alone")  # fmt: skip
    inside = {n.removeprefix(prefixes[0]): value for n, value in plain.items() if n.startswith(prefixes[0])}
    others = [f"left out {len(plain) - len(inside)} weights of others"] if len(inside) < len(plain) else []
    return inside, [*notes, f"took {prefixes[0]} off the names", *others]


def _covers(state: Mapping[str, Tensor], network: nn.Module) -> bool:
    return all(name in state for name in network.state_dict())


def _without(name: str, wrappers: set[str]) -> str:
    return ".".join(part for part in name.split(".") if part not in wrappers)


def _classes(path: Path | str, said: str) -> str:
    """Name the classes of a file that nas wrote, after an error about their number."""
    if " classes" not in said:
        return ""
    try:
        with safe_open(path, "pt") as file:
            names = json.loads((file.metadata() or {}).get("classes", "[]"))
    except (SafetensorError, OSError, ValueError):
        return ""
    return f". Those of the file: {', '.join(map(str, names[:10]))}{' ...' if len(names) > 10 else ''}" if names else ""


def adapt(state: Mapping[str, Tensor], network: nn.Module) -> dict[str, Tensor]:
    """Resize the relative tables and positions in `state` to those of the network, as `load_state_dict` needs.

    A backbone's state has no weights of the head. Raises SettingError when the weights are those of another network.
    """
    wanted, leaves_out = network.state_dict(), getattr(network, "leaves_out", lambda _: False)
    for name in state:
        if name not in wanted and not leaves_out(name):
            raise SettingError(f"the network has no weight '{name}'. {_nearest(name, wanted)}")
    for name in wanted:
        if name not in state:
            raise SettingError(f"the weight '{name}' is missing; these are the weights of another network")
    return {name: _fitted(network, name, value, wanted[name]) for name, value in state.items() if name in wanted}


def _fitted(network: nn.Module, name: str, value: Tensor, wanted: Tensor) -> Tensor:
    """Resize a weight by the module that owns it, where its shape differs."""
    _check_plain(name, value, wanted)
    owner, _, leaf = name.rpartition(".")
    resized, shape = getattr(network.get_submodule(owner), "resized", None), wanted.shape
    movable = value.shape != shape and value.ndim == wanted.ndim > 1 and all(value.shape)
    fits = resized(leaf, value.to(wanted.dtype)) if resized and movable else value
    if fits.shape != shape:
        raise SettingError(f"the weight '{name}' is {tuple(value.shape)}, the network needs {tuple(shape)}"
                           f"{_other_classes(network, name, value.shape, shape)}")  # fmt: skip
    return fits


def _check_plain(name: str, value: Tensor, wanted: Tensor) -> None:
    """Require numbers that load without loss: dense ones, real where the network's are."""
    odd = [
        ("quantized", value.is_quantized),
        ("on torch's meta device, without numbers", value.is_meta),
        (str(value.layout), value.layout != torch.strided),
        (str(value.dtype), value.is_complex() or wanted.is_floating_point() > value.is_floating_point()),
    ]
    if found := next((word for word, is_so in odd if is_so), ""):
        raise SettingError(f"the weight '{name}' is {found}; the network needs a dense tensor of {wanted.dtype}: save "
                           "the weights as such")  # fmt: skip


def _other_classes(network: nn.Module, name: str, found: torch.Size, wanted: torch.Size) -> str:
    """Say of a weight that does not fit that only the number of classes is another, if so."""
    classes = getattr(getattr(network, "architecture", None), "classes", None)
    if not name.startswith("head.") or found[1:] != wanted[1:] or wanted[:1] != (classes,):
        return ""
    return (f": it knows {found[0]} classes, the network {classes}; build the network for {found[0]}, or load a "
            "backbone, nas.build(architecture, features=True)")  # fmt: skip


def _nearest(name: str, wanted: Mapping[str, Tensor]) -> str:
    """Suggest the nearest of many names, without the list of all of them."""
    near = nearest(name, wanted)
    return f"Did you mean '{near}'?" if near else "These are the weights of another network."
