"""Tables of positions and of offsets, learned at one resolution, for another."""

from torch import Tensor
from torch.nn import functional as F


def resize_bias(table: Tensor, size: tuple[int, int]) -> Tensor:
    """A table over 2-D offsets `(heads, 2 H - 1, 2 W - 1)` for other sizes, bicubic; the longest offsets stay so."""
    return F.interpolate(table[None], size, mode="bicubic", align_corners=True)[0]


def resize_offsets(table: Tensor, length: int) -> Tensor:
    """A table over 1-D offsets `(2 N - 1, channels)` for another length, bicubic; the longest offsets stay so."""
    return resize_bias(table.T[..., None], (length, 1))[..., 0].T


def resize_positions(table: Tensor, size: tuple[int, int]) -> Tensor:
    """An absolute embedding `(channels, H, W)` for another map, bicubic and antialiased as ViT's is."""
    return F.interpolate(table[None], size, mode="bicubic", antialias=True, align_corners=False)[0]
