"""Evaluate one proposed architecture. An error ends its trial, not the search."""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch.utils.benchmark import set_torch_threads

from nas.config import SearchConfig
from nas.costs.deployment import Deployment, choose_deployment, choose_device
from nas.costs.latency.predictor import Predictor
from nas.costs.turns import Turn, Turns
from nas.data import Dataset
from nas.evaluation.catalogue import objectives
from nas.evaluation.job import Job, Outcome, State, describe
from nas.evaluation.limits import broken_limit
from nas.evaluation.objectives import Candidate, Conditions, Effort, Objective
from nas.evaluation.scoring import below, score
from nas.evaluation.zero_cost import Sample
from nas.files import Json
from nas.network.architecture import Architecture
from nas.network.build import build
from nas.registry import OBJECTIVES
from nas.training.catalogue import load_task
from nas.training.images import Images, load_images
from nas.training.loop import check_answers, predict, train
from nas.training.pause import Pause

SCORED = 64  # images in the batch for zero-cost scores, as in arXiv:2101.08134


def deployment_of(config: SearchConfig) -> Deployment | None:
    """Choose where on this machine a search's networks will run, or None for a device that is elsewhere.

    Raises SettingError for a target that is not here.
    """
    if config.device_file:
        return None
    return choose_deployment(
        config.target,
        device=config.device,
        batch=config.latency_batch,
        threads=config.threads,
        dtype=config.dtype,
    )


def conditions_of(
    config: SearchConfig, predictor: Predictor | None = None, deployment: Deployment | None = None
) -> Conditions:
    """The conditions that a search's candidates share."""
    return Conditions(
        deployment,
        predictor,
        throughput_batch=config.throughput_batch,
        batch_size=config.recipe.batch_size,
        task=load_task(config.task),
    )


@dataclass
class _Notes:
    """An outcome in the making, so that a failed trial keeps what was read before."""

    metrics: dict[str, float] = field(default_factory=dict)
    readings: dict[str, Json] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    losses: tuple[float, ...] = ()
    scores: dict[str, float | None] = field(default_factory=dict)
    turn: Turn | None = None
    pause: bytes | None = None

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[step] = self.seconds.get(step, 0.0) + time.perf_counter() - start

    def read(self, asked: Mapping[str, Objective], candidate: Candidate, effort: Effort = "search") -> None:
        for name, objective in asked.items():
            reading = objective.read(candidate, effort)
            if not np.isfinite(reading.value):
                raise FloatingPointError(f"{name} is {reading.value}")
            self.metrics[name] = reading.value
            if reading.details:
                self.readings[name] = reading.details

    def outcome(self, state: State, reason: str = "") -> Outcome:
        return Outcome(
            state,
            self.metrics,
            self.readings,
            {step: round(seconds, 4) for step, seconds in self.seconds.items()},
            reason,
            self.losses,
            self.scores,
            self.turn,
            pause=self.pause,
        )


