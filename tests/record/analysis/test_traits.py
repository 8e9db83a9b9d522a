"""What a front has in common, beside random members."""

import numpy as np
import pytest

from nas.record.analysis.members import Counts, StageCounts
from nas.record.analysis.traits import traits

EVEN = Counts(1000, tuple(StageCounts({"conv": 500, "moat": 500}, {1: 500, 2: 500}, {16: 500, 32: 500}) for _ in "ab"))


def front(*moats: int, networks: int = 10) -> Counts:
    """A front with so many networks of moat at each stage, and sizes as random members have."""
    half = networks // 2
    sizes = {1: half, 2: networks - half}
    return Counts(networks, tuple(
        StageCounts({"moat": moat, "conv": networks - moat}, sizes, {16: half, 32: networks - half}) for moat in moats
    ))  # fmt: skip


def test_what_all_of_a_front_have_stands_out():
    found = traits(front(10, 5), EVEN)
    assert found.comparisons == 8
    assert [(one.stage, one.block) for one in found.blocks if found.stands_out(one.p)] == [(0, "conv"), (0, "moat")]
    first, second = found.sentences()
    assert "of 8 comparisons" in first
    assert "stage 0 is moat on 10 of 10, where 50 % are expected" in first
    assert "resemble one another" in second


def test_the_interval_is_wilsons():
    moat = next(one for one in traits(front(7, 5), EVEN).blocks if one.block == "moat")
    z, n, share = 1.959964, 10, 0.7
    middle, half = (share + z**2 / 2 / n), z * (share * (1 - share) / n + z**2 / 4 / n**2) ** 0.5
    assert moat.interval == pytest.approx([(middle - half) / (1 + z**2 / n), (middle + half) / (1 + z**2 / n)])
    assert (moat.count, moat.share, moat.random) == (7, 0.7, 0.5)


def test_deeper_stages_stand_out():
    deep = Counts(12, (StageCounts({"conv": 6, "moat": 6}, {2: 12}, {16: 6, 32: 6}),))
    found = traits(deep, Counts(1000, EVEN.stages[:1]))
    assert [(one.what, one.front, one.random) for one in found.sizes] == [("depth", 2.0, 1.5), ("width", 24.0, 24.0)]
    assert "the mean depth of stage 0 is 2, where 1.50 is expected" in found.sentences()[0]


def test_large_widths_are_written_in_full():
    wide = Counts(12, (StageCounts({"conv": 6, "moat": 6}, {2: 12}, {1152: 12}),))
    found = traits(wide, Counts(1000, (StageCounts({"conv": 500, "moat": 500}, {2: 1000}, {768: 500, 1280: 500}),)))
    assert found.sizes[0].shown == ("1,152", "1,024")


def test_random_fronts_seldom_stand_out():
    rng = np.random.default_rng(0)
    fronts = [front(*rng.binomial(10, 0.5, 2)) for _ in range(100)]
    false = sum(any(found.stands_out(one.p) for one in found.blocks) for found in (traits(one, EVEN) for one in fronts))
    assert false <= 8


@pytest.mark.parametrize(("networks", "said"), [(1, "one network is too small"), (3, "3 networks is too small")])
def test_a_small_front_is_not_read_into(networks, said):
    assert said in traits(front(networks, 0, networks=networks), EVEN).sentences()[0]


def test_a_front_like_the_space_says_so():
    assert "none of 8 comparisons" in traits(front(5, 5), EVEN).sentences()[0]


def test_a_size_that_does_not_vary_is_not_compared():
    fixed = Counts(1000, (StageCounts({"conv": 500, "moat": 500}, {1: 1000}, {16: 500, 32: 500}),))
    assert [one.what for one in traits(front(5), fixed).sizes] == ["width"]


def test_a_block_that_every_network_has_weakens_no_comparison():
    only = StageCounts({"conv": 1000}, {1: 1000}, {16: 1000})
    members = Counts(1000, (EVEN.stages[0], *[only] * 20))
    own = Counts(10, (*front(9).stages, *[StageCounts({"conv": 10}, {1: 10}, {16: 10})] * 20))
    found = traits(own, members)
    assert found.comparisons == traits(front(9), Counts(1000, EVEN.stages[:1])).comparisons == 4
    assert "of 4 comparisons" in found.sentences()[0]
    with_gaps = Counts(10, (StageCounts({"conv": 5}, {1: 5}, {16: 5}),))
    assert traits(with_gaps, Counts(1000, (only,))).comparisons == 1, "a stage that may be left out may be rare"


def test_a_space_of_the_same_blocks_and_sizes_compares_nothing():
    only = (StageCounts({"conv": 10}, {1: 10}, {16: 10}),)
    assert traits(Counts(10, only), Counts(10, only)).sentences() == [
        "Nothing is compared: all networks of the space have these blocks, depths and widths."
    ]
