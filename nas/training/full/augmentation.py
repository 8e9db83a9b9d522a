"""Augmentation of whole batches on the training's device, by kornia (https://kornia.readthedocs.io)."""

from collections.abc import Sequence
from functools import reduce
from typing import cast

import torch
from torch import Tensor, nn
from torch.distributions import Beta
from torch.nn import functional as F

from nas.training.full.recipe import FullRecipe
from nas.training.recipe import mirrored
from nas.training.tasks import Follow

GROUP = 16  # images that share their draw of operations
HALF = 15  # kornia's magnitude at which an operation of both signs has half of its range
EPSILON = 1e-4  # kornia's ranges may not be empty
TOP = 10.0  # of the papers' scale


class Augmentation(nn.Module):
    """Crops, mirrors, RandAugment's operations and erasing, drawn from torch's own generator.

    Images `(batch, channels, height, width)` of values from 0 to 1 with their targets, in and out. Where these `follow`
    the images, no operation turns or shears.
    """

    def __init__(
        self, recipe: FullRecipe, side: int, channels: int, mirror: bool, follow: Follow | None = None
    ) -> None:
        import kornia.augmentation as K  # where it is used: a search needs none of it
        from kornia.augmentation.auto import RandAugment

        super().__init__()
        self.follow = follow
        wanted = mirrored(recipe.mirror, mirror)
        crop = K.RandomResizedCrop((side, side), (recipe.crop, 1.0), cropping_mode="resample")
        self.frame = nn.ModuleList([crop] * (recipe.crop < 1) + [K.RandomHorizontalFlip(0.5)] * wanted)
        strength = min(recipe.magnitude / TOP, 1.0)
        offered = policy(strength, channels, straight=follow is not None)
        count = min(recipe.operations, len(offered))
        self.operations = RandAugment(count, HALF, offered) if count and strength else None
        self.erase = K.RandomErasing(p=recipe.erasing) if recipe.erasing else nn.Identity()

    @torch.no_grad()
    def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        matrices: list[Tensor] = []
        for step in self.frame:
            x = step(x)
            matrices.append(cast(Tensor, step.transform_matrix))
        if self.operations is not None:
            groups = [(self.operations(group), self.operations.transform_matrix) for group in x.split(GROUP)]
            x, moved = (torch.cat(found) for found in zip(*groups, strict=True))
            matrices.append(moved)
        if self.follow and matrices:
            y = self.follow(y, moves(matrices, x.shape[-1]))
        return self.erase(x).clamp(0, 1), y


def moves(matrices: Sequence[Tensor], side: int) -> Tensor:
    """Return scale and offset `(batch, 2, 2)` of x and y, as shares of the side, of what kornia's matrices do in turn.

    A matrix `(batch, 3, 3)` moves the centres of pixels, the first of which is at 0, and neither turns nor shears.
    """
    whole = reduce(lambda before, after: after @ before, matrices)
    scale = whole[:, :2, :2].diagonal(dim1=1, dim2=2)
    return torch.stack([scale, (whole[:, :2, 2] + 0.5 - 0.5 * scale) / side], 2)


def policy(strength: float, channels: int, straight: bool = False) -> list[list[tuple[str, float, float | None]]]:
    """List RandAugment's operations (arXiv:1909.13719, section 3) at a strength from 0 to 1.

    The ranges are those of timm and of the authors' code at magnitude 10; kornia's own begin at their strongest for
    many operations and shear three times as far. Its brightness is added, and its contrast multiplies, which elsewhere
    is brightness; posterize leaves four bits at least. Its solarize_add, which the paper does not have, is left out: it
    inverts bright pixels at any strength. With `straight`, so are those that turn or shear, as a box around what is
    turned is no box any more.
    """
    both = {"translate_x": 0.45, "translate_y": 0.45}
    if not straight:
        both = {"rotate": 30.0, "shear_x": 0.3 / torch.pi, "shear_y": 0.3 / torch.pi} | both
    found: list[list[tuple[str, float, float | None]]]
    found = [[(name, -2 * most * strength, 2 * most * strength)] for name, most in both.items()]
    found += [[("auto_contrast", 0.0, 1.0)], [("equalize", 0.0, 1.0)], [("invert", 0.0, 1.0)]]
    bits = 7.5 - round(4 * strength)  # kornia takes the whole part
    levels = [("solarize", 1 - strength), ("posterize", max(bits, 4.5))]
    for name, most in (("color", 0.9), ("contrast", 0.9), ("sharpness", 0.9), ("brightness", 0.45)):
        if name != "color" or channels == 3:
            levels += [(name, 1 - most * strength), (name, 1 + most * strength)]
    return found + [[(name, max(level - EPSILON, 0.0), max(level, EPSILON))] for name, level in levels]


class Mixing(nn.Module):
    """Mixup (arXiv:1710.09412) and CutMix (arXiv:1905.04899), each half of the time where a recipe has both.

    Images and the numbers of their classes `(batch,)` -> images and shares of the classes `(batch, classes)`.
    """

    def __init__(self, recipe: FullRecipe, classes: int) -> None:
        import kornia.augmentation as K

        super().__init__()
        self.classes, self.mixup, self.cutmix = classes, recipe.mixup, recipe.cutmix
        keys = ["input", "class"]
        self.blend = K.RandomMixUpV2(p=1.0, data_keys=keys)
        self.paste = K.RandomCutMixV2(p=1.0, beta=recipe.cutmix or 1.0, use_correct_lambda=True, data_keys=keys)

    @torch.no_grad()
    def forward(self, x: Tensor, labels: Tensor, mixing: bool = True) -> tuple[Tensor, Tensor]:
        if not (mixing and (self.mixup or self.cutmix)):
            return x, F.one_hot(labels, self.classes).float()
        if self.mixup and (not self.cutmix or torch.rand(()) < 0.5):
            parameters = self.blend.forward_parameters(x.shape)
            drawn = Beta(self.mixup, self.mixup).sample((len(x),))
            parameters["mixup_lambdas"] = drawn.to(parameters["mixup_lambdas"])
            x, mixed = self.blend(x, labels, params=parameters)
            first, second, share = mixed.unbind(1)
        else:
            x, mixed = self.paste(x, labels)
            second, first, share = mixed[0].unbind(1)  # here the share is that of the image pasted upon
        one, other = (F.one_hot(rows.long(), self.classes).float() for rows in (first, second))
        return x, torch.lerp(one, other, share[:, None].float())
