"""Classification: its loss, and the share of images that are classified rightly."""

import pytest
import torch
from torch import nn

from nas.training.catalogue import load_task
from nas.training.images import Images
from nas.training.loop import predict

TASK = load_task("classification")


class Oracle(nn.Module):
    """Says the class that stands in the first pixel, and the next one for every third image."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        said = x[:, 0, 0, 0].round().long()
        said = torch.where(torch.arange(len(x)) % 3 == 0, (said + 1) % 10, said)
        return nn.functional.one_hot(said, 10).float()


def test_accuracy_is_the_share_that_is_right() -> None:
    labels = torch.arange(1203) % 10
    x = labels.to(torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, 2, 2)
    zero, one = torch.zeros(1, 1, 1), torch.ones(1, 1, 1)
    images = Images(x, labels, x, labels, zero, one, mirror=False)
    accuracy = TASK.metrics["accuracy"].compute
    assert accuracy(predict(Oracle(), images, batch_size=300)) == pytest.approx(802 / 1203)
    assert accuracy(predict(Oracle(), images, batch_size=5000)) == pytest.approx(802 / 1203)


def test_the_loss_is_the_mean_cross_entropy_with_smoothed_targets() -> None:
    logits, classes = torch.tensor([[2.0, 0.0, -1.0], [0.5, 1.5, 0.0]]), torch.tensor([0, 2])
    surprise = -logits.log_softmax(1)
    plain, mean = surprise[[0, 1], classes].mean(), surprise.mean()
    assert float(TASK.loss(logits, classes)) == pytest.approx(float(plain))
    assert float(TASK.loss(logits, classes, 0.1)) == pytest.approx(float(0.9 * plain + 0.1 * mean))
