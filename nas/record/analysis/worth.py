"""What a block is worth at a stage, by all networks that were trained and not by those of the front alone.

A front is some ten networks that resemble one another. Those that were trained are hundreds, so their values are
explained by least squares: by the blocks of all stages, by the logarithm of the multiply-adds, and by the run.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit  # scipy.stats takes most of a second to import

from nas.costs.counts import cost
from nas.record.analysis.layouts import Gain, Worth
from nas.record.run import Run
from nas.space.space import placed
from nas.training.chance import LEVEL

Floats = NDArray[np.float64]
FEWEST = 3  # networks for each number that is fitted
LEFT_OUT = ""  # in place of a block, where a network has not the stage


@dataclass(frozen=True)
class Fit:
    """A fit of `fitted` numbers, with their `covariance` and the quantile by which intervals are `wide`.

    `contrasts` give of them what a block is worth at a stage, known from so many `networks`; both are empty where
    networks were too few, or where two blocks always came together so that nothing tells them apart.
    """

    objective: str
    stages: int
    contrasts: dict[tuple[int, str], Floats] = field(default_factory=dict)
    networks: dict[tuple[int, str], int] = field(default_factory=dict)
    fitted: Floats = field(default_factory=lambda: np.empty(0))
    covariance: Floats = field(default_factory=lambda: np.empty((0, 0)))
    wide: float = 0.0

    @property
    def worths(self) -> tuple[Worth, ...]:
        """What each block is worth at each stage."""
        return tuple(
            Worth(self.objective, stage, block, self.networks[stage, block], *self._tell(contrast))
            for (stage, block), contrast in self.contrasts.items()
        )

    @property
    def gains(self) -> tuple[Gain, ...]:
        """By how much each block that every stage offers is worth more late than early, beside the others of these."""
        half, blocks = self.stages // 2, dict.fromkeys(block for _, block in self.contrasts)
        common = [block for block in blocks if sum(name == block for _, name in self.contrasts) == self.stages]
        if not half or len(common) < 2:
            return ()
        own = np.array([[self.contrasts[stage, block] for block in common] for stage in range(self.stages)])
        own -= own.mean(axis=1, keepdims=True)  # else a bad block that only late stages offer would lift the others
        more = own[-half:].mean(axis=0) - own[:half].mean(axis=0)
        return tuple(
            Gain(self.objective, block, half, *self._tell(row)) for block, row in zip(common, more, strict=True)
        )

    def _tell(self, contrast: Floats) -> tuple[float, float]:
        """Return a contrast's value and half the width of its interval."""
        return float(contrast @ self.fitted), float(self.wide * np.sqrt(contrast @ self.covariance @ contrast))


def fit(runs: Sequence[Run], stages: int) -> Fit:
    """Fit the first run's first trained objective by the blocks of all networks of spaces of so many stages."""
    name = runs[0].judged
    found = [
        (number, trial)
        for number, run in enumerate(runs)
        for trial in run.trials
        if trial.state == "complete" and name in trial.metrics
    ]
    if not found:
        return Fit(name, stages)
    values = np.array([trial.metrics[name] for _, trial in found])
    macs = np.log([cost(trial.architecture).macs for _, trial in found])
    networks = [placed(trial.decisions, trial.architecture) for _, trial in found]
    blocks = np.array([[one[i].block if i in one else LEFT_OUT for i in range(stages)] for one in networks])
    _, place = np.unique([number for number, _ in found], return_inverse=True)  # of runs that have the objective
    of_run = np.eye(place.max() + 1)[place]
    return _fitted(name, values, np.column_stack([of_run, macs - macs.mean()]), blocks)


def _fitted(name: str, values: Floats, rest: Floats, blocks: NDArray[np.str_]) -> Fit:
    """Fit values by `blocks` `(networks, stages)`, the other columns of the fit being `rest`."""
    offered = [np.unique(column) for column in blocks.T]
    told = [blocks[:, [stage]] == names[1:] for stage, names in enumerate(offered)]  # the first is what these are not
    columns = np.column_stack([rest, *told]).astype(float)
    networks, numbers = columns.shape
    if networks < FEWEST * numbers or np.linalg.matrix_rank(columns) < numbers:
        return Fit(name, blocks.shape[1])
    fitted = np.linalg.lstsq(columns, values)[0]
    variance = np.sum((values - columns @ fitted) ** 2) / (networks - numbers)
    covariance = variance * np.linalg.inv(columns.T @ columns)
    contrasts, counts = dict[tuple[int, str], Floats](), dict[tuple[int, str], int]()
    ends = rest.shape[1] + np.cumsum([len(names) - 1 for names in offered])
    for stage, (names, end) in enumerate(zip(offered, ends, strict=True)):
        own = np.zeros((len(names), numbers))
        own[1:, end - len(names) + 1 : end] = np.eye(len(names) - 1)
        names, own = names[names != LEFT_OUT], own[names != LEFT_OUT]
        if len(names) > 1:
            for block, contrast in zip(names.tolist(), own - own.mean(0), strict=True):
                contrasts[stage, block] = contrast  # above the mean of the stage's blocks
                counts[stage, block] = int((blocks[:, stage] == block).sum())
    wide = float(stdtrit(networks - numbers, (1 + LEVEL) / 2))
    return Fit(name, blocks.shape[1], contrasts, counts, fitted, covariance, wide)
