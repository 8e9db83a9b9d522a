"""The suite of tasks, over those of nas."""

import pytest
import torch
from small_detection import NET
from torch import Tensor

from nas.network.architecture import Architecture
from nas.space.library import load_architecture
from nas.testing import TaskSuite
from nas.training.catalogue import load_task
from nas.training.testing import CLASSES, IMAGES


class TestClassification(TaskSuite):
    kind = load_task("classification")


class TestDetection(TaskSuite):
    kind = load_task("detection")

    @pytest.fixture
    def architecture(self) -> Architecture:
        return load_architecture(NET | {"classes": CLASSES})


class TestDetectionWithoutObjects(TestDetection):
    """Scenes that are empty have a loss too, though no precision to speak of."""

    @pytest.fixture
    def targets(self) -> Tensor:
        rows = torch.zeros(IMAGES, 2, 6)
        rows[..., 0] = -1
        return rows

    test_targets_by_chance_are_one_for_each_image_and_the_same_twice = None
    test_targets_follow_their_images_there_and_back = None
    test_metrics_are_numbers = None
    test_a_metric_of_images_drawn_again_is_that_of_those_images = None
