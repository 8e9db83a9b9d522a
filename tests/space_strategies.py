"""Random search spaces for hypothesis: plain data that keeps the grammar, small enough to build and to enumerate."""

from typing import Any

from hypothesis import strategies as st

from nas.network.architecture import Architecture
from nas.network.options import Scalar, options_of
from nas.network.properties import values_of
from nas.registry import BLOCKS as ALL_BLOCKS
from nas.registry import HEADS, STEMS, Registry
from nas.space.slot import Domain
from nas.space.space import SearchSpace

BLOCKS = ("conv", "mbconv", "transformer", "moat")
WIDTHS = (16, 32, 48)
HEAD_DIMS = (4, 8, 16)
HEADS_OF_MAPS = ("pool", "norm_pool", "mobilenet")


def some(values: Any, most: int = 3) -> st.SearchStrategy[Any]:
    """One value, or a list of different ones in any order."""
    values = list(values)
    several = st.lists(st.sampled_from(values), min_size=1, max_size=most, unique=True)
    return st.sampled_from(values) | several


def ranges() -> st.SearchStrategy[dict[str, int]]:
    """`{from: 1, to: 4, step: 2}` for a depth."""
    return st.fixed_dictionaries({"from": st.integers(1, 2), "to": st.integers(2, 4)}, optional={"step": st.just(2)})


def options(registry: Registry, kind: str) -> st.SearchStrategy[dict[str, Any]]:
    """Some of a kind's options, each with allowed values."""
    every = {name: _values(name, option) for name, option in options_of(registry, kind).items()}
    return st.fixed_dictionaries({}, optional={name: some(values) for name, values in every.items()})


def _values(name: str, option: Any) -> list[Scalar]:
    if name == "head_dim":
        return list(HEAD_DIMS)
    return [value for value in values_of(option) if isinstance(value, str) or value <= 8]


@st.composite
def inline(draw: Any, registry: Registry, kinds: Any) -> dict[str, Any]:
    """A stem or head: its kinds, and options beside them where there is one kind."""
    kind = draw(kinds)
    return {"kind": kind} | (draw(options(registry, kind)) if isinstance(kind, str) else {})


def block_options(offered: set[str]) -> st.SearchStrategy[dict[str, Any]]:
    """What stands under `blocks:` for kinds that stages offer; attention has heads that divide every width."""
    return st.fixed_dictionaries(
        {
            kind: options(ALL_BLOCKS, kind).map(_with_head_dim(kind))
            for kind in ("transformer", "moat")
            if kind in offered
        },
        optional={kind: options(ALL_BLOCKS, kind) for kind in ("conv", "mbconv") if kind in offered},
    )


def _with_head_dim(kind: str) -> Any:
    return lambda named: {"head_dim": 16} | named


@st.composite
def stages(draw: Any, most: int) -> dict[str, Any]:
    """One stage, with at most so many choices of a value."""
    stage = {
        "block": draw(some(BLOCKS, most)),
        "depth": draw(some((1, 2, 3), most) | ranges()),
        "width": draw(some(WIDTHS, most)),
        "stride": draw(some((1, 2))),
    }
    offered = [stage["block"]] if isinstance(stage["block"], str) else stage["block"]
    kind = draw(st.sampled_from(offered))
    own = draw(options(ALL_BLOCKS, kind))
    return stage | ({"blocks": {kind: own}} if draw(st.booleans()) else {})


@st.composite
def spaces(draw: Any, most: int = 4) -> dict[str, Any]:
    """The plain data of a valid space; `most` 2 keeps it small enough to enumerate now and then."""
    drawn = draw(st.lists(stages(most), min_size=1, max_size=most - 1))
    offered = {
        kind for stage in drawn for kind in ([stage["block"]] if isinstance(stage["block"], str) else stage["block"])
    }
    return {
        "name": draw(st.text("abcäöü xyz-_0", max_size=12).map(str.strip).filter(bool)),
        "resolution": draw(some((8, 16, 32))),
        "channels": draw(st.sampled_from((1, 3))),
        "classes": draw(st.integers(2, 20)),
        "stem": draw(inline(STEMS, some(STEMS.names()))) | {"width": draw(some((48, 96)))},
        "stages": drawn,
        "blocks": draw(block_options(offered)),
        "head": draw(inline(HEADS, some(HEADS_OF_MAPS))),
    }


def enumerate_space(space: SearchSpace) -> list[tuple[dict[str, Scalar], Architecture]]:
    """Every point of a small space, found by answering each question in every way."""
    found: list[tuple[dict[str, Scalar], Architecture]] = []
    branches: list[list[Scalar]] = [[]]
    while branches:
        answers = branches.pop()
        asked: list[Domain] = []

        def choose(_: str, values: Domain, answers: list[Scalar] = answers, asked: list[Domain] = asked) -> Scalar:
            asked.append(values)
            return answers[len(asked) - 1] if len(asked) <= len(answers) else values[0]

        found.append(space.record(choose))
        for depth in range(len(answers), len(asked)):
            first = [values[0] for values in asked[len(answers) : depth]]
            branches += [[*answers, *first, value] for value in asked[depth][1:]]
    return found
