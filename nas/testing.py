"""Conformance suites, which test a kind from outside nas as its own kinds are tested.

    from nas.testing import BlockSuite

    class TestMyBlock(BlockSuite):
        kind = MyBlock

is a whole test file for pytest. Override class attributes and fixtures where a kind needs other values. Tests that take
many seconds have the mark `slow`, those for a CUDA device `gpu`: declare both among pytest's `markers`. With
`pytest.register_assert_rewrite("nas.testing", "nas.network.testing")` in a conftest.py, pytest explains failures.
"""

import inspect
import json
import math
import pickle
import timeit
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import optuna
import pytest
import torch
from optuna.trial import FrozenTrial, TrialState, create_trial
from torch import nn

from nas.costs.deployment import Deployment
from nas.costs.targets import Setting, Target
from nas.data import Dataset, boxes
from nas.data.parts import PARTS
from nas.engine.samplers import Problem
from nas.errors import DataError
from nas.evaluation.catalogue import objective
from nas.evaluation.job import derive_seed
from nas.evaluation.objectives import Candidate, Conditions, Objective
from nas.network.build import build
from nas.network.testing import BlockSuite, HeadSuite, StemSuite
from nas.space.library import load_architecture
from nas.training.catalogue import load_task
from nas.training.testing import TaskSuite

__all__ = ["BlockSuite", "DataSuite", "HeadSuite", "ObjectiveSuite", "SamplerSuite", "StemSuite", "TargetSuite",
           "TaskSuite"]  # fmt: skip

NET = {
    "resolution": 8,
    "channels": 1,
    "classes": 10,
    "stem": {"kind": "conv", "width": 8},
    "stages": [{"block": "moat", "depth": 1, "width": 8, "stride": 1, "head_dim": 4}],
}


def _function(suite: object) -> Callable[..., Any]:
    """Return the kind of a suite, without binding a function to the suite as its method."""
    found = inspect.getattr_static(type(suite), "kind")
    return found.__func__ if isinstance(found, staticmethod) else found


def _has_classes(data: Dataset) -> bool:
    """Tell whether the targets of the images are classes."""
    return data.targets == load_task("classification").targets


class DataSuite:
    """The tests of a data set, whose function is `kind`."""

    kind: ClassVar[Callable[..., Dataset]]

    @pytest.fixture
    def path(self) -> Path | None:
        """Return where the images are. Override it for a set that needs a path: a handful of images will do."""
        return None

    def read(self, path: Path | None, seed: int = 0, resolution: int | None = None) -> Dataset:
        """Read the set as a search does."""
        dataset: Dataset = _function(self)(path, seed=seed, resolution=resolution)
        return dataset

    def test_its_annotation_says_whether_it_wants_a_path(self, path: Path | None) -> None:
        annotation = inspect.signature(_function(self), eval_str=True).parameters["path"].annotation
        given, wanted = (None, "None") if path is None else (Path, "Path")
        plain = (given, inspect.Parameter.empty) if path is None else (given,)  # a search hands none to a bare `path`
        assert annotation in plain, (
            f"annotate it as `path: {wanted}`, found {annotation}: this says whether a search hands a path on. The "
            "suite's fixture `path` gives one to a set that needs it"
        )

    @pytest.mark.parametrize("resolution", [None, 20])
    def test_images_and_labels_are_plain(self, path: Path | None, resolution: int | None) -> None:
        data = self.read(path, resolution=resolution)
        assert data.name
        assert data.images.dtype == np.uint8
        assert data.images[:1].flags.c_contiguous
        assert data.labels.dtype == np.int64 or not _has_classes(data)
        assert data.labels.dtype == np.float32 or data.targets != "boxes"
        side = resolution or data.resolution
        assert data.images.shape == (len(data.labels), data.channels, side, side)
        assert data.channels in (1, 3)
        assert len(set(data.classes)) == len(data.classes) >= (1 if data.targets == "boxes" else 2)

    def test_the_parts_are_disjoint_and_complete(self, path: Path | None) -> None:
        data = self.read(path)
        parts = (data.train, data.validation, data.test)
        assert all(len(part) for part in parts)
        assert sorted(np.concatenate(parts).tolist()) == list(range(len(data.labels)))

    def test_every_class_is_trained(self, path: Path | None) -> None:
        data = self.read(path)
        if not _has_classes(data):
            pytest.skip(f"holds {data.targets}")
        assert set(data.labels[data.train].tolist()) == set(range(len(data.classes)))
        assert set(data.labels.tolist()) <= set(range(len(data.classes)))

    def test_boxes_lie_within_the_images(self, path: Path | None) -> None:
        data = self.read(path)
        if data.targets != "boxes":
            pytest.skip(f"holds {data.targets}")
        assert data.labels.ndim == 3
        assert data.labels.shape[2] == boxes.COLUMNS
        held = boxes.held(data.labels)
        assert held[data.train].any()
        found, bare = data.labels[held], data.labels[~held]
        assert set(found[:, boxes.CLASS].tolist()) <= set(range(len(data.classes)))
        centres, half = found[:, [boxes.X, boxes.Y]], found[:, [boxes.W, boxes.H]] / 2
        assert (half > 0).all()
        assert (centres - half).min() >= -1e-6
        assert (centres + half).max() <= 1 + 1e-6
        assert set(found[:, boxes.CROWD].tolist()) <= {0, 1}
        assert (bare == np.eye(boxes.COLUMNS)[boxes.CLASS] * boxes.NONE).all()

    def test_a_seed_gives_the_same_set_twice(self, path: Path | None) -> None:
        first, second = self.read(path, seed=1), self.read(path, seed=1)
        assert np.array_equal(first.images[:], second.images[:])
        assert np.array_equal(first.labels, second.labels)
        for part in PARTS:
            assert np.array_equal(getattr(first, part), getattr(second, part))

    def test_images_travel_to_other_processes(self, path: Path | None) -> None:
        data = self.read(path)
        rows = data.validation[:3]
        assert np.array_equal(pickle.loads(pickle.dumps(data)).images[rows], data.images[rows])

    def test_a_path_to_nothing_is_refused(self, path: Path | None, tmp_path: Path) -> None:
        if path is None:
            pytest.skip("takes no path")
        with pytest.raises(DataError, match="nowhere"):
            self.read(tmp_path / "nowhere")


