"""The conformance suite of a task, which `nas.testing` offers."""

import math
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor

from nas.files import Json
from nas.network.architecture import Architecture
from nas.network.build import build
from nas.registry import DATA, HEADS
from nas.training.catalogue import objective_names
from nas.training.full.recipe import load_recipe
from nas.training.recipe import Recipe
from nas.training.tasks import Predictions, Task

IMAGES, CLASSES = 6, 3
NET = {
    "resolution": 16,
    "channels": 1,
    "classes": CLASSES,
    "stem": {"kind": "conv", "width": 8},
    "stages": [{"block": "conv", "depth": 1, "width": 8, "stride": 2}],
}


class TaskSuite:
    """The tests of a task, the Task `kind`, on networks with the first head at hand that gives its outputs.

    `options` are those of the head, where its own are slow.
    """

    kind: ClassVar[Task]
    options: ClassVar[Json] = {}

    @pytest.fixture
    def architecture(self) -> Architecture:
        """Return a small network."""
        heads = ((name, HEADS.get(name)) for name in HEADS.at_hand())
        head = next(name for name, made in heads if made.outputs == self.kind.outputs and not made.wants_token)
        return Architecture.from_dict({**NET, "head": {"kind": head, **self.options}})

    @pytest.fixture
    def targets(self) -> Tensor:
        """Return targets of six images and three classes."""
        return self.kind.drawn(IMAGES, CLASSES, torch.Generator().manual_seed(0))

    @pytest.fixture
    def x(self) -> Tensor:
        """Return the images, noise."""
        return torch.randn(IMAGES, 1, 16, 16, generator=torch.Generator().manual_seed(1))

    def answers(self, architecture: Architecture, x: Tensor) -> Tensor:
        """Return what a new network gives in evaluation."""
        with torch.no_grad():
            found: Tensor = build(architecture, seed=0).eval()(x)
        return found

    def test_targets_by_chance_are_one_for_each_image_and_the_same_twice(self, targets: Tensor) -> None:
        again = self.kind.drawn(IMAGES, CLASSES, torch.Generator().manual_seed(0))
        assert len(targets) == IMAGES
        assert torch.equal(targets, again)

    def test_training_steps_lower_the_loss(self, architecture: Architecture, x: Tensor, targets: Tensor) -> None:
        network = build(architecture, seed=0).train()
        optimizer, losses = torch.optim.AdamW(network.parameters(), 3e-3), []
        for _ in range(30):
            torch.manual_seed(0)
            outputs = network(x, targets) if self.kind.guided else network(x)
            loss = self.kind.loss(outputs, targets)
            assert loss.shape == ()
            losses.append(float(loss.detach()))
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
        assert all(map(math.isfinite, losses))
        assert losses[-1] < losses[0]

    def test_answers_in_evaluation_have_a_loss(self, architecture: Architecture, x: Tensor, targets: Tensor) -> None:
        loss = self.kind.loss(self.answers(architecture, x), targets)
        assert loss.shape == ()
        assert loss.isfinite()

    def test_metrics_are_numbers(self, architecture: Architecture, x: Tensor, targets: Tensor) -> None:
        predictions = Predictions(self.answers(architecture, x), targets)
        for name, metric in self.kind.metrics.items():
            value: Any = metric.compute(predictions)
            assert isinstance(value, float), name
            assert math.isfinite(value), name
            assert not metric.share or 0 <= value <= 1, name

    def test_a_metric_of_images_drawn_again_is_that_of_those_images(
        self, architecture: Architecture, x: Tensor, targets: Tensor
    ) -> None:
        outputs, rows = self.answers(architecture, x), [4, 0, 0, 2, 5, 5]
        for name, metric in self.kind.metrics.items():
            if metric.redrawn is not None:
                found = metric.redrawn(Predictions(outputs, targets))(torch.tensor(rows).numpy())
                assert found == pytest.approx(metric.compute(Predictions(outputs[rows], targets[rows]))), name

    def test_targets_follow_their_images_there_and_back(self, targets: Tensor) -> None:
        if self.kind.follow is None:
            pytest.skip("targets are of whole images")
        mirrored = torch.tensor([[-1.0, 1.0], [1.0, 0.0]]).expand(IMAGES, 2, 2)
        there = self.kind.follow(targets, mirrored)
        assert there.shape == targets.shape
        assert not torch.equal(there, targets)
        torch.testing.assert_close(self.kind.follow(there, mirrored), targets)

    def test_what_it_decides_of_a_search_exists(self) -> None:
        assert self.kind.objectives[0] in self.kind.metrics
        assert set(self.kind.objectives) <= {*objective_names(), *self.kind.metrics}
        assert Recipe(**self.kind.recipe)
        assert not self.kind.full_recipe or load_recipe(self.kind.full_recipe)
        assert self.kind.data.partition(":")[0] in DATA.names()
