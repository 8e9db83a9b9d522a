"""Weights from a file, and weights of one resolution for a network built for another."""

import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from nas.errors import SettingError
from nas.registry import suggest


def load_weights(network: nn.Module, path: Path | str) -> None:
    """Give a network the weights in a file, also those of the same architecture at another resolution.

    Raises SettingError when the file cannot be read or holds the weights of another network.
    """
    network.load_state_dict(adapt(read(path), network))


def read(path: Path | str) -> dict[str, Tensor]:
    """The tensors in a `.safetensors` file or a torch state dict; code in the file is never run.

    Raises SettingError when the file is missing, damaged or holds anything but named tensors.
    """
    path = Path(path)
    if not path.is_file():
        raise SettingError(f"{path}: no such file; give a .safetensors file or a saved state dict")
    try:
        state = load_file(path) if path.suffix == ".safetensors" else torch.load(path, "cpu", weights_only=True)
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, OSError) as error:
        first = str(error).strip().split("\n")[0]
        raise SettingError(f"{path}: not a file of weights alone ({first or type(error).__name__})") from None
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        raise SettingError(f"{path}: a state dict of tensors is needed; save network.state_dict()")
    return state


def adapt(state: Mapping[str, Tensor], network: nn.Module) -> dict[str, Tensor]:
    """`state` as `network.load_state_dict` takes it: relative tables and positions resized (bicubic) to fit.

    Raises SettingError when the weights are those of another network, not only of another resolution.
    """
    wanted = network.state_dict()
    for name in state:
        if name not in wanted:
            raise SettingError(f"the network has no weight '{name}'. {_nearest(name, wanted)}")
    for name in wanted:
        if name not in state:
            raise SettingError(f"the weight '{name}' is missing; these are the weights of another network")
    return {name: _fitted(network, name, value, wanted[name].shape) for name, value in state.items()}


def _fitted(network: nn.Module, name: str, value: Tensor, shape: torch.Size) -> Tensor:
    """A weight as it is, or resized by the module that owns it."""
    owner, _, leaf = name.rpartition(".")
    resized = getattr(network.get_submodule(owner), "resized", None)
    fits = value if value.shape == shape or value.ndim < 2 or not resized else resized(leaf, value)
    if fits.shape != shape:
        raise SettingError(f"the weight '{name}' is {tuple(value.shape)}, the network needs {tuple(shape)}")
    return fits


def _nearest(name: str, wanted: Mapping[str, Tensor]) -> str:
    """The nearest of many names, without the list of all of them."""
    return suggest(name, wanted).partition("Allowed:")[0] or "These are the weights of another network."
