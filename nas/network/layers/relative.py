"""Relative positions: a bias for each offset, or its product with the query, from tables that can be resized."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nas.network.layers.attention import MultiHead, attend
from nas.network.layers.map_attention import MapAttention


class RelativeBias(nn.Module):
    """A table `(heads, 2 H - 1, 2 W - 1)` of a scalar for each head and offset, read as a bias `(heads, H W, H W)`.

    CoAtNet's, https://arxiv.org/abs/2106.04803 (Eq. 3). The table is resized for a map of another size.
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
        if isinstance(height, torch.SymInt):
            rows, columns = (_offsets(side, table.device).flip(1) for side in resolution)
            return table[:, rows][..., columns].transpose(2, 3).reshape(len(table), height * width, height * width)
        # windows[h, a, b, c, d] = table[h, a + c, b + d]; query (i, j) sees key (k, l) at offset i - k, j - l
        windows = table.unfold(1, height, 1).unfold(2, width, 1).flip(3, 4)
        return windows.reshape(len(table), height * width, height * width)

    def resized(self, _: str, table: Tensor) -> Tensor:
        """Resize another resolution's table to this one's offsets."""
        return resize_bias(table, (self.table.shape[1], self.table.shape[2]))


class RelativeAttention(MapAttention, MultiHead):
    """Self-attention over a map with CoAtNet's scalar relative bias (arXiv:2106.04803, 2.1).

    Tokens `(batch, height * width, in_width)` -> `(batch, height * width, width)`. The scale is head_dim^-0.5.
    """

    def __init__(self, in_width: int, width: int, head_dim: int, resolution: tuple[int, int]) -> None:
        super().__init__(in_width, width, head_dim)
        self.bias = RelativeBias(self.heads, resolution)

    def forward(self, x: Tensor, resolution: tuple[int, int]) -> Tensor:
        return self.merge(self.over(*self.split(x), resolution))

    def mix(self, q: Tensor, k: Tensor, v: Tensor, resolution: tuple[int, int], mask: Tensor | None = None) -> Tensor:
        return attend(q, k, v, self.bias(resolution)[None], mask=mask)


class RelativeLogits(nn.Module):
    """`q . r_W(dx) + q . r_H(dy)` for each query and key of a map, from tables that all heads share.

    Those of Bello et al., https://arxiv.org/abs/1904.09925 (section 3.1, Eq. 3-4). Queries
    `(batch, heads, height * width, head_dim)` -> logits `(batch, heads, height * width, height * width)`. Scale the
    queries first, because the paper's softmax scales both terms. `dx` is the key's column less the query's.
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
        # einsum leaves permuted maps; copying these small ones spares a copy of their large sum
        logits = by_row.contiguous()[..., :, None] + by_column.contiguous()[..., None, :]
        return logits.view(batch, heads, tokens, tokens)

    def resized(self, name: str, table: Tensor) -> Tensor:
        """Resize another resolution's table to this one's offsets."""
        return resize_offsets(table, len(self.get_parameter(name)))


def _windows(table: Tensor, length: int) -> Tensor:
    """Read the table's row for the offset of each pair as `(query, head_dim, key)`, without an index table."""
    if len(table) != 2 * length - 1:
        table = resize_offsets(table, 2 * length - 1)
    if isinstance(length, torch.SymInt):
        return table[_offsets(length, table.device).flip(0)].transpose(1, 2)
    return table.unfold(0, length, 1).flip(0)  # the last query sees the lowest offsets


def _offsets(length: int, device: torch.device) -> Tensor:
    """Return the index `a + b`, as a program for maps of any size needs it, whose windows cannot be unfolded."""
    steps = torch.arange(length, device=device)
    return steps[:, None] + steps


def resize_bias(table: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize a table over 2-D offsets `(heads, 2 H - 1, 2 W - 1)`, bicubic, so that the ends stay the ends.

    Of a side of one pixel the only offset is nought, the middle, where to keep an end would take the farthest.
    """
    rows, columns = (
        slice(length // 2, length // 2 + 1) if isinstance(wanted, int) and wanted == 1 else slice(None)
        for length, wanted in zip(table.shape[1:], size, strict=True)
    )
    return F.interpolate(table[None, :, rows, columns], size, mode="bicubic", align_corners=True)[0]


def resize_offsets(table: Tensor, length: int) -> Tensor:
    """Resize a table over 1-D offsets `(2 N - 1, channels)`, bicubic, so that the ends stay the ends."""
    return resize_bias(table.T[..., None], (length, 1))[..., 0].T
