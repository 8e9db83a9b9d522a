"""What the networks of a front have in common, stage by stage, beyond what random members of the space have.

Each share of a block is tested by Fisher's exact test against the random members', each depth and width by the test of
Mann and Whitney. So many tests find something by chance, so p is multiplied by their number (Bonferroni).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nas.evaluation.units import Unit
from nas.record.analysis.members import Counts, StageCounts
from nas.training.chance import LEVEL, apart, wilson

NUMBER = Unit(1, "")
FEWEST = 4
"""Networks on a front below which no share could stand out."""


@dataclass(frozen=True)
class BlockShare:
    """A block at a stage: on how many networks of the front, with Wilson's interval of that share, and p."""

    stage: int
    block: str
    count: int
    share: float
    interval: tuple[float, float]
    random: float
    p: float


@dataclass(frozen=True)
class MeanSize:
    """The mean depth or width of a stage, on the front and among random members, and p."""

    stage: int
    what: str
    front: float
    random: float
    p: float

    @property
    def shown(self) -> tuple[str, str]:
        """Both means in words."""
        return NUMBER.show(self.front), NUMBER.show(self.random)


@dataclass(frozen=True)
class Traits:
    """What a front of so many networks has in common, held against so many random members."""

    networks: int
    members: int
    blocks: tuple[BlockShare, ...]
    sizes: tuple[MeanSize, ...]

    @property
    def comparisons(self) -> int:
        """The number of tests that could find something: a block that no network is without tells nothing."""
        return sum(one.share < 1 or one.random < 1 for one in self.blocks) + len(self.sizes)

    def stands_out(self, p: float) -> bool:
        """Tell whether a difference lies beyond chance, with all that were looked for in mind."""
        return p * self.comparisons < 1 - LEVEL

    def sentences(self) -> list[str]:
        """Say what stands out, of how many comparisons, and how little a small front can say."""
        found = [_block_words(one, self.networks) for one in self.blocks if self.stands_out(one.p)]
        found += [_size_words(one) for one in self.sizes if self.stands_out(one.p)]
        tests = (
            f"{self.comparisons} comparisons (Fisher's exact test for blocks, Mann and Whitney's for sizes, Bonferroni)"
        )
        if self.networks < FEWEST:
            alone = "one network" if self.networks == 1 else f"{self.networks} networks"
            return [f"A front of {alone} is too small to tell what is common from what is chance."]
        if not self.comparisons:
            return ["Nothing is compared: all networks of the space have these blocks, depths and widths."]
        if not found:
            return [
                f"Nothing stands out beyond chance: with {self.networks} networks on the front, none of {tests} does."
            ]
        return [
            f"Beyond chance, of {tests}: {'; '.join(found)}.",
            "Networks of one front resemble one another, so they count for less than their number: see whether "
            "searches from other seeds agree.",
        ]


def traits(front: Counts, members: Counts) -> Traits:
    """Hold the stages of a front against those of random members."""
    blocks: list[BlockShare] = []
    sizes: list[MeanSize] = []
    for i in range(max(len(front.stages), len(members.stages))):
        own, others = _stage(front, i), _stage(members, i)
        for block in dict.fromkeys([*sorted(others.blocks), *own.blocks]):
            found, expected = own.blocks.get(block, 0), others.blocks.get(block, 0)
            blocks.append(_share(i, block, (found, front.networks), (expected, members.networks)))
        for what, one, other in (("depth", own.depths, others.depths), ("width", own.widths, others.widths)):
            if one and len(other) > 1:
                sizes.append(_size(i, what, one, other))
    return Traits(front.networks, members.networks, tuple(blocks), tuple(sizes))


def _stage(counts: Counts, i: int) -> StageCounts:
    return counts.stages[i] if i < len(counts.stages) else StageCounts({}, {}, {})


def _share(stage: int, block: str, front: tuple[int, int], members: tuple[int, int]) -> BlockShare:
    (count, networks), (others, drawn) = front, members
    p = apart(count, networks, others, drawn, either_way=True)
    return BlockShare(stage, block, count, count / networks, wilson(count, networks), others / drawn, p)


def _size(stage: int, what: str, front: Mapping[int, int], members: Mapping[int, int]) -> MeanSize:
    from scipy.stats import mannwhitneyu

    own, others = _values(front), _values(members)
    p = float(mannwhitneyu(own, others, method="asymptotic").pvalue)
    return MeanSize(stage, what, float(own.mean()), float(others.mean()), p)


def _values(counts: Mapping[int, int]) -> NDArray[np.float64]:
    return np.repeat(np.array(list(counts), float), list(counts.values()))


def _block_words(one: BlockShare, networks: int) -> str:
    return f"stage {one.stage} is {one.block} on {one.count} of {networks}, where {100 * one.random:.0f} % are expected"


def _size_words(one: MeanSize) -> str:
    front, random = one.shown
    return f"the mean {one.what} of stage {one.stage} is {front}, where {random} is expected"
