"""The 2-D relative logits of Bello et al., https://arxiv.org/abs/1904.09925 (section 3.1, Eq. 3-4)."""

import torch
from torch import Tensor, nn

from nas.network.layers.resize import resize_offsets


class RelativeLogits(nn.Module):
    """`q . r_W(dx) + q . r_H(dy)` for each query and key of a map, from tables that all heads share.

    Takes queries `(batch, heads, height * width, head_dim)`, gives `(batch, heads, height * width, height * width)`;
    scale the queries first, as the paper's softmax scales both terms. `dx` is the key's column less the query's.
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
