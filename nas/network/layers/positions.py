"""Absolute position embeddings of a map: learned (ViT, DeiT) or sinusoidal."""

from typing import Literal

import torch
from torch import Tensor, nn

from nas.network.layers.resize import resize_positions

Position = Literal["learned", "sinusoidal", "none"]


class LearnedPositions(nn.Module):
    """Adds a trained vector to each place of a map `(batch, width, H, W)`, and one to its class token.

    For a map of another size the embedding is resized.
    """

    def __init__(self, width: int, resolution: tuple[int, int], token: bool) -> None:
        super().__init__()
        self.map = nn.Parameter(torch.empty(width, *resolution))
        nn.init.trunc_normal_(self.map, std=0.02)
        self.token = nn.Parameter(nn.init.trunc_normal_(torch.empty(width), std=0.02)) if token else None

    def forward(self, x: Tensor, token: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        table: Tensor = self.map
        if table.shape[1:] != x.shape[2:]:
            table = resize_positions(table, (x.shape[2], x.shape[3]))
        return x + table, token if token is None or self.token is None else token + self.token

    def resized(self, _: str, table: Tensor) -> Tensor:
        """Another resolution's embedding for this one's map."""
        return resize_positions(table, (self.map.shape[1], self.map.shape[2]))


class SinusoidalPositions(nn.Module):
    """Adds fixed sines and cosines of row and column, as MoCo v3 (arXiv:2104.02057) and MAE do; none to a token."""

    table: Tensor

    def __init__(self, width: int, resolution: tuple[int, int]) -> None:
        super().__init__()
        self.register_buffer("table", sinusoids(width, resolution), persistent=False)

    def forward(self, x: Tensor, token: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        table = self.table
        if table.shape[1:] != x.shape[2:]:
            table = sinusoids(len(table), (x.shape[2], x.shape[3])).to(x.device)
        return x + table, token


def sinusoids(width: int, resolution: tuple[int, int]) -> Tensor:
    """`(width, H, W)`: a quarter each of the channels for sine and cosine of the row, then of the column."""
    quarter = width // 4
    frequency = 10_000.0 ** -(torch.arange(quarter) / quarter)
    rows, columns = (frequency[:, None] * torch.arange(side) for side in resolution)
    size = (-1, *resolution)
    row = torch.cat([rows.sin(), rows.cos()])[:, :, None].expand(size)
    column = torch.cat([columns.sin(), columns.cos()])[:, None, :].expand(size)
    return torch.cat([row, column])
