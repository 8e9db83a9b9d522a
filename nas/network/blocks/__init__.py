"""Blocks: the parts that stages are made of, by the papers that published them.

Every block is a `Block`, built for a `Site` in a network.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from nas.network.options import Scalar


@dataclass(frozen=True)
class Site:
    """Where a block stands: the map it is given, the map it must give, and its position in the stage.

    `resolution` is that of the incoming map, `(height, width)` in pixels; `index` counts the stage's `depth`
    blocks from 0; `drop_path` is the rate at which a training step drops the block's branches; `token` says that
    a class token travels beside the map.
    """

    in_width: int
    width: int
    stride: int
    resolution: tuple[int, int]
    index: int = 0
    depth: int = 1
    drop_path: float = 0.0
    token: bool = False

    @property
    def out_resolution(self) -> tuple[int, int]:
        """`(ceil(height / stride), ceil(width / stride))`."""
        height, width = self.resolution
        return -(-height // self.stride), -(-width // self.stride)


class Block(nn.Module):
    """`Block(site, *, options)`: `(batch, in_width, H, W)` -> `(batch, width, ceil(H / stride), ceil(W / stride))`.

    Keyword-only parameters of the constructor, with the paper's values as defaults, are the searchable options.
    """

    letter: ClassVar[str]
    """How a layout such as `C-M-T-T` abbreviates the block."""

    carries_token: ClassVar[bool] = False
    """Whether `forward(x, token)` takes a class token `(batch, 1, width)` along and gives `(x, token)`."""

    @classmethod
    def misfit(cls, option: str, value: Scalar, width: int) -> str | None:
        """Why an option's value cannot stand beside a width, or None: heads must divide it evenly."""
        if option == "head_dim" and width % int(value):
            return f"width {width} is not divisible by head_dim {value}"
        return None

    @classmethod
    def by_position(cls, options: Mapping[str, Scalar]) -> bool:
        """Whether `index` and `depth` of the site matter, so that a stage's blocks differ beyond the first."""
        return False

    @classmethod
    def remark(cls, option: str, value: Scalar, resolution: tuple[int, int]) -> str | None:
        """What an option becomes on the map that the block gives, where it is not what it says: windows are clamped."""
        if option == "window" and int(value) > min(resolution):
            return f"clamped to {min(resolution)}"
        return None
