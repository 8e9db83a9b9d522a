"""Turning maps into tokens and back, patch embeddings, and absolute positions."""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Position = Literal["learned", "sinusoidal", "none"]


def to_tokens(x: Tensor) -> Tensor:
    """Turn `(batch, channels, height, width)` into contiguous tokens, `(batch, height * width, channels)`.

    Neither this nor `to_map` copies a channels-last map. Tokens are contiguous because sums inherit a layout.
    """
    return x.flatten(2).transpose(1, 2).contiguous()


def to_map(x: Tensor, resolution: tuple[int, int]) -> Tensor:
    """Turn tokens `(batch, height * width, channels)` into a map, `(batch, channels, height, width)`."""
    return x.transpose(1, 2).view(x.shape[0], x.shape[2], *resolution)


def join(x: Tensor, token: Tensor | None) -> Tensor:
    """Turn a map into tokens, after its class token `(batch, 1, channels)` if it has one."""
    return to_tokens(x) if token is None else torch.cat([token, x.flatten(2).transpose(1, 2)], dim=1)


def split(tokens: Tensor, resolution: tuple[int, int], has_token: bool) -> Tensor | tuple[Tensor, Tensor]:
    """Undo `join`, returning the map, or the map and the class token."""
    if not has_token:
        return to_map(tokens, resolution)
    return to_map(tokens[:, 1:], resolution), tokens[:, :1]


def fill(x: Tensor, patch: int) -> Tensor:
    """Pad the map with zeros at the bottom and the right to a multiple of `patch`."""
    bottom, right = -x.shape[2] % patch, -x.shape[3] % patch
    return F.pad(x, (0, right, 0, bottom)) if bottom or right else x


class MapNorm(nn.LayerNorm):
    """LayerNorm over the channels of a map `(batch, channels, H, W)`, returning a channels-last map."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class PatchEmbedding(nn.Module):
    """A convolution whose kernel is its stride, then LayerNorm: Swin's and PVT's (arXiv:2102.12122, section 3.2)."""

    def __init__(self, in_width: int, width: int, patch: int) -> None:
        super().__init__()
        self.patch = patch
        self.project = nn.Conv2d(in_width, width, patch, patch)
        self.norm = MapNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.project(fill(x, self.patch)))


def patch_embedding(in_width: int, width: int, stride: int) -> nn.Module:
    """Build PVT's downsampling for blocks whose paper has none, or an identity where the shape stays."""
    if stride == 1 and in_width == width:
        return nn.Identity()
    return PatchEmbedding(in_width, width, stride)


class LearnedPositions(nn.Module):
    """Add a trained vector to each pixel of a map `(batch, width, H, W)`, and one to its class token.

    The embedding is resized for a map of another size.
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
        """Resize another resolution's embedding to this one's map."""
        return resize_positions(table, (self.map.shape[1], self.map.shape[2]))


class SinusoidalPositions(nn.Module):
    """Add fixed sines and cosines of row and column to the map alone, as in MoCo v3 (arXiv:2104.02057) and MAE."""

    table: Tensor

    def __init__(self, width: int, resolution: tuple[int, int]) -> None:
        super().__init__()
        self.register_buffer("table", sinusoids(width, resolution), persistent=False)

    def forward(self, x: Tensor, token: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        table = self.table
        if table.shape[1:] != x.shape[2:]:
            table = sinusoids(len(table), (x.shape[2], x.shape[3])).to(table)
        return x + table, token


def sinusoids(width: int, resolution: tuple[int, int]) -> Tensor:
    """Fill `(width, H, W)`: a quarter of the channels each for sine and cosine of the row, then of the column."""
    quarter = width // 4
    frequency = 10_000.0 ** -(torch.arange(quarter) / quarter)
    rows, columns = (frequency[:, None] * torch.arange(side) for side in resolution)
    size = (-1, *resolution)
    row = torch.cat([rows.sin(), rows.cos()])[:, :, None].expand(size)
    column = torch.cat([columns.sin(), columns.cos()])[:, None, :].expand(size)
    return torch.cat([row, column])


def resize_positions(table: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize an absolute embedding `(channels, H, W)`, bicubic and antialiased as ViT's.

    In single precision at least, as torch has no antialiased half on CPUs.
    """
    wide = table[None].to(torch.promote_types(table.dtype, torch.float32))
    return F.interpolate(wide, size, mode="bicubic", antialias=True, align_corners=False)[0].to(table.dtype)
