"""Calibrate the proxy: a search that takes every network to the last rung, twice, to tell how well lower rungs rank."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nas.engine.search import search
from nas.engine.watcher import Watcher
from nas.errors import SettingError
from nas.record.run import Run
from nas.space.space import SearchSpace
from nas.training.catalogue import load_task

RUNGS = (1, 2, 4, 8, 16)


def calibrate(
    space: str | Path | Mapping[str, Any] | SearchSpace = "cvt_family",
    *,
    networks: int = 24,
    rungs: tuple[int, ...] | str = RUNGS,
    task: str = "classification",
    name: str | None = None,
    watcher: Watcher | None = None,
    **settings: Any,
) -> Run:
    """Train networks on every rung, and in full from another seed, for `nas.reliability` to compare.

    The first ten lie spread over the costs of the space, the others where the sampler expects the front. The last rung
    is the training in full. `settings` are those of a search, whose run this is: `nas.resume` goes on with it. Raises
    as `nas.search` does.
    """
    for own in ("budget", "objectives", "promotion", "confirm"):
        if own in settings:
            raise SettingError(f"{own}: a calibration has its own")
    objectives = (load_task(task).objectives[0], "macs")
    return search(
        space, budget=networks, rungs=rungs, task=task, objectives=objectives, promotion=1.0, confirm=1,
        name=name, watcher=watcher, **settings,
    )  # fmt: skip
