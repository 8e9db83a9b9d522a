"""Suites for kinds from outside find what is wrong with one."""

import re
import subprocess
import sys
from pathlib import Path
from typing import cast

import pytest

from nas.testing import DataSuite

CROOKED = """
import numpy as np
import optuna
from torch import nn

from nas.costs.targets import Target
from nas.data.sets.digits import digits
from nas.evaluation.objectives import Objective, Reading
from nas.network.blocks import Block
from nas.network.heads import Head
from nas.network.stems import Stem
from nas.testing import *


class Unstrided(Block):
    letter = "C"  # another block's

    def __init__(self, site, *, kernel_size: int = 3):
        super().__init__()
        self.conv = nn.Conv2d(site.in_width, site.width, 3, 1, 1)
        self.idle = nn.Conv2d(1, 1, 1)

    def forward(self, x):
        return self.conv(x)


class TestBlock(BlockSuite):
    kind = Unstrided


class Colour(Stem):
    def __init__(self, channels, width):
        super().__init__()
        self.stride, self.conv = 2, nn.Conv2d(3, width, 3, 2, 1)

    def forward(self, x):
        return self.conv(x)


class TestStem(StemSuite):
    kind = Colour


class Greedy(Head):
    def __init__(self, width, classes):
        super().__init__()
        self.scores = nn.Linear(width, classes)

    def forward(self, x):
        return self.scores(x.mean((0, 2, 3)))[None].expand(len(x), -1)


class TestHead(HeadSuite):
    kind = Greedy


def leaking(path: None, *, seed: int, resolution: int | None = None):
    from dataclasses import replace

    data = digits(path, seed=seed, resolution=resolution)
    return replace(data, test=data.validation, labels=data.labels.astype(np.int32))


class TestData(DataSuite):
    kind = leaking


class TestObjective(ObjectiveSuite):
    kind = Objective("minimize", timed=True, share=True, like="latency", measure=lambda *_: Reading(2.0, {"set": {1}}))


class TestTarget(TargetSuite):
    kind = Target("cpu", lambda network, x, setting: lambda count: 0.0, versions=("no-such-package",))


class TestSampler(SamplerSuite):
    kind = lambda seed, problem: optuna.samplers.RandomSampler()
"""

FOUND = {
    "TestBlock": {
        "it_is_a_block_with_a_letter_of_its_own",
        "the_output_has_the_promised_shape",
        "every_value_of_every_option_builds",
        "gradients_reach_every_parameter",
    },
    "TestStem": {"grey_images_are_taken"},
    "TestHead": {"evaluation_is_the_same_twice_and_image_by_image"},
    "TestData": {"images_and_labels_are_plain", "the_parts_are_disjoint_and_complete"},
    "TestObjective": {
        "it_reads_a_number_and_plain_data",
        "what_is_elsewhere_is_predicted_or_missing",
        "what_it_is_like_is_told_at_once",
    },
    "TestTarget": {"it_clocks_a_network_as_often_as_asked", "its_packages_are_installed"},
    "TestSampler": {"a_rebuilt_study_is_asked_the_same"},
}


@pytest.mark.long
def test_crooked_kinds_are_found(tmp_path: Path) -> None:
    file = tmp_path / "test_crooked.py"
    file.write_text(CROOKED)
    options = ["-q", "-rf", "-m", "not slow and not gpu", "-p", "no:cacheprovider", "-W", "ignore", "--tb=no"]
    command = [sys.executable, "-m", "pytest", *options, str(file)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    failed: dict[str, set[str]] = {suite: set() for suite in FOUND}
    for suite, test in re.findall(r"FAILED \S+::(Test\w+)::test_(\w+)", done.stdout):
        failed[suite].add(test)
    for suite, tests in FOUND.items():
        assert tests <= failed[suite], done.stdout
    assert failed["TestStem"] == FOUND["TestStem"], "what is right is not blamed"


def test_a_data_set_says_by_its_annotation_whether_it_wants_a_path() -> None:
    def bare(path, *, seed: int, resolution: int | None = None): ...  # type: ignore[no-untyped-def]

    def written(path: "Path", *, seed: int, resolution: int | None = None) -> None: ...

    def suite(kind: object) -> DataSuite:
        return cast(DataSuite, type("Suite", (DataSuite,), {"kind": kind})())

    suite(bare).test_its_annotation_says_whether_it_wants_a_path(None)
    suite(written).test_its_annotation_says_whether_it_wants_a_path(Path("photos"))
    for kind, path, says in ((bare, Path("photos"), "`path: Path`"), (written, None, "`path: None`")):
        with pytest.raises(AssertionError, match=f"annotate it as {says}, found "):
            suite(kind).test_its_annotation_says_whether_it_wants_a_path(path)
