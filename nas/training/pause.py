"""A short training that waits: its weights and its optimizer's state, as tensors that go into a file and back."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from nas.errors import RunError, first_line

STEPS, NETWORK, OPTIMIZER = "steps", "network.", "optimizer."


@dataclass(frozen=True)
class Pause:
    """A training after so many `steps`, before its learning rate fell. `tensors` are named as in the file."""

    steps: int
    tensors: Mapping[str, Tensor]

    @classmethod
    def of(cls, steps: int, network: nn.Module, optimizer: torch.optim.Optimizer) -> "Pause":
        """Copy what a training needs to go on from here."""
        moments = {
            f"{OPTIMIZER}{number}.{name}": value
            for number, state in optimizer.state_dict()["state"].items()
            for name, value in state.items()
        }
        weights = {NETWORK + name: value for name, value in network.state_dict().items()}
        return cls(steps, {n: v.detach().to("cpu", copy=True).contiguous() for n, v in (weights | moments).items()})

    def restore(self, network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """Load the weights and the optimizer's state, each on the device where it belongs.

        Raises RunError for those of another network.
        """
        weights, moments = {}, dict[int, dict[str, Tensor]]()
        parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        try:
            for name, value in self.tensors.items():
                if name.startswith(NETWORK):
                    weights[name.removeprefix(NETWORK)] = value
                else:
                    number, _, moment = name.removeprefix(OPTIMIZER).partition(".")
                    moments.setdefault(int(number), {})[moment] = _laid_out(value, parameters[int(number)])
            network.load_state_dict(weights)
            optimizer.load_state_dict({**optimizer.state_dict(), "state": moments})
        except (RuntimeError, ValueError, LookupError) as error:
            raise RunError(f"the paused training is of another network: {first_line(error)}") from None

    def to_bytes(self) -> bytes:
        """Write it as the bytes of a `.safetensors` file."""
        return save({STEPS: torch.tensor(self.steps), **self.tensors})

    @classmethod
    def read(cls, data: bytes, network: nn.Module) -> "Pause | None":
        """Read such bytes, or return None for damaged ones and those of another network: it begins anew."""
        try:
            pause = cls.from_bytes(data)
        except RunError:
            return None
        own = {NETWORK + name: value.shape for name, value in network.state_dict().items()}
        kept = {name: value.shape for name, value in pause.tensors.items() if name.startswith(NETWORK)}
        return pause if own == kept else None

    @classmethod
    def from_bytes(cls, data: bytes) -> "Pause":
        """Read the bytes of such a file. Raises RunError for any others."""
        try:
            tensors = load(data)
            return cls(int(tensors.pop(STEPS)), tensors)
        except (SafetensorError, KeyError, ValueError) as error:
            raise RunError(f"the paused training is damaged: {error}") from None


def _laid_out(moment: Tensor, parameter: Tensor) -> Tensor:
    """Give a moment its parameter's strides, as fused optimizers go through both in the order of memory."""
    return torch.empty_like(parameter).copy_(moment) if moment.shape == parameter.shape else moment
