"""Maps as tokens and back; on channels-last maps neither copies."""

import torch
from torch import Tensor


def to_tokens(x: Tensor) -> Tensor:
    """`(batch, channels, height, width)` -> `(batch, height * width, channels)`, contiguous: sums inherit layouts."""
    return x.flatten(2).transpose(1, 2).contiguous()


def to_map(x: Tensor, resolution: tuple[int, int]) -> Tensor:
    """`(batch, height * width, channels)` -> `(batch, channels, height, width)`."""
    return x.transpose(1, 2).view(x.shape[0], x.shape[2], *resolution)


def join(x: Tensor, token: Tensor | None) -> Tensor:
    """A map's tokens, behind its class token `(batch, 1, channels)` if it has one."""
    return to_tokens(x) if token is None else torch.cat([token, x.flatten(2).transpose(1, 2)], dim=1)


def part(tokens: Tensor, resolution: tuple[int, int], has_token: bool) -> Tensor | tuple[Tensor, Tensor]:
    """What `join` put together: the map, or the map and the class token."""
    if not has_token:
        return to_map(tokens, resolution)
    return to_map(tokens[:, 1:], resolution), tokens[:, :1]
