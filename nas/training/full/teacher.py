"""Learning from a teacher (https://arxiv.org/abs/1503.02531, section 2): its softened answers join the targets."""

import hashlib
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nas.data.pictures import LUMINANCE
from nas.errors import SettingError, in_one_line
from nas.registry import nearest
from nas.training.model import Model, resized


class Teacher(nn.Module):
    """A trained network that answers images of values from 0 to 1, resized to what it was trained on."""

    def __init__(self, network: nn.Module, side: int, channels: int) -> None:
        super().__init__()
        self.network, self.side, self.channels = network.eval().requires_grad_(False), side, channels

    def digest(self) -> str:
        """Return a hash of the weights."""
        found = hashlib.sha256()
        for name, values in self.network.state_dict().items():
            found.update(name.encode())
            found.update(values.cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
        return found.hexdigest()

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        x = resized(x, self.side)
        if x.shape[1] != self.channels:
            x = _grey(x) if self.channels == 1 else x.expand(-1, self.channels, -1, -1)
        answers: Tensor = self.network(x)
        return answers


def from_model(model: Model, classes: tuple[str, ...], name: str) -> Teacher:
    """Make a teacher of a trained model. Raises SettingError unless it knows the same classes in the same order."""
    if model.classes != classes:
        unlike = next((pair for pair in zip(model.classes, classes, strict=False) if pair[0] != pair[1]), None)
        why = f"'{unlike[0]}' stands for '{unlike[1]}'" if unlike else f"{len(model.classes)} against {len(classes)}"
        raise SettingError(f"teacher {name}: its classes are not those of the data ({why}); train it on the same data")
    return Teacher(model, model.architecture.resolution, model.architecture.channels)


def from_timm(name: str, classes: int) -> Teacher:
    """Make a teacher of a pretrained network of timm, whose weights timm finds or downloads.

    Raises SettingError where timm is not installed, does not know the name, cannot get the weights, or knows another
    number of classes.
    """
    if find_spec("timm") is None:
        raise SettingError(f"teacher {name}: no folder that nas train left, and timm, which may know the name, is not "
                           "installed: pip install --no-deps timm")  # fmt: skip
    try:
        import timm  # asked for by the user only
    except Exception as error:
        raise SettingError(f"teacher {name}: no folder that nas train left, and timm, which may know the name, cannot "
                           f"be imported ({in_one_line(error)}); it needs torchvision, in the build for torch "
                           f"{torch.__version__}, as pytorch.org tells") from None  # fmt: skip
    if not timm.is_model(name) and not name.startswith(("hf-hub:", "local-dir:")):
        near = nearest(name, timm.list_models())
        hint = f". Did you mean '{near}'?" if near else ""
        raise SettingError(f"teacher {name}: no folder that nas train left, nor a network of timm{hint}")
    try:
        network: Any = timm.create_model(name, pretrained=True)
    except Exception as error:
        raise SettingError(f"teacher {name}: timm cannot load its weights ({in_one_line(error)})") from None
    facts = network.pretrained_cfg
    if network.num_classes != classes:
        raise SettingError(f"teacher {name}: knows {network.num_classes} classes, the data have {classes}; train a "
                           "teacher on these data with nas train")  # fmt: skip
    channels, side, _ = facts["input_size"]
    return Teacher(_Normalised(network, facts["mean"], facts["std"]), side, channels)


def _grey(x: Tensor) -> Tensor:
    return (x * torch.tensor(LUMINANCE, dtype=x.dtype, device=x.device).view(-1, 1, 1)).sum(1, keepdim=True)


class _Normalised(nn.Module):
    def __init__(self, network: nn.Module, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        self.network = network
        self.mean, self.std = (nn.Buffer(torch.tensor(v).view(-1, 1, 1)) for v in (mean, std))

    def forward(self, x: Tensor) -> Tensor:
        answers: Tensor = self.network((x - self.mean) / self.std)
        return answers


def lesson(loss: Tensor, student: Tensor, teacher: Tensor, share: float, temperature: float) -> Tensor:
    """Add to a loss the divergence of a student's softened answers from its teacher's, both `(batch, classes)`.

    The divergence is multiplied by the squared temperature, so that its gradients keep their size.
    """
    softened = F.log_softmax(student / temperature, 1), F.log_softmax(teacher / temperature, 1)
    divergence = F.kl_div(*softened, reduction="batchmean", log_target=True) * temperature**2
    return (1 - share) * loss + share * divergence
