"""Options: a constructor's keyword-only parameters, their law, their default and the law in words."""

import pytest

from nas.network.options import options_of
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
