"""Attention in windows, shifted or not (Swin, https://arxiv.org/abs/2103.14030, section 3.2)."""

import torch
from torch import Tensor
from torch.nn import functional as F

from nas.network.layers.attention import MultiHead, attend
from nas.network.layers.map_attention import partition, restore
from nas.network.layers.relative import RelativeBias

MASKED = -100.0  # as released; with minus infinity a row of masked keys would be undefined


class WindowAttention(MultiHead):
    """Self-attention in windows that do not overlap, `(batch, H, W, width)` in and out.

    A window is clamped to the map, and an axis that it covers is not shifted. A map that windows do not fill is padded
    with zeros at the bottom and the right before the shift, as in the authors' detection code. On a map larger than
    that it was built for a window stays clamped, unless the layer `grows`, as in a backbone: then the window and its
    shift are those of a layer built for the larger map.
    """

    mask: Tensor | None
    grows = False

    def __init__(self, width: int, head_dim: int, window: int, resolution: tuple[int, int], shift: int = 0) -> None:
        super().__init__(width, width, head_dim)
        self.asked, self.resolution = (window, shift), resolution
        self.window, self.shift = self._grid(resolution)
        self.bias = RelativeBias(self.heads, self.window)
        self.built_for = _padded(resolution, self.window)
        mask = shift_mask(self.built_for, self.window, self.shift) if any(self.shift) else None
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[1:3]
        window, shift = self.window, self.shift
        if self.grows:
            window, shift = self._grid((max(height, self.resolution[0]), max(width, self.resolution[1])))
        full = _padded((height, width), window)
        if full != (height, width):
            x = F.pad(x, (0, 0, 0, full[1] - width, 0, full[0] - height))
        if any(shift):
            x = x.roll((-shift[0], -shift[1]), (1, 2))
        q, k, v = self.split(partition(x, window))
        mixed = attend(q, k, v, self.bias(window)[None], mask=self._mask(x, full, window, shift))
        x = restore(self.merge(mixed), window, full)
        if any(shift):
            x = x.roll(shift, (1, 2))
        return x[:, :height, :width]

    def _grid(self, resolution: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
        """Return height and width of the windows on a map, and of their shift."""
        (height, width), (window, shift) = resolution, self.asked
        clamped = (min(window, height), min(window, width))
        return clamped, (0 if height <= window else shift, 0 if width <= window else shift)

    def _mask(self, x: Tensor, full: tuple[int, int], window: tuple[int, int], shift: tuple[int, int]) -> Tensor | None:
        """Return the mask `(windows, 1, tokens, tokens)`, None for windows that are not shifted."""
        if not any(shift):
            return None
        if self.mask is not None and (full, window, shift) == (self.built_for, self.window, self.shift):
            return self.mask[:, None]
        return shift_mask(full, window, shift).to(x.device)[:, None]


def _padded(resolution: tuple[int, int], window: tuple[int, int]) -> tuple[int, int]:
    (height, width), (rows, columns) = resolution, window
    return height + -height % rows, width + -width % columns


def shift_mask(resolution: tuple[int, int], window: tuple[int, int], shift: tuple[int, int]) -> Tensor:
    """Mask pairs of tokens that the roll brought together from opposite edges, `(windows, tokens, tokens)`."""
    height, width = resolution
    below = torch.arange(height) >= height - shift[0]
    beside = torch.arange(width) >= width - shift[1]
    part = partition((2.0 * below[:, None] + beside)[None, ..., None], window)
    return MASKED * (part != part.transpose(1, 2))
