"""Where a front attends, stage by stage, beside random networks of the same cost: the layout question as a statistic.

CoAtNet (https://arxiv.org/abs/2106.04803, section 2.2) and MOAT (https://arxiv.org/abs/2210.01820, section 3.2) chose
convolution early and attention late by hand. A front may look so by accident, or because it is cheap. So each network
of a front is held against random members of its space with about as many multiply-adds, and whether attention rises
with the stage is tested by letting each take the other's place.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from nas.costs.counts import cost
from nas.errors import RunError, SettingError
from nas.network.architecture import Architecture
from nas.network.pieces import attends, pieces
from nas.record.analysis.comparison import differing
from nas.record.analysis.layouts import BY_HAND, Layouts, StageShare, Trend
from nas.record.analysis.worth import fit
from nas.record.opening import Named, open_runs
from nas.record.run import Run
from nas.registry import BLOCKS
from nas.space.space import SearchSpace, draw
from nas.training.chance import wilson

Floats = NDArray[np.float64]
MEMBERS = 500  # random networks of a space
MATCHED = 25  # of them, those nearest in multiply-adds to a network of the front
PERMUTATIONS = 10_000


@dataclass(frozen=True)
class Matched:
    """A network of a front and the random members of its space that cost as much.

    Rows are networks, the front's first: `letters` of their stages, `attention` `(networks, stages)` of 0 and 1, and
    `macs`.
    """

    letters: tuple[tuple[str, ...], ...]
    attention: Floats
    macs: Floats


def layouts(runs: Named | Iterable[Named], *, members: int = MEMBERS, seed: int = 0) -> Layouts:
    """Compare the layouts of the runs' fronts, all pooled, with random networks of the same cost.

    Runs are such, or their names or paths.

    Raises SettingError for a run that is named twice, RunError for one without a front, and for runs whose networks
    differ in the number of stages.
    """
    runs = open_runs(runs)
    folders = [run.folder.resolve() for run in runs]
    if twice := [run for run, folder in zip(runs, folders, strict=True) if folders.count(folder) > 1]:
        raise SettingError(f"{twice[0].folder} is named twice; name each run once")
    groups = [matched(run, members, seed) for run in runs]
    pooled = [pair for group in groups for pair in group]
    depths = {pair.attention.shape[1] for pair in pooled}
    if len(depths) > 1:
        raise RunError(
            f"the networks have {' and '.join(map(str, sorted(depths)))} stages; compare those of one number"
        )
    found, count = Counter("-".join(pair.letters[0]) for pair in pooled), depths.pop()
    fitted = fit(runs, count)
    return Layouts(
        runs=tuple(run.name for run in runs),
        networks=len(pooled),
        found=dict(found.most_common()),
        stages=tuple(_share(pooled, stage) for stage in range(count)),
        trend=_trend(groups, np.random.default_rng(seed)),
        distance={name: _distance(pooled, layout) for name, layout in BY_HAND.items()},
        differ=tuple(dict.fromkeys(key for run in runs for key in differing(runs[0], run))),
        worths=fitted.worths,
        gains=fitted.gains,
    )


def matched(run: Run, members: int, seed: int) -> list[Matched]:
    """Match each network of a run's front with the random members of its space that are nearest in multiply-adds.

    Raises RunError for a run without a front.
    """
    front = [result.architecture for result in run.front()]
    if not front:
        raise RunError(f"{run.name} has no finished trial, so no front whose layouts could be looked at")
    drawn = _of_depths(run.space, {len(network.stages) for network in front}, members, seed)
    macs = np.array([cost(network).macs for network in drawn], float)
    return [_matched(network, drawn, macs) for network in front]


def _of_depths(space: SearchSpace, depths: set[int], members: int, seed: int) -> list[Architecture]:
    """Draw members with as many stages as the front's networks have, since stages may be optional."""
    return [network for network in draw(space, members, seed) if len(network.stages) in depths]


def _matched(network: Architecture, drawn: Sequence[Architecture], macs: Floats) -> Matched:
    own = float(cost(network).macs)
    alike = np.array([len(one.stages) == len(network.stages) for one in drawn], bool)
    distance = np.where(alike, np.abs(np.log(macs / own)), np.inf)
    nearest = [int(i) for i in np.argsort(distance, kind="stable")[:MATCHED] if np.isfinite(distance[i])]
    rows = [network, *(drawn[i] for i in nearest)]
    return Matched(
        letters=tuple(tuple(BLOCKS.get(stage.block).letter for stage in one.stages) for one in rows),
        attention=np.array([attending(one) for one in rows], float),
        macs=np.array([own, *macs[nearest]]),
    )


def attending(network: Architecture) -> list[bool]:
    """Tell for each stage whether its blocks attend."""
    _, *blocks, _ = pieces(network)
    ends = np.cumsum([stage.depth for stage in network.stages]) - 1
    return [attends(blocks[end]) for end in ends]


def _share(pooled: Sequence[Matched], stage: int) -> StageShare:
    """Count a stage's attention, with Wilson's interval for the fronts' share."""
    own = [int(pair.attention[0, stage]) for pair in pooled]
    others = [pair.attention[1:, stage].mean() for pair in pooled if len(pair.attention) > 1]
    return StageShare(stage, float(np.mean(own)), wilson(sum(own), len(own)), float(np.mean(others or [np.nan])))


def trend(attention: Floats) -> Floats:
    """Weigh each stage by its distance from the middle: networks `(networks, stages)` -> trends from -1 to 1."""
    weights = np.arange(attention.shape[1]) - (attention.shape[1] - 1) / 2
    scale = weights[weights > 0].sum() or 1.0
    return np.asarray(attention @ weights / scale, float)


def _trend(groups: Sequence[Sequence[Matched]], rng: Generator) -> Trend:
    """Test the fronts' trend by permutation within each group of a network and its matched ones."""
    trends = [[trend(pair.attention) for pair in group] for group in groups]
    by_group = [[values - _others(values) for values in group] for group in trends]  # of each, were it the front's
    effects = [each for group in by_group for each in group]
    observed = float(np.mean([each[0] for each in effects]))
    chance = np.mean([each[rng.integers(len(each), size=PERMUTATIONS)] for each in effects], axis=0)
    extreme = int((np.abs(chance) >= abs(observed) - 1e-12).sum())
    front = float(np.mean([values[0] for group in trends for values in group]))
    return Trend(
        front=front,
        random=front - observed,
        effect=observed,
        p=(1 + extreme) / (1 + PERMUTATIONS),
        by_run=tuple(sum(float(each[0]) for each in group) / len(group) for group in by_group),
    )


def _others(values: Floats) -> Floats:
    """For each member of a group, the mean of the others, or itself where it is alone."""
    if len(values) == 1:
        return values
    return np.asarray((values.sum() - values) / (len(values) - 1), float)


def _distance(pooled: Sequence[Matched], layout: str) -> tuple[float, float]:
    """Count the stages whose block differs from a layout by hand, stretched to as many stages."""
    stages = len(pooled[0].letters[0])
    letters = layout.split("-")
    wanted = [letters[stage * len(letters) // stages] for stage in range(stages)]

    def differing(row: Sequence[str]) -> int:
        return sum(own != hand for own, hand in zip(row, wanted, strict=True))

    front = [differing(pair.letters[0]) for pair in pooled]
    others = [np.mean([differing(row) for row in pair.letters[1:]]) for pair in pooled if len(pair.letters) > 1]
    return float(np.mean(front)), float(np.mean(others) if others else np.nan)
