"""Building the torch module of an architecture."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import accumulate
from numbers import Integral, Real
from typing import Any, Literal, TypeVar, overload

import torch
from torch import Tensor, nn

from nas.errors import SettingError, brief
from nas.network.architecture import DRAWN, Architecture, StageSpec
from nas.network.blocks import Site, Size, strided
from nas.network.features import Backbone, Window
from nas.network.heads import Head
from nas.registry import BLOCKS, HEADS, STEMS

Module = TypeVar("Module", bound=nn.Module)
SEEDS = 2**64  # of torch's generators


class Stage(nn.Sequential):
    """Blocks one after another, which give `(x, token)` where a class token travels with the map."""

    def forward(self, x: Tensor, token: Tensor | None = None) -> Tensor | tuple[Tensor, Tensor]:
        if token is None:
            for block in self:
                x = block(x)
            return x
        for block in self:
            x, token = block(x, token)
        return x, token


class Network(nn.Module):
    """Stem, stages and head: images `(batch, channels, height, width)` -> logits `(batch, classes)`, or boxes.

    A class token, if the head wants one, joins the map in the last stage. A head that wants the maps of all stages is
    also handed, where they are given, the `targets` of a training and the images' `padding`.
    """

    head: Head

    def __init__(self, architecture: Architecture, drop_path: float = 0.0) -> None:
        super().__init__()
        self.architecture = architecture
        stem, head = architecture.stem, architecture.head
        self.stem = STEMS.get(stem.kind)(architecture.channels, stem.width, **stem.options)
        blocks = iter(sites(architecture, self.stem.stride, drop_path))
        self.stages = nn.ModuleList(
            Stage(*(BLOCKS.get(s.block)(next(blocks), **s.options) for _ in range(s.depth)))
            for s in architecture.stages
        )
        widths = tuple(stage.width for stage in architecture.stages)
        made = HEADS.get(head.kind)
        self.head = made(widths if made.wants_maps else widths[-1], architecture.classes, **head.options)

    def forward(self, x: Tensor, targets: Tensor | None = None, padding: Tensor | None = None) -> Any:
        x = self.stem(x)
        if self.head.wants_maps:
            maps = list(accumulate(self.stages, lambda x, stage: stage(x), initial=x))
            return self.head(maps[1:], targets, padding)
        *stages, last = self.stages
        for stage in stages:
            x = stage(x)
        if not self.head.wants_token:
            return self.head(last(x))
        _, token = last(x, self.head.token.expand(x.shape[0], -1, -1))
        return self.head(token)


def sites(architecture: Architecture, stem_stride: int, drop_path: float = 0.0) -> Iterator[Site]:
    """Yield the site of each block in order, with drop path rising linearly from 0 to `drop_path`."""
    total, position = sum(stage.depth for stage in architecture.stages), 0
    image = (architecture.resolution, architecture.resolution)
    for stage, width, resolution, token in walk(architecture, strided(image, stem_stride)):
        for site in stage_sites(stage, width, resolution, token):
            yield replace(site, drop_path=drop_path * position / max(total - 1, 1))
            position += 1


def walk(architecture: Architecture, resolution: Size) -> Iterator[tuple[StageSpec, int, Size, bool]]:
    """Yield each stage with the width and resolution of its incoming map, and whether a class token joins the map.

    `resolution` is that of the stem's map.
    """
    width, last = architecture.stem.width, len(architecture.stages) - 1
    wants_token = bool(HEADS.get(architecture.head.kind).wants_token)
    for index, stage in enumerate(architecture.stages):
        yield stage, width, resolution, wants_token and index == last
        width, resolution = stage.width, strided(resolution, stage.stride)


def stage_sites(stage: StageSpec, width: int, resolution: Size, token: bool = False) -> Iterator[Site]:
    """Yield the sites of one stage's blocks, given the width and the resolution of the incoming map."""
    for index in range(stage.depth):
        site = Site(width, stage.width, stage.stride if index == 0 else 1, resolution, index, stage.depth, token=token)
        yield site
        width, resolution = stage.width, site.out_resolution


@overload
def build(
    architecture: Architecture, *, drop_path: float = 0.0, seed: int | None = None, features: Literal[False] = False
) -> Network: ...
@overload
def build(
    architecture: Architecture,
    *,
    drop_path: float = 0.0,
    seed: int | None = None,
    features: Literal[True],
    window: Window = "auto",
    out_indices: Sequence[int] | None = None,
) -> Backbone: ...
def build(
    architecture: Architecture,
    *,
    drop_path: float = 0.0,
    seed: int | None = None,
    features: bool = False,
    window: Window = "auto",
    out_indices: Sequence[int] | None = None,
) -> Network | Backbone:
    """Build an architecture's network with new weights, drawn by `seed` without touching the global generator.

    `drop_path` is the rate of the last block, for training. It rises from 0 at the first, also where that is the only
    one.

    With `features` the network has no head and gives the maps of its stages, or of those in `out_indices`, as a list,
    for images of any size. Attention over maps larger than `window` x `window` pixels is then confined to windows;
    `auto` confines maps of more than 1,024 tokens to windows as large as the map that the network was built for, of
    14 x 14 pixels at least, and None confines none. Raises SettingError for another window, rate, seed or stage, or
    what is no architecture.
    """
    if not isinstance(architecture, Architecture):
        raise SettingError(f"architecture: found {brief(architecture)}; write nas.load_architecture of a name, a "
                           f"file or plain data, the .architecture of a search's result, or {DRAWN}")  # fmt: skip
    if not (isinstance(drop_path, Real) and 0 <= drop_path < 1):
        raise SettingError(f"drop_path: found {brief(drop_path)}; write a rate from 0 to below 1")
    if not features and (window != "auto" or out_indices is not None):
        raise SettingError("window and out_indices are those of a backbone: say features=True too")
    if seed is None:
        network = Network(architecture, drop_path)
    else:
        with _drawn_by(seed):
            network = Network(architecture, drop_path)
    if not features:
        return network
    places = sites(architecture, network.stem.stride)
    return Backbone(architecture, network.stem, network.stages, network.head, places, window, out_indices)


@contextmanager
def _drawn_by(seed: int) -> Iterator[None]:
    """Draw by a seed where tensors are made, and leave the generators as they were. Raises SettingError for no seed."""
    if not (isinstance(seed, Integral) and 0 <= seed < SEEDS):
        raise SettingError(f"seed: found {brief(seed)}; write a whole number from 0 to {SEEDS - 1}")
    device = torch.get_default_device()
    on_gpu = device.type == "cuda"
    with torch.random.fork_rng(devices=[device] if on_gpu else []):
        sow = torch.manual_seed if on_gpu else torch.default_generator.manual_seed  # the former seeds every GPU too
        sow(int(seed))
        yield


def skeleton(architecture: Architecture) -> Network:
    """Build the network on torch's meta device, without memory for its weights, to be counted."""
    return hollow(lambda: Network(architecture))


def hollow(make: Callable[[], Module]) -> Module:
    """Make a module on torch's meta device.

    One from outside that reads values of its tensors while it is made, which have none there, is moved there.
    """
    try:
        with torch.device("meta"):
            return make()
    except RuntimeError as error:
        if not wants_values(error):
            raise
        with torch.random.fork_rng(devices=[]):
            return make().to("meta")


def wants_values(error: RuntimeError) -> bool:
    """Tell whether torch failed as a tensor on its meta device has no value to read."""
    return "meta" in str(error)
