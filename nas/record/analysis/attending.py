"""Where a front attends, stage by stage, beside random networks of the same cost: the layout question as a statistic.

CoAtNet (https://arxiv.org/abs/2106.04803, section 2.2) and MOAT (https://arxiv.org/abs/2210.01820, section 3.2) chose
convolution early and attention late by hand. A front may look so by accident, or because it is cheap. So each network
of a front is held against random members of its space with about as many multiply-adds, and whether attention rises
with the stage is tested by letting each take the other's place. Where stages may be left out, the random members have
the same stages as the network, and stages count by their numbers in the space.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from numbers import Integral

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from nas.costs.counts import cost
from nas.errors import RunError, SettingError, brief
from nas.network.architecture import Architecture
from nas.network.pieces import attends, pieces
from nas.record.analysis.layouts import BY_HAND, BY_HAND_STAGES, Layouts, StageShare, Trend
from nas.record.analysis.sides import check_another, differing
from nas.record.analysis.worth import fit
from nas.record.opening import Named, names_of, open_runs
from nas.record.run import Run
from nas.registry import BLOCKS
from nas.space.space import draw, placed
from nas.training.chance import wilson

Floats = NDArray[np.float64]
MEMBERS = 500  # random networks of a space, or of its networks with the same stages
FEWEST = 10  # of them
NEAREST = 25  # of them, those nearest in multiply-adds to a network of the front
PERMUTATIONS = 10_000


@dataclass(frozen=True)
class Beside:
    """A network of a front and the random members of its space that have the same stages and cost as much.

    `places` are the numbers of those stages in the space. Rows are networks, the front's first: `letters` of their
    stages, `attention` `(networks, stages)` of 0 and 1, and `macs`.
    """

    places: tuple[int, ...]
    letters: tuple[tuple[str, ...], ...]
    attention: Floats
    macs: Floats


def layouts(runs: Named | Iterable[Named], *, members: int = MEMBERS, seed: int = 0) -> Layouts:
    """Compare the layouts of the runs' fronts, all pooled, with random networks of the same cost.

    Runs are such, or their names or paths.

    Raises SettingError for a run that is named twice, or is another's copy, RunError for one without a front, and for
    runs whose spaces differ in the number of stages.
    """
    if not (runs := open_runs(runs)):
        raise SettingError("name a run, or several, whose layouts are to be looked at")
    whole = all(isinstance(number, Integral) for number in (members, seed))
    if not (whole and members >= FEWEST and seed >= 0):
        raise SettingError(f"found members {brief(members)}, seed {brief(seed)}; write whole numbers, at least "
                           f"{FEWEST} members, and no seed below 0")  # fmt: skip
    folders = [run.folder.resolve() for run in runs]
    if twice := [run for run, folder in zip(runs, folders, strict=True) if folders.count(folder) > 1]:
        raise SettingError(f"{twice[0].folder} is named twice; name each run once")
    for i, run in enumerate(runs):
        check_another(runs[:i], run)
    count = len(runs[0].space.stages)
    if other := next((run for run in runs if len(run.space.stages) != count), None):
        raise RunError(f"the space of {runs[0].name} has {count} stages, that of {other.name} "
                       f"{len(other.space.stages)}; pool runs whose spaces have one number")  # fmt: skip
    groups = [beside(run, members, seed) for run in runs]
    pooled = [pair for group in groups for pair in group]
    found = Counter("-".join(pair.letters[0]) for pair in pooled)
    left_out = {stage: sum(stage not in pair.places for pair in pooled) for stage in range(count)}
    fitted = fit(runs, count)
    return Layouts(
        runs=tuple(names_of(runs)),
        networks=len(pooled),
        found=dict(found.most_common()),
        stages=tuple(_share(pooled, stage) for stage in range(count) if left_out[stage] < len(pooled)),
        trend=_trend(groups, np.random.default_rng(seed)),
        distance=_distances([pair for pair in pooled if len(pair.places) == BY_HAND_STAGES]),
        differ=tuple(dict.fromkeys(key for run in runs for key in differing(runs[0], run))),
        worths=fitted.worths,
        gains=fitted.gains,
        left_out={stage: number for stage, number in left_out.items() if number},
    )


def beside(run: Run, members: int, seed: int) -> list[Beside]:
    """Match each network of a run's front with the random members of its space that are nearest in multiply-adds.

    These are drawn, so many, of the members with the same stages. Raises RunError for a run without a front.
    """
    front = [(result.architecture, result.trial.decisions) for result in run.front()]
    if not front:
        raise RunError(f"{run.name} has no finished trial, so no front whose layouts could be looked at")
    having = [(network, tuple(placed(decisions, network))) for network, decisions in front]
    drawn = {places: draw(run.space.keeping(places), members, seed) for places in {places for _, places in having}}
    macs = {places: np.array([cost(one).macs for one in alike], float) for places, alike in drawn.items()}
    return [_beside(network, places, drawn[places], macs[places]) for network, places in having]


def _beside(network: Architecture, places: tuple[int, ...], drawn: Sequence[Architecture], macs: Floats) -> Beside:
    own = float(cost(network).macs)
    order = np.argsort(np.abs(np.log(macs / own)), kind="stable")[: NEAREST + 1]
    nearest = [i for i in order if drawn[i].key() != network.key()][:NEAREST] or order  # small spaces may have no other
    rows = [network, *(drawn[i] for i in nearest)]
    return Beside(
        places=places,
        letters=tuple(tuple(BLOCKS.get(stage.block).letter for stage in one.stages) for one in rows),
        attention=np.array([attending(one) for one in rows], float),
        macs=np.array([own, *macs[nearest]]),
    )


def attending(network: Architecture) -> list[bool]:
    """Tell for each stage whether its blocks attend."""
    _, *blocks, _ = pieces(network)
    ends = np.cumsum([stage.depth for stage in network.stages]) - 1
    return [attends(blocks[end]) for end in ends]


def _share(pooled: Sequence[Beside], stage: int) -> StageShare:
    """Count a stage's attention over the networks that have it, with Wilson's interval for the fronts' share."""
    columns = [pair.attention[:, pair.places.index(stage)] for pair in pooled if stage in pair.places]
    own, others = [int(column[0]) for column in columns], [column[1:].mean() for column in columns]
    interval = wilson(sum(own), len(own))
    return StageShare(stage, float(np.mean(own)), interval, float(np.mean(others)))


