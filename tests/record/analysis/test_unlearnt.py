"""What chance would have found."""

from dataclasses import replace
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from run_fixtures import empty_run, finished_run, trial

from nas.record.analysis.growth import Frame, losses_of
from nas.record.analysis.unlearnt import by_chance


def test_the_first_networks_in_any_order_are_what_chance_finds(tmp_path: Path) -> None:
    run = finished_run(tmp_path / "run", complete=30, sampler="tpe")
    found = by_chance(run)
    assert found
    assert (found.trainings, found.drawn, len(found.low)) == ([*range(1, 11)], True, 5)
    frame, losses = Frame.of(losses_of(run)), losses_of(run)[:10]
    pairs = [frame.share(losses[list(pair)]) for pair in permutations(range(10), 2)]
    assert found.mean[1] == pytest.approx(np.mean(pairs), abs=0.03)  # of 200 orders
    assert found.mean[-1] == pytest.approx(frame.share(losses))
    assert all(low <= mean <= high for low, mean, high in zip(found.low, found.mean, found.high, strict=False))


def test_those_of_the_default_sampler_are_spread_on_purpose(tmp_path: Path) -> None:
    found = by_chance(finished_run(tmp_path / "run"))
    assert found
    assert not found.drawn


def test_nsga2_begins_with_a_generation_at_random(tmp_path: Path) -> None:
    run = empty_run(tmp_path / "run", sampler="nsga2")
    for number in range(20):
        run.append(replace(trial(run, number), sampler={"nsga2:generation": int(number >= 12)}))
    found = by_chance(run)
    assert found
    assert found.trainings[-1] == 12


@pytest.mark.parametrize(
    "settings", [{"sampler": "random"}, {"seed_with": ("coatnet_0",)}, {"rungs": (1, 3)}, {"complete": 7}]
)
def test_nothing_is_said_where_nothing_is_known(tmp_path: Path, settings: dict[str, object]) -> None:
    assert by_chance(finished_run(tmp_path / "run", **settings)) is None  # type: ignore[arg-type]
