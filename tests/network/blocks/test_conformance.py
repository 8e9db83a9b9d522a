"""What every block keeps: run over the registry, so that a new kind is tested by existing."""

import inspect
from collections import Counter

import pytest
from suites import suites

from nas.registry import BLOCKS
from nas.testing import BlockSuite

KINDS = BLOCKS.names()
globals().update(suites(BlockSuite, BLOCKS))


def test_letters_differ() -> None:
    letters = {kind: BLOCKS.get(kind).letter for kind in KINDS}
    assert max(Counter(letters.values()).values()) == 1, letters


@pytest.mark.parametrize("kind", KINDS)
def test_a_block_says_what_it_is(kind: str) -> None:
    block = BLOCKS.get(kind)
    assert block.__doc__
    assert "https://" in (inspect.getmodule(block).__doc__ or ""), "the paper's link comes first"
