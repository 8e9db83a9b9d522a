"""The losses: against the published ones, query by query in plain Python."""

import math
from dataclasses import replace

import pytest
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from nas.network.layers.detections import Detections, Outputs
from nas.training.boxes.geometry import generalised_iou
from nas.training.boxes.losses import loss

LAYERS, IMAGES, QUERIES, CLASSES, MOST = 3, 4, 7, 3, 3


def answers(focal: bool = False, groups: int = 0, repeats: int = 1, seed: int = 0) -> Detections:
    generator = torch.Generator().manual_seed(seed)

    def drawn(queries: int) -> tuple[Tensor, Tensor]:
        logits = torch.randn(LAYERS, IMAGES, queries, CLASSES + (not focal), generator=generator)
        boxes = torch.rand(LAYERS, IMAGES, queries, 4, generator=generator)
        return logits.requires_grad_(), boxes.requires_grad_()

    noised = Outputs(*drawn(groups * MOST)) if groups else None
    return Detections(*drawn(QUERIES), focal, repeats, noised)


def targets(seed: int = 1) -> Tensor:
    """Images with three boxes, a box and a crowd, one box in the last row, none."""
    aims = torch.rand(IMAGES, MOST, 6, generator=torch.Generator().manual_seed(seed))
    aims[..., 0] = torch.tensor([[0, 1, 2], [2, 1, -1], [-1, -1, 0], [-1, -1, -1]])
    aims[..., 5] = torch.tensor([[0, 0, 0], [0, 1, 0], [0, 0, 0], [0, 0, 0]])
    return aims


def empty() -> Tensor:
    aims = torch.zeros(IMAGES, MOST, 6)
    aims[..., 0] = -1
    return aims


def named(logits: list[float], label: int | None, focal: bool) -> float:
    """The published loss of one query's class: the focal one over all classes, or the negative log-likelihood."""
    if not focal:
        place = len(logits) - 1 if label is None else label
        return math.log(sum(math.exp(each) for each in logits)) - logits[place]
    total = 0.0
    for number, each in enumerate(logits):
        sure = 1 / (1 + math.exp(-each))
        total -= 0.25 * (1 - sure) ** 2 * math.log(sure) if number == label else 0.75 * sure**2 * math.log(1 - sure)
    return total


def drawn_cost(box: Tensor, row: Tensor) -> float:
    return float(5 * (box - row[1:5]).abs().sum() + 2 * (1 - generalised_iou(box, row[1:5])))


def paired(logits: Tensor, boxes: Tensor, rows: Tensor, focal: bool) -> dict[int, Tensor]:
    """Match the queries of one image, as the published code does."""
    costs = torch.empty(len(logits), len(rows))
    for query in range(len(logits)):
        for place, row in enumerate(rows):
            sure = (logits[query].sigmoid() if focal else logits[query].softmax(0))[int(row[0])]
            right = -0.25 * (1 - sure) ** 2 * sure.log() + 0.75 * sure**2 * (1 - sure).log()
            costs[query, place] = (2 * right if focal else -sure) + drawn_cost(boxes[query], row)
    return {int(q): rows[int(place)] for q, place in zip(*linear_sum_assignment(costs.numpy()), strict=True)}


def slow(found: Detections, aims: Tensor) -> float:
    """The published criterion, with the auxiliary losses of all layers, of which the last counts a label once."""
    total, last = 0.0, len(found.logits) - 1
    for layer, (logits, boxes) in enumerate(zip(found.logits.detach(), found.boxes.detach(), strict=True)):
        times = 1 if layer == last else found.repeats
        true = [rows[(rows[:, 0] >= 0) & (rows[:, 5] == 0)].repeat(times, 1) for rows in aims]
        number = max(sum(map(len, true)), 1)
        classes = weights = 0.0
        for image, rows in enumerate(true):
            pairs = paired(logits[image], boxes[image], rows, found.focal) if len(rows) else {}
            for query in range(logits.shape[1]):
                aim = pairs.get(query)
                weight = 1 if aim is not None or found.focal else 0.1
                label = None if aim is None else int(aim[0])
                classes += weight * named(logits[image, query].tolist(), label, found.focal)
                weights += weight
                total += 0 if aim is None else drawn_cost(boxes[image, query], aim) / number
        total += classes / (number if found.focal else weights)
    return total


