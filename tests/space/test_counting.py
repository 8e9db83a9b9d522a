"""The size of a space whose stages may be left out, beside all of its points."""

import pickle
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from space_strategies import enumerate_space, some

from nas.registry import BLOCKS
from nas.space.library import load_space
from nas.space.space import SearchSpace

ALIKE = {"block": "conv", "depth": [0, 1], "width": [8, 16], "stride": 1}


@st.composite
def stages(draw: Any) -> list[dict[str, Any]]:
    """Two to four stages, some of which may be left out, and may be alike or differ in what they offer."""
    found = []
    for depths in draw(st.lists(st.sampled_from((1, [0, 1], [2, 0], [0, 1, 2], [1, 2])), min_size=2, max_size=4)):
        kinds = draw(some(("conv", "transformer"), 2))
        stage = {"block": kinds, "depth": depths, "width": draw(some((8, 12, 16), 2)), "stride": draw(some((1, 2)))}
        dims = (4,) if stage["width"] in (12, [12]) else (4, [4, 8], [8, 4])  # 8 alone would suit no width
        own = {
            "conv": {"kernel_size": draw(some((1, 3), 2))},
            "transformer": {"head_dim": draw(st.sampled_from(dims))},
        }
        named = [kind for kind in own if kind in kinds and (kind == "transformer" or draw(st.booleans()))]
        found.append(stage | {"blocks": {kind: own[kind] for kind in named}})
    return found


def space(stages: list[dict[str, Any]], head: Any = "pool") -> SearchSpace:
    return load_space({"stem": {"kind": "conv", "width": [8, 16]}, "stages": stages, "head": {"kind": head}})


def networks(found: SearchSpace) -> int:
    """Count by making every point."""
    return len({architecture.key() for _, architecture in enumerate_space(found)})


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(stages(), some(("pool", "norm_pool"), 2))
def test_each_network_counts_once_however_it_is_decided(stages, head):
    assume(any(stage["depth"] in (1, [1, 2]) for stage in stages))
    found = space(stages, head)
    assume(found.size() <= 2000)
    assert found.size() == networks(found)


@pytest.mark.parametrize("last", [ALIKE | {"depth": 1}, ALIKE | {"depth": 1, "width": 12}])
def test_stages_alike_are_no_choice_between_them(last):
    """Of four stages that may be there, k are in 2 ** k ways, wherever they stand."""
    found = space([ALIKE] * 4 + [last])
    after = 2 if last["width"] == [8, 16] else 1
    assert found.size() == networks(found) == 2 * after * sum(2**k for k in range(5))


def test_many_stages_are_counted_at_once():
    """Stages alike are followed together: thirty-one of them have 3 ** 31 sets of decisions."""
    assert space([ALIKE] * 31 + [ALIKE | {"depth": 1}]).size() == 2 * 2 * (2**32 - 1)


def test_a_space_is_counted_once_and_another_made_of_it_anew(monkeypatch):
    stage = {"block": "transformer", "depth": [1, 2], "width": 8, "blocks": {"transformer": {"head_dim": [4, 8]}}}
    found = space([stage | {"stride": 2}])
    twin, size, asked = space([stage | {"stride": 2}]), found.size(), []
    misfit = BLOCKS.get("transformer").misfit
    monkeypatch.setattr(BLOCKS.get("transformer"), "misfit", lambda *what: asked.append(what) or misfit(*what))
    assert f"{size} networks" in repr(found)
    assert found.size() == size
    assert not asked
    assert found == twin
    assert pickle.loads(pickle.dumps(found)) == found
    assert replace(found, resolution=(16, 32)).size() == 2 * size
    assert asked
