"""Weights read from a file, and resized for a network of another resolution."""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from nas.errors import SettingError
from nas.registry import suggest


def load_weights(network: nn.Module, path: Path | str) -> list[str]:
    """Load the weights in a file into a network or backbone of the same architecture, at this or another resolution.

    Returns the names of the weights in the file that a backbone leaves out, which are the head's. Raises SettingError
    when the file cannot be read or holds the weights of another network.
    """
    state = read(path)
    adapted = adapt(state, network)
    network.load_state_dict(adapted)
    return [name for name in state if name not in adapted]


def read(path: Path | str) -> dict[str, Tensor]:
    """Read the tensors in a `.safetensors` file or a torch state dict, never running code in the file.

    Raises SettingError when the file is missing, damaged or holds anything but named tensors.
    """
    path = Path(path)
    if not path.is_file():
        raise SettingError(f"{path}: no such file; give a .safetensors file or a saved state dict")
    try:
        state = load_file(path) if path.suffix == ".safetensors" else torch.load(path, "cpu", weights_only=True)
    except Exception as error:  # torch may raise anything for a damaged file
        first = str(error).strip().split("\n")[0]
        if "weights_only" in first:  # torch advises to switch off what protects
            first = "it holds more than tensors, or is a file of another kind"
        raise SettingError(f"{path}: not a file of weights alone ({first or type(error).__name__})") from None
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        raise SettingError(f"{path}: a state dict of tensors is needed; save network.state_dict()")
    return state


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
    return {name: _fitted(network, name, value, wanted[name].shape) for name, value in state.items() if name in wanted}


def _fitted(network: nn.Module, name: str, value: Tensor, shape: torch.Size) -> Tensor:
    """Resize a weight by the module that owns it, where its shape differs."""
    owner, _, leaf = name.rpartition(".")
    resized = getattr(network.get_submodule(owner), "resized", None)
    fits = value if value.shape == shape or value.ndim < 2 or not resized else resized(leaf, value)
    if fits.shape != shape:
        raise SettingError(f"the weight '{name}' is {tuple(value.shape)}, the network needs {tuple(shape)}")
    return fits


def _nearest(name: str, wanted: Mapping[str, Tensor]) -> str:
    """Suggest the nearest of many names, without the list of all of them."""
    return suggest(name, wanted).partition("Allowed:")[0] or "These are the weights of another network."
