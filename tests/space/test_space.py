"""A space: one traversal, from which sampling, replay, counting and finding a network follow."""

import hashlib

import numpy as np
import pytest
import space_strategies
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from nas.errors import SpaceError
from nas.space.library import load_architecture, load_space
from nas.space.matching import locate
from nas.space.space import draw, slots

MANY = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
STAGE = {"block": "conv", "depth": 1, "width": 8, "stride": 1}
DATA = {"stem": {"kind": "conv", "width": 8}, "stages": [STAGE], "classes": 10, "resolution": 16}


def space(**changes):
    return load_space(DATA | {"stages": [STAGE | changes]})


@MANY
@given(space_strategies.spaces(), st.integers(0, 2**32))
def test_what_is_recorded_is_replayed_and_found_again(data, seed):
    found = load_space(data)
    decisions, architecture = found.sample(np.random.default_rng(seed))
    assert found.replay(decisions) == architecture
    assert locate(found, architecture) == decisions
    assert locate(found, load_architecture(architecture.to_dict())) == decisions


@settings(MANY, max_examples=60)
@given(space_strategies.spaces(most=2))
def test_the_size_is_the_number_of_different_networks(data):
    found = load_space(data)
    assume(found.size() <= 400)
    points = space_strategies.enumerate_space(found)
    assert found.size() == len(points)
    assert len({str(sorted(decisions.items())) for decisions, _ in points}) == len(points)
    assert len({architecture.key() for _, architecture in points}) == len(points)


@MANY
@given(space_strategies.spaces(), st.integers(0, 2**32))
def test_a_decision_has_always_the_same_values(data, seed):
    found, rng = load_space(data), np.random.default_rng(seed)
    known = {}

    def choose(name, values):
        assert known.setdefault(name, values) == values
        assert len(set(values)) == len(values) > 1
        return values[int(rng.integers(len(values)))]

    for _ in range(20):
        found.decide(choose)


def test_options_of_a_block_that_was_not_chosen_are_not_asked():
    names = set()
    for wanted in ("conv", "mbconv"):
        asked, architecture = space(block=["conv", "mbconv"], blocks={"mbconv": {"expansion": [2, 4]}}).record(
            lambda name, values, wanted=wanted: wanted if name.endswith("block") else values[-1]
        )
        names |= {(wanted, *asked)}
        assert architecture.stages[0].options == ({"expansion": 4} if wanted == "mbconv" else {})
    assert names == {("conv", "stages.0.block"), ("mbconv", "stages.0.block", "stages.0.mbconv.expansion")}


def test_what_an_earlier_choice_narrows_is_named_after_it():
    narrowed = space(
        block=["conv", "moat"], width=[8, 12, 16], blocks={"moat": {"head_dim": [4, 8], "expansion": [2, 4]}}
    )
    asked = {}
    for _, architecture in space_strategies.enumerate_space(narrowed):
        asked |= locate(narrowed, architecture)
    assert set(asked) == {
        "stages.0.block", "stages.0.width", "stages.0.moat.head_dim", "stages.0.moat.expansion"
    }  # at 12 only head_dim 4 fits, which is no question  # fmt: skip
    heads = {(a.stages[0].width, a.stages[0].options.get("head_dim")) for _, a in
             space_strategies.enumerate_space(narrowed) if a.stages[0].block == "moat"}  # fmt: skip
    assert heads == {(8, 4), (8, 8), (12, 4), (16, 4), (16, 8)}


def test_a_width_that_no_option_fits_is_not_offered():
    narrowed = space(block=["conv", "moat"], width=[8, 12, 16], blocks={"moat": {"head_dim": 8}})
    widths = {(a.stages[0].block, a.stages[0].width) for _, a in space_strategies.enumerate_space(narrowed)}
    assert widths == {("conv", 8), ("conv", 12), ("conv", 16), ("moat", 8), ("moat", 16)}
    assert narrowed.size() == 5


def test_an_option_called_like_a_field_is_asked_once():
    stem = {"kind": "conv", "width": 8, "stride": [1, 2]}
    found = load_space(DATA | {"stem": stem})
    assert found.size() == 2
    assert found.record(lambda _, values: values[0])[0] == {"stem.conv.stride": 1}


def test_smallest_and_largest_are_the_ends():
    found = space(depth=[1, 2, 3], width=[8, 16, 32])
    assert (found.smallest().stages[0].depth, found.smallest().stages[0].width) == (1, 8)
    assert (found.largest().stages[0].depth, found.largest().stages[0].width) == (3, 32)