class Evaluator:
    """Evaluates the jobs of one search. Keeps the images on the device, and nothing of one job for the next."""

    def __init__(
        self, config: SearchConfig, dataset: Dataset, turns: Turns | None = None, predictor: Predictor | None = None
    ) -> None:
        self.config, self.dataset, self.turns = config, dataset, turns or Turns()
        self.device, self.task = choose_device(config.device), load_task(config.task)
        self.conditions = conditions_of(config, predictor, deployment_of(config))
        asked = objectives((*config.maximum, *config.minimum, *config.objectives))
        noted = {name: found for name, found in objectives(OBJECTIVES.at_hand()).items() if found.noted}
        self.trained = {name: asked[name] for name in config.objectives if asked[name].trained}
        self.noted = {name: found for name, found in noted.items() if not (found.measure or found.trained)}
        untrained = {name: found for name, found in (asked | noted).items() if not found.trained}
        self.untrained = {name: found for name, found in untrained.items() if name not in self.noted}
        self._images: dict[int, Images] = {}

    def __call__(self, job: Job) -> Outcome:
        """Read what is known before training, reject or train, then read the rest.

        Runs in one thread: with two threads each, two processes are 3.6 times slower.
        """
        notes = _Notes()
        try:
            with set_torch_threads(1), self.turns.working():
                reason = self._remeasure(job, notes) if job.purpose == "measure" else self._evaluate(job, notes)
        except Exception as error:  # any error ends this trial only, with its reason in the record
            return notes.outcome("failed", describe(error))
        return notes.outcome("rejected" if reason else "complete", reason)

    def _evaluate(self, job: Job, notes: _Notes) -> str:
        """Fill the notes of a training and return why the network is rejected, or an empty text."""
        candidate, new = Candidate(job.architecture, self.conditions), job.purpose == "search"
        with notes.timed("build"):
            notes.read(self.noted, candidate)
            if new and (reason := broken_limit(self.config, notes.metrics)):
                return reason
            candidate = self._built(job)
        self._measure(candidate, notes)
        if new and (reason := broken_limit(self.config, notes.metrics)):
            return reason
        if new:
            self._score(candidate, notes)
        if reason := below(job.bars, notes.scores):
            return reason
        self._train(job, candidate, notes)
        return ""

    def _built(self, job: Job) -> Candidate:
        network = build(job.architecture, drop_path=self.config.recipe.drop_path, seed=job.seed)
        network.to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return Candidate(job.architecture, self.conditions, network)

    def _measure(self, candidate: Candidate, notes: _Notes) -> None:
        """Read the objectives that need no training, the timed ones while other workers stand still."""
        timed = {name: o for name, o in self.untrained.items() if o.timed and o.tell(candidate) is None}
        with notes.timed("measure"):
            notes.read({name: o for name, o in self.untrained.items() if name not in timed}, candidate)
        if timed:
            self._read_alone(timed, candidate, notes, "search")

    def _read_alone(self, timed: Mapping[str, Objective], candidate: Candidate, notes: _Notes, effort: Effort) -> None:
        with self.turns.measuring() as company, notes.timed("measure"):
            notes.read(timed, candidate, effort)
            notes.turn = company()

    def _remeasure(self, job: Job, notes: _Notes) -> str:
        """Read objectives of a trial again with full effort."""
        asked = {name: self.untrained[name] for name in job.asked}
        with notes.timed("build"):
            candidate = self._built(job)
        self._read_alone(asked, candidate, notes, "full")
        return ""

    def _train(self, job: Job, candidate: Candidate, notes: _Notes) -> None:
        network, config = candidate.network, self.config
        assert network

        def keep(pause: Pause) -> None:
            notes.pause = pause.to_bytes()

        images = self._at(job.architecture)
        with notes.timed("train"):
            losses = train(
                network, images, config.recipe, self.task, job.seed, self._between,
                epochs=config.epochs[job.rung],
                since=Pause.read(job.since, network) if job.since else None,
                keep=keep if job.keep else None,
            )  # fmt: skip
            predictions = predict(network, images)
        notes.losses = tuple(round(loss, 5) for loss in losses)
        check_answers(predictions.outputs, "after the last step")  # which had a finite loss, maybe no finite gradient
        every = self.trained.keys() - self.task.metrics.keys()  # an objective of one's own may be made of any metric
        metrics = {n: one.value(predictions) for n, one in self.task.metrics.items() if every or n in self.trained}
        notes.read(self.trained, replace(candidate, metrics=metrics))

    def _between(self) -> None:
        """Give way, between two steps, to a neighbour that measures."""
        self.turns.give_way(torch.cuda.synchronize if self.device.type == "cuda" else lambda: None)

    def _score(self, candidate: Candidate, notes: _Notes) -> None:
        """Note zero-cost scores of the untrained network, on the same images for every network."""
        names: Iterable[str] = dict.fromkeys((*self.config.scores, *self.config.prefilter))
        if not names:
            return
        images, network = self._at(candidate.architecture), candidate.network
        assert network
        with notes.timed("score"):
            rows = np.random.default_rng(self.config.seed).permutation(len(images.train_y))[:SCORED]
            chosen = torch.from_numpy(rows).to(self.device)
            sample = Sample(images.normalise(images.train_x[chosen]), images.train_y[chosen], self.task.loss)
            scored = score(network, sample, names)
        notes.scores = {n: s.value if np.isfinite(s.value) else None for n, s in scored.items()}

    def _at(self, architecture: Architecture) -> Images:
        """The images at the architecture's resolution."""
        side = architecture.resolution
        if side not in self._images:
            recipe, seed = self.config.recipe, self.config.split
            self._images[side] = load_images(self.dataset, self.device, side=side, subset=recipe.subset, seed=seed)
        return self._images[side]
