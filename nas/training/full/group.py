"""The processes that train one network together: one alone, or several by Accelerate, each with its part of a batch."""

import os
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.nn.utils import clip_grad_norm_

from nas.errors import SettingError


class Alone:
    """One process, which needs nothing."""

    index, count = 0, 1

    @property
    def leads(self) -> bool:
        """Whether this process writes the files."""
        return self.index == 0

    def wrap(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> tuple[nn.Module, torch.optim.Optimizer]:
        """Make model and optimiser work with those of the other processes."""
        return model, optimizer

    def apart(self, model: nn.Module) -> AbstractContextManager[Any]:
        """Leave gradients unshared within the block, for all but the last part of a step."""
        return nullcontext()

    def clip(self, parameters: Iterable[nn.Parameter], most: float) -> None:
        """Bound the norm of all gradients together."""
        clip_grad_norm_(parameters, most)

    def alike(self, model: nn.Module) -> None:
        """Give all processes the statistics of the first, as each one's are of its own images."""

    def gather(self, mine: tuple[Tensor, ...]) -> list[tuple[Tensor, ...]]:
        """Return what each process has, in the order of the processes."""
        return [mine]

    def first(self, mine: str) -> str:
        """Return the text of the first process."""
        return mine

    def agree(self, mine: bool) -> bool:
        """Tell whether any process says yes."""
        return mine

    def latest(self, mine: float) -> float:
        """Return the most of what the clocks of all processes say."""
        return mine

    def wait(self) -> None:
        """Go on when all processes have come here."""


class Together(Alone):
    """Several processes that `accelerate launch` or `torchrun` began, https://huggingface.co/docs/accelerate."""

    def __init__(self, device: str = "auto") -> None:
        from accelerate import Accelerator  # an extra

        self.accelerator: Any = Accelerator(cpu=device == "cpu", mixed_precision="no")  # the recipe says which
        self.index, self.count = self.accelerator.process_index, self.accelerator.num_processes

    @property
    def device(self) -> torch.device:
        """The device of this process."""
        found: torch.device = self.accelerator.device
        return found

    def wrap(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> tuple[nn.Module, torch.optim.Optimizer]:
        wrapped: tuple[nn.Module, torch.optim.Optimizer] = self.accelerator.prepare(model, optimizer)
        return wrapped

    def apart(self, model: nn.Module) -> AbstractContextManager[Any]:
        held: AbstractContextManager[Any] = self.accelerator.no_sync(model)
        return held

    def clip(self, parameters: Iterable[nn.Parameter], most: float) -> None:
        self.accelerator.clip_grad_norm_(parameters, most)

    def alike(self, model: nn.Module) -> None:
        for buffer in model.buffers():
            if buffer.is_floating_point():
                sent = buffer.contiguous()
                distributed.broadcast(sent, 0)
                buffer.copy_(sent)

    def gather(self, mine: tuple[Tensor, ...]) -> list[tuple[Tensor, ...]]:
        from accelerate.utils import gather_object

        return [tuple(part) for part in gather_object([[tensor.cpu() for tensor in mine]])]

    def first(self, mine: str) -> str:
        from accelerate.utils import gather_object

        return str(gather_object([mine])[0])

    def agree(self, mine: bool) -> bool:
        from accelerate.utils import gather_object

        return any(gather_object([mine]))

    def latest(self, mine: float) -> float:
        latest = torch.tensor(mine, dtype=torch.float64, device=self.device)
        distributed.all_reduce(latest, distributed.ReduceOp.MAX)  # do without objects, which take ten times as long
        return float(latest)

    def wait(self) -> None:
        self.accelerator.wait_for_everyone()


def leads() -> bool:
    """Tell whether this process is alone, or the first of those that a launcher began."""
    return _launched() < 2 or os.environ.get("RANK", "0") == "0"


def _launched() -> int:
    return int(os.environ.get("WORLD_SIZE") or 1)


def processes_here() -> int:
    """Count the processes of this training that run on this machine."""
    return int(os.environ.get("LOCAL_WORLD_SIZE") or 1)


def find_group(device: str) -> Alone:
    """Join the processes that a launcher began, or be alone.

    Raises SettingError where there are several and Accelerate is not installed.
    """
    if _launched() < 2:
        return Alone()
    if find_spec("accelerate") is None:
        raise SettingError("several processes train together by Accelerate: pip install 'hybrid-nas[train]'")
    return Together(device)
