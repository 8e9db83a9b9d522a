"""Positions relative to each other: a bias for each offset or a product with the query, and their tables resized."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nas.network.layers.attention import MultiHead, attend


class RelativeBias(nn.Module):
    """A table `(heads, 2 H - 1, 2 W - 1)` read as a bias `(heads, H W, H W)`: one scalar for each head and offset.

    CoAtNet's, https://arxiv.org/abs/2106.04803 (Eq. 3). For a map of another size the table is resized.
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


class RelativeAttention(MultiHead):
    """Self-attention over a map with CoAtNet's scalar relative bias (arXiv:2106.04803, 2.1).

    Takes tokens `(batch, height * width, in_width)`, gives `(batch, height * width, width)`. Scale is head_dim^-0.5.
    """

    def __init__(self, in_width: int, width: int, head_dim: int, resolution: tuple[int, int]) -> None:
        super().__init__(in_width, width, head_dim)
        self.bias = RelativeBias(self.heads, resolution)

    def forward(self, x: Tensor, resolution: tuple[int, int]) -> Tensor:
        return self.merge(attend(*self.split(x), self.bias(resolution)[None]))


class RelativeLogits(nn.Module):
    """`q . r_W(dx) + q . r_H(dy)` for each query and key of a map, from tables that all heads share.

    Those of Bello et al., https://arxiv.org/abs/1904.09925 (section 3.1, Eq. 3-4). Takes queries
    `(batch, heads, height * width, head_dim)`, gives `(batch, heads, height * width, height * width)`; scale the
    queries first, as the paper's softmax scales both terms. `dx` is the key's column less the query's.
    """

    def __init__(self, head_dim: int, resolution: tuple[int, int]) -> None:
        super().__init__()
        height, width = resolution
        self.rows = nn.Parameter(torch.empty(2 * height - 1, head_dim))
        self.columns = nn.Parameter(torch.empty(2 * width - 1, head_dim))
        for table in (self.rows, self.columns):
            nn.init.normal_(table, std=head_dim**-0.5)

    def forward(self, q: Tensor, resolution: tuple[int, int]) -> Tensor:
        batch, heads, tokens, head_dim = q.shape
        height, width = resolution
        q = q.reshape(batch * heads, height, width, head_dim)
        by_row = torch.einsum("nyxd,ydk->nyxk", q, _windows(self.rows, height))
        by_column = torch.einsum("nyxd,xdk->nyxk", q, _windows(self.columns, width))
        # einsum leaves permuted maps; straightened here, while small, their large sum needs no copy
        logits = by_row.contiguous()[..., :, None] + by_column.contiguous()[..., None, :]
        return logits.view(batch, heads, tokens, tokens)

    def resized(self, name: str, table: Tensor) -> Tensor:
        """Another resolution's table for this one's offsets."""
        return resize_offsets(table, len(self.get_parameter(name)))


def _windows(table: Tensor, length: int) -> Tensor:
    """`(query, head_dim, key)`: the table's row for the offset from each query to each key, without an index table."""
    if len(table) != 2 * length - 1:
        table = resize_offsets(table, 2 * length - 1)
    return table.unfold(0, length, 1).flip(0)  # the last query sees the lowest offsets


def resize_bias(table: Tensor, size: tuple[int, int]) -> Tensor:
    """A table over 2-D offsets `(heads, 2 H - 1, 2 W - 1)` for other sizes, bicubic; the longest offsets stay so."""
    return F.interpolate(table[None], size, mode="bicubic", align_corners=True)[0]


def resize_offsets(table: Tensor, length: int) -> Tensor:
    """A table over 1-D offsets `(2 N - 1, channels)` for another length, bicubic; the longest offsets stay so."""
    return resize_bias(table.T[..., None], (length, 1))[..., 0].T
