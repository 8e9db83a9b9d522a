"""What every task keeps: run over the registry, so that a new kind is tested by existing."""

from typing import Any

import pytest
import torch
from small_detection import HEAD
from suites import suites
from torch import Tensor

from nas.registry import TASKS
from nas.testing import TaskSuite
from nas.training.catalogue import load_task
from nas.training.testing import IMAGES

OPTIONS: dict[str, Any] = {name: value for name, value in HEAD.items() if name not in ("kind", "levels")}

globals().update(suites(TaskSuite, TASKS, detection={"options": OPTIONS}))


class TestWithoutObjects(TaskSuite):
    """Scenes that are empty have a loss too, though no precision to speak of."""

    kind, options = load_task("detection"), OPTIONS

    @pytest.fixture
    def targets(self) -> Tensor:
        rows = torch.zeros(IMAGES, 2, 6)
        rows[..., 0] = -1
        return rows

    test_targets_by_chance_are_one_for_each_image_and_the_same_twice = None
    test_targets_follow_their_images_there_and_back = None
    test_metrics_are_numbers = None
    test_a_metric_of_images_drawn_again_is_that_of_those_images = None