def test_sampling_is_even_and_follows_the_generator():
    found = space(block=["conv", "mbconv"], depth=[1, 2, 3])
    draws = [found.sample(np.random.default_rng(seed))[1] for seed in range(300)]
    again = [found.sample(np.random.default_rng(seed))[1] for seed in range(300)]
    assert draws == again
    counts = [sum(a.stages[0].depth == depth for a in draws) for depth in (1, 2, 3)]
    assert min(counts) > 70


@pytest.mark.parametrize(
    ("decisions", "says"),
    [
        ({}, "'stages.0.depth' is missing; it may be 1, 2"),
        ({"stages.0.depth": 3}, "stages.0.depth: 3 is not among 1, 2"),
        ({"stages.0.depth": True}, "stages.0.depth: True is not among"),
        ({"stages.0.depth": 1.0}, "stages.0.depth: 1.0 is not among"),
        ({"stages.0.depth": 1, "stages.0.width": 8}, "asks for no decision 'stages.0.width'"),
    ],
)
def test_decisions_of_another_space_are_refused(decisions, says):
    with pytest.raises(SpaceError, match=says):
        space(depth=[1, 2]).replay(decisions)


@pytest.mark.parametrize(
    "stages",
    [
        [STAGE | {"depth": 3}],
        [STAGE | {"block": "moat", "head_dim": 8}],
        [STAGE | {"kernel_size": 5}],
        [STAGE, STAGE],
        [STAGE | {"width": 16}],
    ],
)
def test_a_network_outside_the_space_is_refused(stages):
    with pytest.raises(SpaceError):
        locate(space(depth=[1, 2], kernel_size=[1, 3]), load_architecture(DATA | {"stages": stages}))
    with pytest.raises(SpaceError):
        locate(
            load_space(DATA | {"stages": [STAGE, STAGE | {"depth": [1, 2]}, STAGE]}),
            load_architecture(DATA | {"stages": stages}),
        )


def test_an_absent_option_is_found_at_its_default_and_whole_numbers_as_floats():
    found = space(block="mbconv", expansion=[2, 4], se_ratio=[0, 0.25])
    inside = load_architecture(DATA | {"stages": [STAGE | {"block": "mbconv", "se_ratio": 0.0}]})
    assert locate(found, inside) == {"stages.0.mbconv.expansion": 4, "stages.0.mbconv.se_ratio": 0}


def test_a_space_fits_itself_to_the_data():
    fitted = space(depth=[1, 2]).fit(resolution=28, channels=1, classes=7)
    assert (fitted.resolution, fitted.channels, fitted.classes) == ((28,), 1, 7)
    varied = load_space(DATA | {"resolution": [16, 32]}).fit(resolution=28, channels=1, classes=7)
    assert varied.resolution == (16, 32)


def test_the_flagship_offers_its_four_blocks_at_every_stage():
    family = load_space("cvt_family")
    assert family.size() > 1e9
    assert len(family.stages) == 4
    assert all(set(stage.kinds) == set(space_strategies.BLOCKS) for stage in family.stages)
    assert {"conv", "patchify"} <= set(family.stem.kinds)
    assert [place for place, _ in slots(family)] == ["stem", "stages.0", "stages.1", "stages.2", "stages.3", "head"]


def test_a_sample_is_the_same_in_every_version():
    """The seed of a record must give the same networks tomorrow: nothing may depend on the order of a set."""
    keys = [space(block=["conv", "mbconv", "moat"], width=[32, 64], depth=[1, 2, 3]).sample(np.random.default_rng(s))[1]
            .key() for s in range(20)]  # fmt: skip
    assert hashlib.sha256("".join(keys).encode()).hexdigest()[:8] == "e97d057e"


@MANY
@given(space_strategies.spaces(), st.integers(0, 2**32))
def test_recorded_decisions_are_told_the_values_that_they_were_chosen_from(data, seed):
    found, rng, offered = load_space(data), np.random.default_rng(seed), {}

    def choose(name, values):
        offered[name] = values
        return values[int(rng.integers(len(values)))]

    decisions, _ = found.record(choose)
    assert found.domains(decisions) == offered
    for name in decisions:
        with pytest.raises(SpaceError, match="is missing"):
            found.domains({n: v for n, v in decisions.items() if n != name})


def test_drawn_networks_differ_and_are_the_same_for_a_seed():
    found = space(depth=[1, 2, 3], width=[8, 16])
    drawn = draw(found, 4, seed=1)
    assert len({a.key() for a in drawn}) == 4
    assert draw(found, 4, seed=1) == drawn
    assert draw(found, 4, seed=2) != drawn
    assert len(draw(found, 100)) == found.size() == 6
