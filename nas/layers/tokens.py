"""Maps as tokens and back; on channels-last maps neither copies."""

from torch import Tensor


def to_tokens(x: Tensor) -> Tensor:
    """`(batch, channels, height, width)` -> `(batch, height * width, channels)`."""
    return x.flatten(2).transpose(1, 2)


def to_map(x: Tensor, resolution: tuple[int, int]) -> Tensor:
    """`(batch, height * width, channels)` -> `(batch, channels, height, width)`."""
    return x.transpose(1, 2).view(x.shape[0], x.shape[2], *resolution)
