"""Options: a constructor's keyword-only parameters, their law, their default and the law in words."""

import inspect
from collections.abc import Callable
from enum import Enum
from typing import Literal

import pytest

from nas.errors import SettingError
from nas.network.options import Option, declared, options_of
from nas.network.properties import values_of
from nas.registry import BLOCKS, HEADS, STEMS

EVERY = [(r, kind) for r in (BLOCKS, HEADS, STEMS) for kind in r.names()]


@pytest.mark.parametrize(("registry", "kind"), EVERY, ids=lambda x: getattr(x, "folder", x))
def test_defaults_are_lawful_and_the_law_has_words(registry, kind):
    for option in options_of(registry, kind).values():
        assert option.allows(option.default)
        assert option.words
        assert not any(option.allows(value) for value in (-1, 10**9, float("nan"), float("inf"), "no such word"))


def test_a_value_is_never_converted():
    options = options_of(BLOCKS, "mbconv")
    assert options["expansion"].allows(2)
    assert options["expansion"].allows(2.5)
    assert not options["expansion"].allows(True)
    assert not options["expansion"].allows("2")
    assert not options["kernel_size"].allows(3.0)
    assert not options["kernel_size"].allows(4)
    assert not options_of(HEADS, "pool")["hidden"].allows(1)


def test_words_say_the_limits():
    options = options_of(BLOCKS, "mbconv")
    assert options["kernel_size"].words == "a whole number odd, from 1 to 15"
    assert options["stride_on"].words == "one of expand, depthwise"
    assert list(options) == ["expansion", "kernel_size", "se_ratio", "stride_on"]


class Mode(Enum):
    A = "a"


def without(*, size: int) -> None: ...


def no_word(*, mode: Mode = Mode.A) -> None: ...


def unlawful(*, size: Literal[3, 5] = 7) -> None: ...


def fine(*, size: int | None = None, rate: float = 4, sizes: tuple[int, ...] = (1, 2)) -> None: ...


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (without, "without: the option size has no default; write the paper's value"),
        (no_word, "no_word: the option mode has the default <Mode.A: 'a'>: write a word"),
        (unlawful, "unlawful: the option size has the default 7: write one of 3, 5"),
    ],
)
def test_a_default_that_no_file_holds_or_no_law_allows_is_told(kind: Callable[..., None], why: str) -> None:
    with pytest.raises(SettingError, match=why):
        declared(kind)


def test_a_default_may_be_none_a_whole_number_or_several() -> None:
    assert list(declared(fine)) == ["size", "rate", "sizes"]


def test_values_of_an_option_that_may_be_left_open_are_those_of_its_members() -> None:
    def kind(*, size: int | None = None, mode: Literal["a", "b"] | None = None, on: bool = True) -> None: ...

    size, mode, on = map(Option, inspect.signature(kind).parameters.values())
    assert {1, 3} <= set(values_of(size))
    assert not any(isinstance(value, bool | float) for value in values_of(size))
    assert list(values_of(mode)) == ["a", "b"]
    assert list(values_of(on)) == [False, True]