def trend(attention: Floats, places: Sequence[int]) -> Floats:
    """Weigh each stage by its distance from the middle of those that are there, whose numbers are `places`.

    Networks `(networks, stages)` -> trends from -1 to 1, 0 for one stage.
    """
    weights = np.array(places, float) - np.mean(places)
    scale = weights[weights > 0].sum() or 1.0
    return np.asarray(attention @ weights / scale, float)


def _trend(groups: Sequence[Sequence[Beside]], rng: Generator) -> Trend:
    """Test the fronts' trend by permutation within each group of a network and those beside it.

    Networks of one stage have none and are passed over, and so are runs that found only such. There is none, either,
    where all stages of each network of the fronts are alike.
    """
    trends = [[trend(pair.attention, pair.places) for pair in group if len(pair.places) > 1] for group in groups]
    by_group = [[values - _others(values) for values in group] for group in trends if group]  # were each the front's
    effects = [each for group in by_group for each in group]
    vary = any(0 < pair.attention[0].sum() < len(pair.places) for group in groups for pair in group)
    if not effects or not vary:
        return Trend(front=0.0, random=0.0, effect=0.0, p=1.0, by_run=())
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


def _distances(pooled: Sequence[Beside]) -> dict[str, tuple[float, float]]:
    """Count by how many stages the networks of four differ from each layout by hand, empty without any."""
    if not pooled:
        return {}

    def differing(row: Sequence[str], wanted: str) -> int:
        return sum(own != hand for own, hand in zip(row, wanted.split("-"), strict=True))

    return {
        name: (
            float(np.mean([differing(pair.letters[0], wanted) for pair in pooled])),
            float(np.mean([np.mean([differing(row, wanted) for row in pair.letters[1:]]) for pair in pooled])),
        )
        for name, wanted in BY_HAND.items()
    }
