"""CoAtNet's relative position bias: one trainable scalar per head and offset (arXiv:2106.04803, Eq. 3)."""

import torch
from torch import Tensor, nn

from nas.network.layers.resize import resize_bias


class RelativeBias(nn.Module):
    """A table `(heads, 2 H - 1, 2 W - 1)` read as a bias `(heads, H W, H W)`.

    For a map of another size the table is resized.
    """

    def __init__(self, heads: int, resolution: tuple[int, int]) -> None:
        super().__init__()
        height, width = resolution
        self.table = nn.Parameter(torch.empty(heads, 2 * height - 1, 2 * width - 1))
        nn.init.normal_(self.table, std=0.02)

    def forward(self, resolution: tuple[int, int]) -> Tensor:
        height, width = resolution
        size = (2 * height - 1, 2 * width - 1)
        table: Tensor = self.table
        if table.shape[1:] != size:
            table = resize_bias(table, size)
        # windows[h, a, b, c, d] = table[h, a + c, b + d]; query (i, j) sees key (k, l) at offset i - k, j - l
        windows = table.unfold(1, height, 1).unfold(2, width, 1).flip(3, 4)
        return windows.reshape(len(table), height * width, height * width)

    def resized(self, _: str, table: Tensor) -> Tensor:
        """Another resolution's table for this one's offsets."""
        return resize_bias(table, (self.table.shape[1], self.table.shape[2]))
