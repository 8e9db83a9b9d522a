"""What a block is worth at a stage, by all networks that were trained and not by those of the front alone.

A front is some ten networks that resemble one another. Those that were trained are hundreds, so their values are
explained by least squares: by the blocks of all stages, by the logarithm of the multiply-adds, and by the run.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit  # scipy.stats takes most of a second to import

from nas.costs.counts import cost
from nas.record.analysis.layouts import LEVEL, Worth
from nas.record.run import Run

Floats = NDArray[np.float64]
FEWEST = 3  # networks for each number that is fitted


def worths(runs: Sequence[Run], stages: int) -> tuple[Worth, ...]:
    """Fit what blocks are worth in the first run's first trained objective, by the networks of so many stages.

    Empty where they are too few, or where two blocks always came together so that nothing tells them apart.
    """
    name = next(iter(runs[0].trained_objectives), "")
    found = [
        (number, trial)
        for number, run in enumerate(runs)
        for trial in run.trials
        if trial.state == "complete" and name in trial.metrics and len(trial.architecture.stages) == stages
    ]
    if not found:
        return ()
    values = np.array([trial.metrics[name] for _, trial in found])
    macs = np.log([cost(trial.architecture).macs for _, trial in found])
    blocks = np.array([[stage.block for stage in trial.architecture.stages] for _, trial in found])
    of_run = np.eye(len(runs))[[number for number, _ in found]]
    return tuple(_fitted(name, values, np.column_stack([of_run, macs - macs.mean()]), blocks))


def _fitted(name: str, values: Floats, rest: Floats, blocks: NDArray[np.str_]) -> Iterator[Worth]:
    """Yield the worths of `blocks` `(networks, stages)`, the other columns of the fit being `rest`."""
    offered = [np.unique(column) for column in blocks.T]
    told = [blocks[:, [stage]] == names[1:] for stage, names in enumerate(offered)]  # the first is what these are not
    columns = np.column_stack([rest, *told]).astype(float)
    networks, numbers = columns.shape
    if networks < FEWEST * numbers or np.linalg.matrix_rank(columns) < numbers:
        return
    fitted = np.linalg.lstsq(columns, values)[0]
    variance = np.sum((values - columns @ fitted) ** 2) / (networks - numbers)
    covariance = variance * np.linalg.inv(columns.T @ columns)
    wide = stdtrit(networks - numbers, (1 + LEVEL) / 2)
    ends = rest.shape[1] + np.cumsum([len(names) - 1 for names in offered])
    for stage, (names, end) in enumerate(zip(offered, ends, strict=True)):
        contrasts = np.zeros((len(names), numbers))
        contrasts[1:, end - len(names) + 1 : end] = np.eye(len(names) - 1)
        contrasts -= contrasts.mean(0)  # above the mean of the stage's blocks
        errors = np.sqrt(np.diag(contrasts @ covariance @ contrasts.T))
        for block, value, half in zip(names, contrasts @ fitted, wide * errors, strict=True):
            if len(names) > 1:
                yield Worth(name, stage, str(block), int((blocks[:, stage] == block).sum()), float(value), float(half))
