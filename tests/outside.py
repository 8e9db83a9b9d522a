"""Offer kinds from outside nas to tests of one process, by packages of metadata alone, and forget them again."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from nas import registry
from nas.evaluation.catalogue import objective
from nas.evaluation.plugins import MODULE
from nas.network.options import options_of
from nas.space.slot import heads_after

HEAD = """
import numpy as np
import torch
from optuna.samplers import BaseSampler, RandomSampler
from nas.costs.targets import Target
from nas.data.sets import Dataset
from nas.evaluation.objectives import Objective, Reading
from nas.record.trackers import Tracker
from nas.training.tasks import Metric
from nas.training.tasks.classification import classification
from dataclasses import replace
"""
"""What plug-in files of tests begin with."""


def offered(folder: Path, text: str) -> str:
    """Write a plug-in file of one kind, called `mine`."""
    file = folder / "mine.py"
    file.write_text(HEAD + text)
    return str(file)


def offer(site: Path, package: str, version: str, *lines: str) -> None:
    """Install a package of nothing but entry points, given as lines of an entry_points.txt."""
    info = site / f"{package.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")


def withdraw(site: Path, package: str) -> None:
    """Uninstall such a package."""
    for info in site.glob(f"{package.replace('-', '_')}-*.dist-info"):
        for file in info.iterdir():
            file.unlink()
        info.rmdir()
    forget()


def forget() -> None:
    """Forget every plug-in file and package, as in a new process."""
    registry._entry_points.cache_clear()
    for kinds in registry.ALL:
        for name in list(kinds._added):
            kinds.remove(name)
        for name in [n for n in kinds._found if n not in kinds._homes]:
            del kinds._found[name]
        vars(kinds).pop("_points", None)
    for name in [name for name in sys.modules if name.startswith(MODULE)]:
        del sys.modules[name]
    for cached in (options_of, heads_after, objective):
        cached.cache_clear()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Path]:
    """Put a folder for a test's packages on the path, and forget kinds from outside after the test."""
    folder = tmp_path / "site"
    folder.mkdir()
    with on_path(folder):
        yield folder


@contextmanager
def on_path(folder: Path) -> Iterator[None]:
    """Install the packages of a folder within the block, and forget kinds from outside after it."""
    before = set(sys.modules)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        forget()
        yield
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(folder)):
            del sys.modules[name]
    forget()
