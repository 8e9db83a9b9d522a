"""A network without its head, as the backbone of a detector: the map of every stage, of images of any size."""

import operator
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Any, Literal, overload

from torch import Tensor, nn

from nas.errors import SettingError, brief
from nas.files import Json
from nas.network.architecture import Architecture
from nas.network.blocks import Site
from nas.network.heads import Head
from nas.network.layers.map_attention import MapAttention, Windows
from nas.network.layers.windows import WindowAttention

Window = int | Literal["auto"] | None
"""The side in pixels of windows for attention on larger maps, `auto`, or None for attention over whole maps."""


class FeatureInfo(Sequence[Json]):
    """What the stages' maps are like, by the convention of timm's class of that name.

    An item for every stage: `num_chs` channels, the stride `reduction`, the name `module`, its `index`. The methods
    speak of the maps that the backbone gives, or of the stages that `idx` names.
    """

    def __init__(self, info: Sequence[Json], out_indices: Sequence[int]) -> None:
        self.info, self.out_indices = list(info), tuple(out_indices)

    @overload
    def __getitem__(self, index: int) -> Json: ...
    @overload
    def __getitem__(self, index: slice) -> list[Json]: ...
    def __getitem__(self, index: int | slice) -> Json | list[Json]:
        return self.info[index]

    def __len__(self) -> int:
        return len(self.info)

    def channels(self, idx: int | Sequence[int] | None = None) -> Any:
        """Return the numbers of channels."""
        return self.get("num_chs", idx)

    def reduction(self, idx: int | Sequence[int] | None = None) -> Any:
        """Return the strides: a map's sides are the image's divided by it, rounded up."""
        return self.get("reduction", idx)

    def module_name(self, idx: int | Sequence[int] | None = None) -> Any:
        """Return the modules' names in the backbone."""
        return self.get("module", idx)

    def get(self, key: str, idx: int | Sequence[int] | None = None) -> Any:
        """Return one value of a stage for a number `idx`, else a list with that of each."""
        if isinstance(idx, int):
            return self.info[idx][key]
        return [self.info[i][key] for i in (self.out_indices if idx is None else idx)]

    def get_dicts(self, keys: Sequence[str] | None = None, idx: int | Sequence[int] | None = None) -> Any:
        """Return all values of a stage, or those of `keys`, for a number `idx`, else a list with those of each."""
        if isinstance(idx, int):
            return {k: v for k, v in self.info[idx].items() if keys is None or k in keys}
        return [self.get_dicts(keys, i) for i in (self.out_indices if idx is None else idx)]


class Backbone(nn.Module):
    """Stem and stages: images `(batch, channels, H, W)` -> a list with a map `(batch, width, h, w)` for each stage.

    Images are normalised, of any size; `h` and `w` are H and W divided by the stride, rounded up. `feature_info` has
    widths and strides. The maps are those of the network with its head: a class token travels along the last stage,
    and its weight is the only one of the head that stays. No norm follows the last block.
    """

    def __init__(
        self,
        architecture: Architecture,
        stem: nn.Module,
        stages: nn.ModuleList,
        head: Head,
        sites: Iterable[Site],
        window: Window = "auto",
        out_indices: Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        self.architecture = architecture
        wanted, window = _checked(out_indices, len(stages)), _checked_window(window)
        self.feature_info = FeatureInfo(list(_info(architecture, stem)), wanted)
        self.stem, self.stages = stem, stages[: wanted[-1] + 1]
        self.head = _Token(head.token) if head.wants_token and len(self.stages) == len(stages) else None
        self._without = ("head.", *(f"stages.{i}." for i in range(len(self.stages), len(stages))))
        blocks = (block for stage in self.stages for block in stage.children())
        for block, site in zip(blocks, sites, strict=False):
            _open(block, site, window)

    def forward(self, x: Tensor) -> list[Tensor]:
        x = self.stem(x)
        maps = []
        for index, stage in enumerate(self.stages):
            if self.head is not None and index == len(self.stages) - 1:
                x, _ = stage(x, self.head.token.expand(x.shape[0], -1, -1))
            else:
                x = stage(x)
            if index in self.feature_info.out_indices:
                maps.append(x)
        return maps

    def leaves_out(self, name: str) -> bool:
        """Tell whether a weight is one of the head, or of the stages after the last map, that the network has."""
        return name.startswith(self._without) and (self.head is None or name != "head.token")


class _Token(nn.Module):
    """The class token of a head, under the name that it has in the network."""

    def __init__(self, token: Tensor) -> None:
        super().__init__()
        self.token = token


def _info(architecture: Architecture, stem: nn.Module) -> Iterator[Json]:
    strides = accumulate((stage.stride for stage in architecture.stages), lambda a, b: a * b, initial=stem.stride)
    next(strides)
    for index, (stage, stride) in enumerate(zip(architecture.stages, strides, strict=True)):
        yield {"num_chs": stage.width, "reduction": stride, "module": f"stages.{index}", "index": index}


def _checked(out_indices: Sequence[int] | None, stages: int) -> tuple[int, ...]:
    """Return the stages that are asked for, sorted, from 0. Raises SettingError for one that the network has not."""
    if out_indices is None:
        return tuple(range(stages))
    try:
        indices = list(map(operator.index, out_indices))
    except TypeError:
        raise SettingError(f"out_indices: found {brief(out_indices)}; give a list of whole numbers, such as [1, 2], or "
                           "None for all") from None  # fmt: skip
    for index in indices:
        if not -stages <= index < stages:
            raise SettingError(f"out_indices: the network has no stage {index}; it has the stages 0 to {stages - 1}")
    if not indices:
        raise SettingError(f"out_indices: names no stage; give some of 0 to {stages - 1}, or None for all")
    return tuple(sorted({index % stages for index in indices}))


def _checked_window(window: Window) -> Window:
    """Return the side of windows as a plain number. Raises SettingError for one that is none."""
    if window is None or (isinstance(window, str) and window == "auto"):
        return window
    try:
        side = 0 if isinstance(window, bool) else operator.index(window)
    except TypeError:
        side = 0
    if side < 2:
        raise SettingError(f"window: {window!r}; give a side of 2 pixels or more, 'auto', or None for whole maps")
    return side


def _open(block: nn.Module, site: Site, window: Window) -> None:
    """Make a block ready for larger maps than that of its site."""
    for module in block.modules():
        if isinstance(module, WindowAttention):
            module.grows = True
        elif isinstance(module, MapAttention):
            module.windows = _windows(window, site, module.shrink)


def _windows(window: Window, site: Site, shrink: int) -> Windows | None:
    if window is None:
        return None
    if window == "auto":
        height, width = site.out_resolution
        return Windows.like((-(-height // shrink), -(-width // shrink)))
    return Windows(window, window)
