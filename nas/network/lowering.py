"""A network that does less after its training: fewer queries, smaller images."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from numbers import Integral

import torch
from torch import Tensor

from nas.errors import SettingError
from nas.network.architecture import Architecture, HeadSpec
from nas.network.build import Network, build, skeleton
from nas.network.options import options_of
from nas.network.weights import adapt
from nas.registry import HEADS

QUERIES = "queries"
"""The option of a head that says how many boxes it may find."""
ENLARGE = "enlarge"
"""The option of a head by which boxes are larger than it takes them for, as smaller images ask for."""
LEAST_SIDE = 4  # pixels


def queries_of(architecture: Architecture) -> int | None:
    """Return the number of boxes that a network may find in an image, None of one that finds none."""
    known = QUERIES in options_of(HEADS, architecture.head.kind)
    return int(architecture.value(f"head.{QUERIES}")) if known else None


def size_text(queries: int | None, side: int) -> str:
    """Say how many boxes a network finds, if any, and in images of which side: `9 queries at 64 pixels`."""
    boxes = "" if queries is None else f"{queries} {'query' if queries == 1 else 'queries'} at "
    return f"{boxes}{side} pixels"


def trains_queries(architecture: Architecture) -> bool:
    """Tell whether each query has weights of its own; else queries are the likeliest places of the image at hand."""
    count = queries_of(architecture) or 0
    return count > 1 and _shapes(architecture) != _shapes(lowered(architecture, count - 1))


def _shapes(architecture: Architecture) -> list[torch.Size]:
    return [value.shape for value in skeleton(architecture).state_dict().values()]


def lowered(architecture: Architecture, queries: int | None = None, resolution: int | None = None) -> Architecture:
    """Return the architecture with fewer queries or smaller images, of `resolution` pixels on a side.

    Raises SettingError for more of either than it has, and for queries of a network without.
    """
    now = queries_of(architecture)
    if queries is not None and now is None:
        raise SettingError(f"queries {queries}: the head '{architecture.head.kind}' has none; only networks that find "
                           "boxes have queries")  # fmt: skip
    side = architecture.resolution
    for name, asked, least, most in ((QUERIES, queries, 1, now), ("resolution", resolution, LEAST_SIDE, side)):
        if asked is not None and most is not None and not (_whole(asked) and least <= asked <= most):
            raise SettingError(f"{name} {asked} is not allowed; a network can be lowered to {least} to {most}, and has "
                               "more by its file")  # fmt: skip
    queries, resolution = (None if asked == own else asked for asked, own in ((queries, now), (resolution, side)))
    options = dict(architecture.head.options) | ({QUERIES: int(queries)} if queries is not None else {})
    if resolution and ENLARGE in options_of(HEADS, architecture.head.kind):
        options[ENLARGE] = float(architecture.value(f"head.{ENLARGE}")) * side / resolution
    head = HeadSpec(architecture.head.kind, options)
    return replace(architecture, head=head, resolution=int(resolution or side))


def _whole(value: object) -> bool:
    """Tell whether a value is a whole number, NumPy's too, and neither true nor false."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def lower(network: Network, architecture: Architecture, keep: Sequence[int] = ()) -> Network:
    """Build a lowered architecture's network of a trained one's weights, position tables brought to its resolution.

    Of queries with weights of their own it keeps the first of `keep`, in that order, and then others as they come.
    """
    state: Mapping[str, Tensor] = network.state_dict()
    if count := queries_of(architecture):
        now = range(queries_of(network.architecture) or 0)
        rows = [*dict.fromkeys([*keep, *now])][:count]
        wanted = skeleton(replace(network.architecture, head=architecture.head)).state_dict()
        state = {n: value if value.shape == wanted[n].shape else value[rows] for n, value in state.items()}
    fresh = build(architecture)
    fresh.load_state_dict(adapt(state, fresh))
    return fresh.train(network.training).to(next(network.parameters()).device)