class TargetSuite:
    """The tests of a target, the Target `kind`. All are skipped where it is missing."""

    kind: ClassVar[Target]

    @pytest.fixture(autouse=True)
    def _here(self) -> None:
        if why := self.kind.missing():
            pytest.skip(why)

    def test_it_clocks_a_network_as_often_as_asked(self) -> None:
        network = build(load_architecture(NET), seed=0).eval()
        clock = self.kind.prepare(network, torch.zeros(2, 1, 8, 8), Setting(batch=2))
        clock(3)
        once, often = clock(2), clock(200)
        assert 0 < once < often < 60

    def test_prepared_networks_do_not_disturb_each_other(self) -> None:
        """Each of many networks of one class, as a search prepares them, stays compiled as it was."""
        networks = [nn.Linear(4, 4 + i).eval() for i in range(10)]
        clocks = [self.kind.prepare(network, torch.zeros(2, 4), Setting()) for network in networks]
        assert all(clock(2) > 0 for clock in clocks)

    def test_every_type_of_numbers_runs(self) -> None:
        for dtype in self.kind.dtypes:
            clock = self.kind.prepare(
                build(load_architecture(NET)).eval(), torch.zeros(1, 1, 8, 8), Setting(dtype=dtype)
            )
            assert clock(1) > 0, dtype

    def test_its_packages_are_installed(self) -> None:
        assert all(version(package) for package in self.kind.versions)


