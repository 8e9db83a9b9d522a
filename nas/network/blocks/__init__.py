"""Published blocks, of which stages are made.

Every block is a `Block`, built for a `Site` in a network.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from nas.network.options import Scalar

Size = tuple[int, int]
"""Height and width of a map in pixels."""


def strided(resolution: Size, stride: int) -> Size:
    """Divide height and width by a stride, rounding up."""
    height, width = resolution
    return -(-height // stride), -(-width // stride)


@dataclass(frozen=True)
class Site:
    """The map that a block is given, the map that it must give, and its position in the stage.

    `resolution` is that of the incoming map; `index` counts the stage's `depth` blocks from 0; `drop_path` is the rate
    at which a training step drops the block's branches; `token` tells that a class token travels beside the map.
    """

    in_width: int
    width: int
    stride: int
    resolution: Size
    index: int = 0
    depth: int = 1
    drop_path: float = 0.0
    token: bool = False

    @property
    def out_resolution(self) -> Size:
        """The resolution of the map that comes out."""
        return strided(self.resolution, self.stride)


class Block(nn.Module):
    """`Block(site, *, options)`: `(batch, in_width, H, W)` -> `(batch, width, ceil(H / stride), ceil(W / stride))`.

    Keyword-only parameters of the constructor, with the paper's values as defaults, are the searchable options.
    """

    letter: ClassVar[str]
    """The block's letter in a layout such as `C-M-T-T`."""

    carries_token: ClassVar[bool] = False
    """Whether `forward(x, token)` takes a class token `(batch, 1, width)` along and gives `(x, token)`."""

    @classmethod
    def misfit(cls, option: str, value: Scalar, width: int) -> str | None:
        """Say why an option's value does not suit a width, as a `head_dim` that does not divide it, or return None."""
        if option == "head_dim" and width % int(value):
            return f"width {width} is not divisible by head_dim {value}"
        return None

    @classmethod
    def by_position(cls, options: Mapping[str, Scalar]) -> bool:
        """Tell whether the site's `index` and `depth` matter, so that a stage's later blocks differ."""
        return False

    @classmethod
    def remark(cls, option: str, value: Scalar, resolution: Size) -> str | None:
        """Say what becomes of an option on the map that the block gives, such as a clamped window, or return None."""
        if option == "window" and int(value) > min(resolution):
            return f"clamped to {min(resolution)}"
        return None
