"""One proposed architecture -> a measured outcome. Whatever goes wrong in it ends one trial, not the search."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from nas.architecture import Architecture
from nas.config import SearchConfig, broken_limit
from nas.cost import cost
from nas.data._base import Dataset
from nas.device import choose_device
from nas.executors._base import Job, Outcome, describe
from nas.network import build
from nas.objectives._base import Objective, Subject
from nas.registry import OBJECTIVES
from nas.training import Images, place, train
from nas.turns import Turns


@dataclass
class _Report:
    """What is learnt of a trial, filled as it goes, so that a failure keeps what came before it."""

    metrics: dict[str, float] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[step] = self.seconds.get(step, 0.0) + time.perf_counter() - start

    def read(self, name: str, objective: Objective, subject: Subject) -> None:
        reading = objective.measure(subject)
        if not np.isfinite(reading.value):
            raise FloatingPointError(f"{name} is {reading.value}")
        self.metrics[name] = reading.value
        if reading.details:
            self.details[name] = reading.details


class Evaluator:
    """Evaluates jobs for one search: holds the images on the device, and nothing of one job for the next."""

    def __init__(self, config: SearchConfig, dataset: Dataset, turns: Turns | None = None) -> None:
        torch.set_num_threads(1)  # two threads a process make two processes 3.6 times slower
        self.config, self.dataset, self.turns = config, dataset, turns or Turns()
        self.device = choose_device(config.device)
        self._images: dict[int, Images] = {}

    def __call__(self, job: Job) -> Outcome:
        """Measure what is known before training, reject or train, measure the rest."""
        report = _Report()
        try:
            with self.turns.working():
                reason = self._evaluate(job, report)
        except Exception as error:  # one trial's end, whatever it was: its reason stands in the record
            return _outcome("failed", report, describe(error))
        return _outcome("rejected" if reason else "complete", report, reason)

    def _evaluate(self, job: Job, report: _Report) -> str:
        architecture, config = job.architecture, self.config
        with report.timed("build"):
            known = cost(architecture)
            report.metrics |= {"params": float(known.params), "macs": float(known.macs)}
            if reason := broken_limit(config, report.metrics):
                return reason
            network = build(architecture, drop_path=config.recipe.drop_path, seed=job.seed)
            network.to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            subject = Subject(architecture, network, known, self.device)
        self._measure(subject, report)
        if reason := broken_limit(config, report.metrics):
            return reason
        with report.timed("train"):
            trained = train(network, self._at(architecture), config.recipe, job.seed, self._give_way)
        report.details["losses"] = [round(loss, 5) for loss in trained.losses]
        subject = Subject(architecture, network, known, self.device, trained.accuracy)
        for name in config.objectives:
            if OBJECTIVES.get(name).trained:
                report.read(name, OBJECTIVES.get(name), subject)
        return ""

    def _measure(self, subject: Subject, report: _Report) -> None:
        """What is known before training but not counted, while other workers of this machine stand still."""
        asked = dict.fromkeys((*self.config.maximum, *self.config.minimum, *self.config.objectives))
        names = [n for n in asked if not OBJECTIVES.get(n).trained and n not in report.metrics]
        if not names:
            return
        with self.turns.measuring() as slot, report.timed("measure"):
            for name in names:
                report.read(name, OBJECTIVES.get(name), subject)
        report.details["slot"] = slot

    def _give_way(self) -> None:
        self.turns.give_way(torch.cuda.synchronize if self.device.type == "cuda" else lambda: None)

    def _at(self, architecture: Architecture) -> Images:
        """The images at the architecture's resolution."""
        side = architecture.resolution
        if side not in self._images:
            recipe, seed = self.config.recipe, self.config.seed
            self._images[side] = place(self.dataset, self.device, side=side, subset=recipe.subset, seed=seed)
        return self._images[side]


def _outcome(state: Any, report: _Report, reason: str) -> Outcome:
    return Outcome(state, report.metrics, report.details, report.seconds, reason)
