"""What a block is worth at a stage, by all networks that were trained and not by those of the front alone.

A front is some ten networks that resemble one another. Those that were trained are hundreds, so their values are
explained by least squares: by the blocks of all stages, by the logarithm of the multiply-adds, and by the run.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit  # scipy.stats takes most of a second to import

from nas.costs.counts import cost
from nas.record.analysis.layouts import LEVEL, Gain, Worth
from nas.record.run import Run

Floats = NDArray[np.float64]
FEWEST = 3  # networks for each number that is fitted


def worths(runs: Sequence[Run], stages: int) -> tuple[Worth, ...]:
    """Fit what blocks are worth in the first run's first trained objective, by the networks of so many stages.

    Empty where they are too few, or where two blocks always came together so that nothing tells them apart.
    """
    fit = _fit(runs, stages)
    if fit is None:
        return ()
    return tuple(
        Worth(fit.objective, stage, block, fit.networks[stage, block], *fit.tell(contrast))
        for (stage, block), contrast in fit.contrasts.items()
    )


def gains(runs: Sequence[Run], stages: int) -> tuple[Gain, ...]:
    """Fit by how much each block that every stage offers is worth more late than early, as `worths` does."""
    fit, half = _fit(runs, stages), stages // 2
    if fit is None or not half:
        return ()
    blocks = [block for stage, block in fit.contrasts if stage == 0]
    found = []
    for block in blocks:
        own = [fit.contrasts[stage, block] for stage in range(stages) if (stage, block) in fit.contrasts]
        if len(own) == stages:
            late, early = (np.mean(part, axis=0) for part in (own[-half:], own[:half]))
            found.append(Gain(fit.objective, block, half, *fit.tell(late - early)))
    return tuple(found)


@dataclass(frozen=True)
class _Fit:
    """A fit of `fitted` numbers; `contrasts` give of them a block's worth at a stage, known from so many `networks`."""

    objective: str
    contrasts: dict[tuple[int, str], Floats]
    networks: dict[tuple[int, str], int]
    fitted: Floats
    covariance: Floats
    wide: float

    def tell(self, contrast: Floats) -> tuple[float, float]:
        """Return a contrast's value and half the width of its interval."""
        return float(contrast @ self.fitted), float(self.wide * np.sqrt(contrast @ self.covariance @ contrast))


def _fit(runs: Sequence[Run], stages: int) -> _Fit | None:
    name = next(iter(runs[0].trained_objectives), "")
    found = [
        (number, trial)
        for number, run in enumerate(runs)
        for trial in run.trials
        if trial.state == "complete" and name in trial.metrics and len(trial.architecture.stages) == stages
    ]
    if not found:
        return None
    values = np.array([trial.metrics[name] for _, trial in found])
    macs = np.log([cost(trial.architecture).macs for _, trial in found])
    blocks = np.array([[stage.block for stage in trial.architecture.stages] for _, trial in found])
    of_run = np.eye(len(runs))[[number for number, _ in found]]
    return _fitted(name, values, np.column_stack([of_run, macs - macs.mean()]), blocks)


def _fitted(name: str, values: Floats, rest: Floats, blocks: NDArray[np.str_]) -> _Fit | None:
    """Fit values by `blocks` `(networks, stages)`, the other columns of the fit being `rest`."""
    offered = [np.unique(column) for column in blocks.T]
    told = [blocks[:, [stage]] == names[1:] for stage, names in enumerate(offered)]  # the first is what these are not
    columns = np.column_stack([rest, *told]).astype(float)
    networks, numbers = columns.shape
    if networks < FEWEST * numbers or np.linalg.matrix_rank(columns) < numbers:
        return None
    fitted = np.linalg.lstsq(columns, values)[0]
    variance = np.sum((values - columns @ fitted) ** 2) / (networks - numbers)
    covariance = variance * np.linalg.inv(columns.T @ columns)
    contrasts, counts = dict[tuple[int, str], Floats](), dict[tuple[int, str], int]()
    ends = rest.shape[1] + np.cumsum([len(names) - 1 for names in offered])
    for stage, (names, end) in enumerate(zip(offered, ends, strict=True)):
        own = np.zeros((len(names), numbers))
        own[1:, end - len(names) + 1 : end] = np.eye(len(names) - 1)
        for block, contrast in zip(names.tolist() if len(names) > 1 else (), own - own.mean(0), strict=False):
            contrasts[stage, block] = contrast  # above the mean of the stage's blocks
            counts[stage, block] = int((blocks[:, stage] == block).sum())
    wide = float(stdtrit(networks - numbers, (1 + LEVEL) / 2))
    return _Fit(name, contrasts, counts, fitted, covariance, wide)