def slow_denoising(found: Detections, aims: Tensor) -> float:
    """DN-DETR's loss of the known queries: each against the row that it was made from."""
    assert found.noised is not None
    known = [
        (image, group * MOST + row, aims[image, row])
        for image in range(IMAGES)
        for group in range(found.noised.logits.shape[2] // MOST)
        for row in range(MOST)
        if aims[image, row, 0] >= 0 and aims[image, row, 5] == 0
    ]
    total = 0.0
    for logits, boxes in zip(found.noised.logits.detach(), found.noised.boxes.detach(), strict=True):
        for image, query, row in known:
            total += named(logits[image, query].tolist(), int(row[0]), found.focal) / len(known)
            total += drawn_cost(boxes[image, query], row) / len(known)
    return total


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("focal", [False, True])
@pytest.mark.parametrize("repeats", [1, 2])
def test_the_loss_is_the_published_one(seed: int, focal: bool, repeats: int) -> None:
    found, aims = answers(focal, repeats=repeats, seed=seed), targets(seed)
    assert loss(found, aims).item() == pytest.approx(slow(found, aims), rel=1e-4)


def test_the_only_layer_is_the_last() -> None:
    found = answers(focal=True, repeats=2)
    alone = replace(found, logits=found.logits[-1:], boxes=found.boxes[-1:])
    torch.testing.assert_close(loss(alone, targets()), loss(replace(alone, repeats=1), targets()))


@pytest.mark.parametrize("focal", [False, True])
def test_denoising_queries_answer_for_the_rows_they_were_made_from(focal: bool) -> None:
    found, aims = answers(focal, groups=2), targets()
    with_noise, without = loss(found, aims).item(), loss(replace(found, noised=None), aims).item()
    assert with_noise - without == pytest.approx(slow_denoising(found, aims), rel=1e-4)


@pytest.mark.parametrize("focal", [False, True])
def test_perfect_answers_cost_next_to_nothing(focal: bool) -> None:
    aims = targets()
    logits = torch.full((1, IMAGES, MOST, CLASSES + (not focal)), -20.0)
    for image in range(IMAGES):
        for row in range(MOST):
            held = aims[image, row, 0] >= 0 and aims[image, row, 5] == 0
            if held or not focal:
                logits[0, image, row, int(aims[image, row, 0]) if held else CLASSES] = 20
    assert float(loss(Detections(logits, aims[None, ..., 1:5], focal), aims)) == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize("focal", [False, True])
def test_the_order_of_queries_and_of_boxes_changes_nothing(focal: bool) -> None:
    found, aims = answers(focal), targets()
    order, rows = torch.randperm(QUERIES), torch.tensor([2, 0, 1])
    turned = Detections(found.logits[:, :, order], found.boxes[:, :, order], focal)
    assert loss(turned, aims[:, rows]).item() == pytest.approx(loss(found, aims).item(), rel=1e-5)


@pytest.mark.parametrize("focal", [False, True])
@pytest.mark.parametrize("groups", [0, 2])
def test_a_batch_without_a_box_teaches_that_there_is_none(focal: bool, groups: int) -> None:
    found = answers(focal, groups)
    total = loss(found, empty())
    total.backward()
    assert total.item() == pytest.approx(slow(found, empty()), rel=1e-4)
    assert found.logits.grad is not None
    assert found.boxes.grad is not None
    assert found.logits.grad.abs().sum() > 0
    assert not found.boxes.grad.any()


@pytest.mark.parametrize("box", [(0.5, 0.5, 0, 0), (1.5, -0.5, 0.2, 0.2), (0.95, 0.5, 0.3, 0.2), (0.5, 0.5, 3, 3)])
def test_boxes_of_no_area_and_beyond_the_image_have_gradients(box: tuple[float, ...]) -> None:
    found, aims = answers(), targets()
    aims[..., 1:5] = torch.tensor(box)
    total = loss(found, aims)
    total.backward()
    assert total.isfinite()
    assert found.boxes.grad is not None
    assert found.boxes.grad.isfinite().all()
    assert found.boxes.grad.any()


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("field", ["logits", "boxes"])
@pytest.mark.parametrize("focal", [False, True])
def test_an_answer_that_is_no_number_makes_the_loss_none(value: float, field: str, focal: bool) -> None:
    for aims in (targets(), empty()):
        found = answers(focal)
        with torch.no_grad():
            getattr(found, field)[1, 2, 3, 0] = value
        assert not loss(found, aims).isfinite()


def test_all_gradients_are_those_of_differences() -> None:
    found, aims = answers(True, groups=1), targets()
    total = loss(found, aims)
    total.backward()
    step, noised = 1e-3, found.noised
    assert noised is not None
    for tensor in (found.logits, found.boxes, noised.logits, noised.boxes):
        assert tensor.grad is not None
        towards = tensor.grad / tensor.grad.norm()
        with torch.no_grad():
            tensor += step * towards
            more = float(loss(found, aims))
            tensor -= 2 * step * towards
            less = float(loss(found, aims))
            tensor += step * towards
        assert (more - less) / (2 * step) == pytest.approx(float(tensor.grad.norm()), rel=0.05)


def test_half_precision_gives_a_loss_in_single() -> None:
    found, aims = answers(True), targets()
    with torch.autocast("cpu", torch.bfloat16):
        half = loss(Detections(found.logits.bfloat16(), found.boxes.bfloat16(), True), aims)
        assert loss(found, aims) == loss(found, aims)
    assert half.dtype == torch.float32
    assert half.item() == pytest.approx(loss(found, aims).item(), rel=0.05)


@pytest.mark.parametrize("images", [IMAGES, 300])
def test_outputs_in_evaluation_have_the_focal_loss_of_one_layer(images: int) -> None:
    found = answers(True)
    logits, boxes, aims = found.logits[-1].detach(), found.boxes[-1].detach(), targets()
    outputs = torch.cat([boxes, logits.sigmoid()], -1)
    expected = slow(Detections(logits[None], boxes[None], True), aims)
    times = -(-images // IMAGES)
    assert float(loss(outputs.repeat(times, 1, 1), aims.repeat(times, 1, 1))) == pytest.approx(expected, rel=1e-3)


def test_outputs_in_evaluation_without_a_box_or_without_a_number() -> None:
    outputs = torch.cat([torch.rand(2, 5, 4), torch.zeros(2, 5, 3)], -1)
    assert float(loss(outputs, empty()[:2])) == pytest.approx(0, abs=1e-5)
    assert float(loss(outputs + 0.5 * (torch.arange(7) > 3), empty()[:2])) > 0.1
    outputs[0, 0, 0] = math.nan
    assert not loss(outputs, empty()[:2]).isfinite()
