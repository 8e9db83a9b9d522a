"""One proposed architecture -> a measured outcome. Whatever goes wrong in it ends one trial, not the search."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from nas.config import SearchConfig, broken_limit
from nas.costs.counts import Cost, cost
from nas.costs.device import choose_device
from nas.costs.latency.predictor import Predictor
from nas.costs.turns import Turns
from nas.data._base import Dataset
from nas.evaluation.deployment import deployment_of
from nas.evaluation.early_stop import PrunedError, Rungs
from nas.evaluation.job import Job, Outcome, describe
from nas.evaluation.objectives._base import Objective, Subject
from nas.evaluation.prefilter import below
from nas.evaluation.zero_cost import score
from nas.network.architecture import Architecture
from nas.network.build import Network, build
from nas.registry import OBJECTIVES
from nas.training.loop import Between, Images, place, train

SCORED = 64  # images in the batch that zero-cost scores look at, as in arXiv:2101.08134


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

    def __init__(
        self, config: SearchConfig, dataset: Dataset, turns: Turns | None = None, predictor: Predictor | None = None
    ) -> None:
        torch.set_num_threads(1)  # two threads a process make two processes 3.6 times slower
        self.config, self.dataset, self.turns = config, dataset, turns or Turns()
        self.device = choose_device(config.device)
        self.deployment, self.predictor = deployment_of(config), predictor
        self._images: dict[int, Images] = {}

    def __call__(self, job: Job) -> Outcome:
        """Measure what is known before training, reject or train, measure the rest."""
        report = _Report()
        try:
            with self.turns.working():
                reason = self._evaluate(job, report)
        except PrunedError as pruned:
            report.details["expected"] = pruned.expected
            return _outcome("pruned", report, str(pruned))
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
            subject = self._subject(architecture, network, known)
        self._measure(subject, report)
        if reason := broken_limit(config, report.metrics):
            return reason
        if not job.repeat:
            self._score(subject, report)
        if reason := below(job.bars, report.details.get("scores", {})):
            return reason
        rungs = Rungs(job.judge, report.metrics)
        report.details["rungs"] = rungs.losses
        with report.timed("train"):
            trained = train(network, self._at(architecture), config.recipe, job.seed, self._between(rungs))
        report.details["losses"] = [round(loss, 5) for loss in trained.losses]
        subject = replace(subject, accuracy=trained.accuracy)
        for name in config.objectives:
            if OBJECTIVES.get(name).trained:
                report.read(name, OBJECTIVES.get(name), subject)
        return ""

    def _subject(self, architecture: Architecture, network: Network, known: Cost) -> Subject:
        config = self.config
        return Subject(
            architecture,
            network,
            known,
            self.device,
            deployment=self.deployment,
            predictor=self.predictor,
            throughput_batch=config.throughput_batch,
            batch_size=config.recipe.batch_size,
        )

    def _measure(self, subject: Subject, report: _Report) -> None:
        """What is known before training but not counted; what is timed, while the other workers stand still."""
        asked = dict.fromkeys((*self.config.maximum, *self.config.minimum, *self.config.objectives))
        names = [n for n in asked if not OBJECTIVES.get(n).trained and n not in report.metrics]
        timed = [n for n in names if OBJECTIVES.get(n).timed and not (n == "latency" and self.predictor)]
        with report.timed("measure"):
            for name in names:
                if name not in timed:
                    report.read(name, OBJECTIVES.get(name), subject)
        if not timed:
            return
        with self.turns.measuring() as slot, report.timed("measure"):
            for name in timed:
                report.read(name, OBJECTIVES.get(name), subject)
        report.details["slot"] = slot

    def _between(self, rungs: Rungs) -> Between:
        """What happens between two steps: the rungs are watched, and a neighbour that measures is given way to."""
        settle = torch.cuda.synchronize if self.device.type == "cuda" else lambda: None

        def between(share: float, loss: torch.Tensor) -> None:
            rungs(share, loss)
            self.turns.give_way(settle)

        return between

    def _score(self, subject: Subject, report: _Report) -> None:
        """Zero-cost scores of the network as it was built, on the same images for all; None for an undefined one."""
        names = dict.fromkeys((*self.config.scores, *self.config.prefilter))
        if not names:
            return
        images = self._at(subject.architecture)
        with report.timed("score"):
            rows = np.random.default_rng(self.config.seed).permutation(len(images.train_y))[:SCORED]
            chosen = torch.from_numpy(rows).to(self.device)
            x, y = images.normalise(images.train_x[chosen]), images.train_y[chosen]
            scored = score(subject.network, x, y, names)
        report.details["scores"] = {n: s.value if np.isfinite(s.value) else None for n, s in scored.items()}

    def _at(self, architecture: Architecture) -> Images:
        """The images at the architecture's resolution."""
        side = architecture.resolution
        if side not in self._images:
            recipe, seed = self.config.recipe, self.config.seed
            self._images[side] = place(self.dataset, self.device, side=side, subset=recipe.subset, seed=seed)
        return self._images[side]


def _outcome(state: Any, report: _Report, reason: str) -> Outcome:
    return Outcome(state, report.metrics, report.details, report.seconds, reason)
