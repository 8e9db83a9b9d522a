"""Attention over a whole map, and over large maps in windows that neither overlap nor shift.

So MOAT's authors attend in large images with a network that was trained on small ones, https://arxiv.org/abs/2210.01820
(abstract). The windows in their code, 14 x 14 and 7 x 7, are by default the very maps of an image of 224 pixels.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SIDE = 14  # of MOAT's windows at stride 16; less would be little to see for a network of small images
TOKENS = 1024  # a map of 32 x 32, as at stride 32 of an image of 1,024 pixels


@dataclass(frozen=True)
class Windows:
    """Which maps attend in windows, and their height and width: those of more than `above` tokens and than a window."""

    height: int
    width: int
    above: int = 0

    @classmethod
    def like(cls, resolution: tuple[int, int]) -> "Windows":
        """Return windows of the map that a network was built for, of 14 x 14 at least, for maps over 1,024 tokens."""
        height, width = resolution
        return cls(max(height, SIDE), max(width, SIDE), TOKENS)

    def on(self, resolution: tuple[int, int], stride: int = 1) -> tuple[int, int] | None:
        """Return the windows' height and width on a map, or None for a map that attends as a whole.

        An axis that one window covers is not cut, on the others a window is a multiple of `stride`.
        """
        height, width = resolution
        rows, columns = self.height + -self.height % stride, self.width + -self.width % stride
        if height * width <= self.above or (height <= rows and width <= columns):
            return None
        return min(rows, height), min(columns, width)


class MapAttention(nn.Module):
    """What all kinds of attention over a map share: `over` mixes the map's values as a whole, or window by window.

    A kind says in `mix` how queries attend to keys, and has `windows` only in a backbone. `shrink` is the factor by
    which its own map is smaller than its block's.
    """

    windows: Windows | None = None
    shrink: int = 1

    def mix(self, q: Tensor, k: Tensor, v: Tensor, resolution: tuple[int, int], mask: Tensor | None = None) -> Tensor:
        """Attend to all keys of a map or window, `(batch, heads, tokens, head_dim)` in and out.

        `mask` `(groups, 1, 1, keys)` is added to the logits; the batch repeats the groups in turn.
        """
        raise NotImplementedError

    def over(self, q: Tensor, k: Tensor, v: Tensor, resolution: tuple[int, int], stride: int = 1) -> Tensor:
        """Attend over a map of `resolution`, whose keys and values are those of a map smaller by `stride`.

        Windows that reach beyond the map are filled at the bottom and the right with keys that nothing attends to. A
        class token, first among the tokens, attends to the whole map, and every window attends to it.
        """
        window = self.windows.on(resolution, stride) if self.windows else None
        if window is None:
            return self.mix(q, k, v, resolution)
        small, inner = _divided(resolution, stride), _divided(window, stride)
        token = q.shape[2] - resolution[0] * resolution[1]
        keys, values = (_cut(x, token, small, inner, keep=True) for x in (k, v))
        mixed = self.mix(_cut(q, token, resolution, window), keys, values, window, _mask(k, token, small, inner))
        mixed = _joined(mixed, resolution, window)
        if not token:
            return mixed
        return torch.cat([self.mix(q[:, :, :token], k, v, resolution), mixed], dim=2)


def _divided(size: tuple[int, int], stride: int) -> tuple[int, int]:
    return -(-size[0] // stride), -(-size[1] // stride)


def _filled(x: Tensor, window: tuple[int, int]) -> Tensor:
    """Fill a map `(batch, H, W, C)` with zeros at the bottom and the right to whole windows."""
    bottom, right = -x.shape[1] % window[0], -x.shape[2] % window[1]
    return F.pad(x, (0, 0, 0, right, 0, bottom)) if bottom or right else x


def _cut(x: Tensor, token: int, resolution: tuple[int, int], window: tuple[int, int], keep: bool = False) -> Tensor:
    """Cut heads' vectors `(batch, heads, tokens, d)` into windows, `(batch * windows, heads, rows * columns, d)`.

    `keep` puts the class token's before each window's.
    """
    batch, heads = x.shape[:2]
    cut = x[:, :, token:].transpose(1, 2).reshape(batch, *resolution, -1)
    cut = partition(_filled(cut, window), window)
    cut = cut.view(*cut.shape[:2], heads, -1).transpose(1, 2)
    if not keep or not token:
        return cut
    count = _count(resolution, window)
    first = x[:, None, :, :token].expand(-1, count, -1, -1, -1).flatten(0, 1)
    return torch.cat([first, cut], dim=2)


def _count(resolution: tuple[int, int], window: tuple[int, int]) -> int:
    """Return the number of windows on a map."""
    return -(-resolution[0] // window[0]) * -(-resolution[1] // window[1])


def _joined(windows: Tensor, resolution: tuple[int, int], window: tuple[int, int]) -> Tensor:
    """Undo `_cut` without a token, leaving out what was filled."""
    (height, width), (rows, columns) = resolution, window
    full = (height + -height % rows, width + -width % columns)
    x = restore(windows.transpose(1, 2).flatten(2), window, full)[:, :height, :width]
    return x.reshape(x.shape[0], height * width, windows.shape[1], -1).transpose(1, 2)


def _mask(like: Tensor, token: int, resolution: tuple[int, int], window: tuple[int, int]) -> Tensor | None:
    """Return minus infinity for each key that was filled in, `(windows, 1, 1, keys)`, None where there is none.

    Each window has a pixel of the map, so no row is all minus infinity.
    """
    if not (resolution[0] % window[0] or resolution[1] % window[1]):
        return None
    own = partition(_filled(like.new_ones(1, *resolution, 1), window), window)[:, None, None, :, 0]
    return F.pad(torch.zeros_like(own).masked_fill(own == 0, -torch.inf), (token, 0))


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
