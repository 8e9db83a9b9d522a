"""Attention in windows, shifted or not (Swin, https://arxiv.org/abs/2103.14030, section 3.2)."""

import torch
from torch import Tensor
from torch.nn import functional as F

from nas.network.layers.attention import MultiHead, attend
from nas.network.layers.relative import RelativeBias

MASKED = -100.0  # as released; with minus infinity a row of masked keys would be undefined


class WindowAttention(MultiHead):
    """Self-attention in windows that do not overlap, `(batch, H, W, width)` in and out.

    A window is clamped to the map, and an axis that it covers is not shifted. A map that windows do not fill is padded
    with zeros at the bottom and the right before the shift, as in the authors' detection code.
    """

    mask: Tensor | None

    def __init__(self, width: int, head_dim: int, window: int, resolution: tuple[int, int], shift: int = 0) -> None:
        super().__init__(width, width, head_dim)
        self.window = (min(window, resolution[0]), min(window, resolution[1]))
        self.bias = RelativeBias(self.heads, self.window)
        covered = [side <= window for side in resolution]
        self.shift = (0 if covered[0] else shift, 0 if covered[1] else shift)
        self.built_for = self._padded(resolution)
        mask = shift_mask(self.built_for, self.window, self.shift) if any(self.shift) else None
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[1:3]
        full = self._padded((height, width))
        if full != (height, width):
            x = F.pad(x, (0, 0, 0, full[1] - width, 0, full[0] - height))
        if any(self.shift):
            x = x.roll((-self.shift[0], -self.shift[1]), (1, 2))
        q, k, v = self.split(partition(x, self.window))
        mixed = attend(q, k, v, self.bias(self.window)[None], mask=self._mask(x, full))
        x = restore(self.merge(mixed), self.window, full)
        if any(self.shift):
            x = x.roll(self.shift, (1, 2))
        return x[:, :height, :width]

    def _padded(self, resolution: tuple[int, int]) -> tuple[int, int]:
        (height, width), (rows, columns) = resolution, self.window
        return height + -height % rows, width + -width % columns

    def _mask(self, x: Tensor, full: tuple[int, int]) -> Tensor | None:
        """Return the mask `(windows, 1, tokens, tokens)`, None for windows that are not shifted."""
        if self.mask is None:
            return None
        mask = self.mask if full == self.built_for else shift_mask(full, self.window, self.shift).to(x.device)
        return mask[:, None]


def partition(x: Tensor, window: tuple[int, int]) -> Tensor:
    """Cut a map into windows in one copy, `(batch, H, W, C)` -> `(batch * windows, rows * columns, C)`."""
    batch, height, width, channels = x.shape
    rows, columns = window
    x = x.view(batch, height // rows, rows, width // columns, columns, channels)
    return x.transpose(2, 3).reshape(-1, rows * columns, channels)


def restore(windows: Tensor, window: tuple[int, int], resolution: tuple[int, int]) -> Tensor:
    """Undo `partition`."""
    (rows, columns), (height, width) = window, resolution
    x = windows.view(-1, height // rows, width // columns, rows, columns, windows.shape[-1])
    return x.transpose(2, 3).reshape(-1, height, width, windows.shape[-1])


def shift_mask(resolution: tuple[int, int], window: tuple[int, int], shift: tuple[int, int]) -> Tensor:
    """Mask pairs of tokens that the roll brought together from opposite edges, `(windows, tokens, tokens)`."""
    height, width = resolution
    below = torch.arange(height) >= height - shift[0]
    beside = torch.arange(width) >= width - shift[1]
    part = partition((2.0 * below[:, None] + beside)[None, ..., None], window)
    return MASKED * (part != part.transpose(1, 2))
