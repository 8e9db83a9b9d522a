"""Searches that start from known networks."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command import Command

from nas.config import make_config
from nas.engine.search import resume, search
from nas.engine.watcher import Watcher
from nas.errors import SettingError
from nas.evaluation.job import Job
from nas.record.run import Run
from nas.space.library import load_architecture, load_space
from nas.space.matching import nearest

SPACE = """
name: tiny
resolution: 8
stem: {kind: conv, width: [8, 16], stride: 1}
stages:
  - {block: [conv, mbconv], depth: [1, 2], width: [8, 16], stride: 1}
  - {block: [moat, transformer, mbconv], depth: [1, 2, 3], width: [16, 32], stride: 2, head_dim: 8}
"""
KNOWN = ("coatnet_0", "moat_0")
SETTINGS: dict[str, Any] = {"data": "digits", "objectives": ("accuracy", "params"), "recipe": {"subset": 64}}


@pytest.fixture
def space(tmp_path: Path) -> Path:
    (tmp_path / "tiny.yaml").write_text(SPACE)
    return tmp_path / "tiny.yaml"


def _expected(space: Path) -> list[str]:
    fitted = load_space(space).fit(resolution=8, channels=1, classes=10)
    return [fitted.replay(nearest(fitted, load_architecture(name))).key() for name in KNOWN]


def test_a_search_begins_with_the_nearest_points(space: Path, tmp_path: Path, nas: Command) -> None:
    words = ["--data", "digits", "--subset", 64, "--budget", 3, "--objectives", "accuracy,params"]
    nas_search = nas("search", "--space", space, *words, "--seed-with", "coatnet_0, moat_0", "--name", "a",
                     "--runs", tmp_path)  # fmt: skip
    assert nas_search.status == 0, nas_search.err
    run = Run(tmp_path / "a")
    assert [trial.key for trial in run.trials[:2]] == _expected(space)
    assert [trial.layout for trial in run.trials[:2]] == ["M-T", "M-A"]
    assert len(run.results) == 3, "known networks count against the budget"
    assert run.config.seed_with == KNOWN
    kept = [load_architecture(design).key() for design in run.seal["designs"]]
    assert kept == _expected(space), "the run goes on without the kinds of other spaces"
    stand = [(seed["name"], seed["key"], seed["exact"]) for seed in run.seal["seeds"]]
    assert stand == [(name, key, False) for name, key in zip(KNOWN, _expected(space), strict=True)]


@pytest.mark.long
def test_known_networks_survive_an_interruption(space: Path, tmp_path: Path) -> None:
    def stop(job: Job, _: Run) -> None:
        if job.number == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search(space, budget=4, name="cut", runs=tmp_path, seed_with=KNOWN, watcher=Watcher(began=stop), **SETTINGS)
    cut = resume(tmp_path / "cut")
    whole = search(space, budget=4, name="whole", runs=tmp_path, seed_with=KNOWN, **SETTINGS)
    assert [trial.key for trial in cut.trials] == [trial.key for trial in whole.trials]
    assert [trial.key for trial in cut.trials[:2]] == _expected(space)


def test_a_network_of_an_earlier_run_is_one_to_start_from(space: Path, tmp_path: Path) -> None:
    first = search(space, budget=3, name="first", runs=tmp_path, **SETTINGS)
    then = search(space, budget=2, name="then", runs=tmp_path, seed_with=("first:2", "first"), **SETTINGS)
    assert [trial.key for trial in then.trials] == [first.trials[2].key, first.pick().key]
    shutil.rmtree(tmp_path / "first")
    assert len(resume(then, budget=3).trials) == 3, "the networks are kept"


def test_networks_with_one_nearest_point_are_trained_once(space: Path, tmp_path: Path) -> None:
    twice = ("coatnet_0", "coatnet_0", "moat_0")
    run = search(space, budget=3, name="twice", runs=tmp_path, seed_with=twice, **SETTINGS)
    assert [trial.key for trial in run.trials[:2]] == _expected(space)
    assert len({trial.key for trial in run.trials}) == 3


def test_an_unknown_network_is_refused_before_anything_is_written(space: Path, tmp_path: Path, nas: Command) -> None:
    with pytest.raises(SettingError, match="Did you mean 'coatnet_0'"):
        search(space, budget=3, runs=tmp_path / "runs", seed_with=("coatnet0",), **SETTINGS)
    refused = nas(
        "search", "--space", space, "--data", "digits", "--seed-with", "coatnet0", "--runs", tmp_path / "runs"
    )
    assert refused.status == 2
    assert "Did you mean 'coatnet_0'" in refused.err
    assert not (tmp_path / "runs").exists()


def test_a_search_starts_from_nothing_unless_told() -> None:
    assert make_config({}).seed_with == ()


def test_the_seal_tells_a_design_from_the_nearest_network(space: Path, tmp_path: Path) -> None:
    fitted = load_space(space).fit(resolution=8, channels=1, classes=10)
    inside = tmp_path / "inside.yaml"
    replace(fitted.sample(np.random.default_rng(0))[1], name="mine", resolution=32, classes=100).save(inside)
    run = search(space, budget=1, name="a", runs=tmp_path, seed_with=(str(inside), "coatnet_0"), **SETTINGS)
    assert [(seed["name"], seed["exact"]) for seed in run.seal["seeds"]] == [("mine", True), ("coatnet_0", False)]
    assert run.seal["seeds"][0]["key"] == run.trials[0].key