class ObjectiveSuite:
    """The tests of an objective, the Objective `kind`. Those that need what is `missing` are skipped."""

    kind: ClassVar[Objective]

    @pytest.fixture
    def conditions(self) -> Conditions:
        """Return the conditions of the candidates. Override it for an objective that needs others."""
        return Conditions(Deployment("cpu"), task=load_task("classification"))

    @pytest.fixture
    def decided(self, conditions: Conditions) -> Candidate:
        """Make a candidate of which only the architecture is known."""
        return Candidate(load_architecture(NET), conditions)

    @pytest.fixture
    def trained(self, decided: Candidate) -> Candidate:
        """Make the same candidate, built, with every metric of classification at 0.5."""
        if why := self.kind.missing(decided.conditions.deployment):
            pytest.skip(why)
        metrics = dict.fromkeys(load_task("classification").metrics, 0.5)
        return replace(decided, network=build(decided.architecture, seed=0).eval(), metrics=metrics)

    def test_it_reads_a_number_and_plain_data(self, trained: Candidate) -> None:
        reading = self.kind.read(trained, "glance")
        assert math.isfinite(reading.value)
        assert not self.kind.share or 0 <= reading.value <= 1
        assert json.loads(json.dumps(reading.details)) == reading.details

    def test_it_reads_the_same_twice_unless_timed(self, trained: Candidate) -> None:
        if self.kind.timed:
            pytest.skip("timed")
        assert self.kind.read(trained) == self.kind.read(trained)

    def test_what_is_told_beforehand_is_what_is_read(self, decided: Candidate, trained: Candidate) -> None:
        told = self.kind.tell(decided)
        assert told is not None or self.kind.measure, "it is neither told nor measured"
        assert told is None or not self.kind.trained, "what is told needs no training"
        if told is not None and not self.kind.timed:
            assert self.kind.read(trained).value == pytest.approx(told)

    def test_what_is_told_at_once_is_told_within_milliseconds(self, decided: Candidate) -> None:
        if self.kind.slow:
            pytest.skip("slow")
        assert min(timeit.repeat(lambda: self.kind.tell(decided), number=1, repeat=20)) < 5e-3

    def test_what_is_elsewhere_is_predicted_or_missing(self) -> None:
        assert not self.kind.timed or self.kind.predictable or self.kind.missing(None)

    def test_what_it_is_like_is_told_at_once(self, decided: Candidate) -> None:
        if self.kind.like:
            other = objective(self.kind.like)
            assert not other.slow
            assert other.tell(decided) is not None

    def test_its_doubt_is_a_share(self, conditions: Conditions) -> None:
        assert self.kind.doubt(conditions) >= 0


class SamplerSuite:
    """The tests of a sampler, which `kind` makes from a seed and a Problem, anew for each proposal."""

    kind: ClassVar[Callable[[int, Problem], optuna.samplers.BaseSampler]]
    rebuilt_after: ClassVar[range] = range(8, 20)
    """The numbers of trials after which a study is rebuilt, about where a sampler stops proposing at random."""

    def step(self, study: optuna.Study, problem: Problem) -> None:
        """Propose a point and tell its values. Its options depend on its block."""
        study.sampler = _function(self)(derive_seed(0, len(study.trials)), problem)
        trial = study.ask()
        block = trial.suggest_categorical("block", ("conv", "moat"))
        width = trial.suggest_categorical("width", (8, 16, 24, 32))
        expansion = trial.suggest_categorical("moat.expansion", (1, 2, 4)) if block == "moat" else 1
        depth = trial.suggest_categorical("depth", (1, 2, 3, 4, 5))
        bonus = 20 * (block == "moat") * expansion**0.5
        study.tell(trial, [width * depth**0.5 + bonus, width * width * depth * expansion])

    def test_a_rebuilt_study_is_asked_the_same(self) -> None:
        """A resumed search knows its trials, not the sampler that proposed them."""
        lived, problem = _study(), Problem()
        for number in range(self.rebuilt_after.stop):
            resumed = _rebuilt(lived) if number in self.rebuilt_after else None
            self.step(lived, problem)
            if resumed:
                self.step(resumed, problem)
                assert resumed.trials[-1].params == lived.trials[-1].params, number

    def test_trials_that_failed_do_not_stop_it(self) -> None:
        study, problem = _study(), Problem()
        for number in range(self.rebuilt_after.start + 2):
            study.add_trial(create_trial(state=TrialState.FAIL))
            self.step(study, problem)
            assert study.trials[-1].state == TrialState.COMPLETE, number


def _study() -> optuna.Study:
    return optuna.create_study(directions=["maximize", "minimize"])


def _rebuilt(old: optuna.Study) -> optuna.Study:
    """Rebuild a study as from a record on disk."""

    def again(t: FrozenTrial) -> FrozenTrial:
        return create_trial(
            values=t.values, params=t.params, distributions=t.distributions, system_attrs=t.system_attrs
        )

    new = _study()
    new.add_trials([again(trial) for trial in old.trials])
    return new
