"""Mean average precision: COCO's own tool finds the same, and cases that are counted by hand."""

import contextlib
import io
import math
import warnings
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from drawn_boxes import drawn
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from nas.training.boxes.precision import Matched, half_precision, half_precisions, mean_precision, mean_precisions
from nas.training.tasks import Predictions


def by_coco(predictions: Predictions) -> tuple[float, float]:
    """Mean average precision, and that at .5, by pycocotools."""
    outputs, targets = predictions
    true, said = [], []
    for image, rows in enumerate(targets.double().numpy()):
        for number, x, y, w, h, crowd in rows:
            if number >= 0:
                box = {"bbox": [x - w / 2, y - h / 2, w, h], "area": w * h, "iscrowd": int(crowd)}
                true.append({"id": len(true) + 1, "image_id": image, "category_id": int(number)} | box)
    for image, queries in enumerate(outputs.double().numpy()):
        pairs = [(-s, q, c) for q, query in enumerate(queries) for c, s in enumerate(query[4:])]
        for score, query, number in sorted(pairs)[:100]:
            x, y, w, h = queries[query, :4]
            box = {"bbox": [x - w / 2, y - h / 2, w, h], "score": -score}
            said.append({"image_id": image, "category_id": number} | box)
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "images": [{"id": image} for image in range(len(targets))],
            "annotations": true,
            "categories": [{"id": number} for number in range(outputs.shape[2] - 4)],
            "info": {},
        }
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(said), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return float(evaluation.stats[0]), float(evaluation.stats[1])


@pytest.mark.parametrize(("images", "queries", "classes"), [(1, 12, 4), (40, 12, 4), (25, 40, 3), (10, 60, 8)])
@pytest.mark.parametrize("seed", range(3))
def test_cocos_own_tool_finds_the_same(images: int, queries: int, classes: int, seed: int) -> None:
    predictions = drawn(images, seed, queries, classes)
    whole, half = by_coco(predictions)
    assert 0.05 < half < 1
    assert mean_precision(predictions) == pytest.approx(whole, abs=1e-12)
    assert half_precision(predictions) == pytest.approx(half, abs=1e-12)


def answered(*boxes: tuple[float, ...], classes: int = 2) -> torch.Tensor:
    """Outputs for an image from class, place and score of each query."""
    outputs = torch.zeros(1, len(boxes), 4 + classes)
    for query, (number, x, y, w, h, score) in enumerate(boxes):
        outputs[0, query, :4], outputs[0, query, 4 + int(number)] = torch.tensor([x, y, w, h]), score
    return outputs


LEFT, RIGHT = (0.0, 0.25, 0.5, 0.2, 0.2), (0.0, 0.75, 0.5, 0.2, 0.2)
ROWS = torch.tensor([[[*LEFT, 0], [*RIGHT, 0]]])


@dataclass(frozen=True)
class Case:
    """An image, what is answered, and the average precision at .5."""

    answers: list[tuple[float, ...]]
    value: float
    targets: torch.Tensor = ROWS


CASES = {
    "both found": Case([(*LEFT, 0.9), (*RIGHT, 0.8)], 1),
    "one missed": Case([(*LEFT, 0.9)], 51 / 101),  # recalls of 0 to .5 are reached
    "one doubled": Case([(*LEFT, 0.9), (*LEFT, 0.8), (*RIGHT, 0.7)], (51 + 50 * 2 / 3) / 101),
    "a sure one on nothing": Case([(0, 0.5, 0.9, 0.1, 0.1, 0.9), (*LEFT, 0.8), (*RIGHT, 0.7)], 2 / 3),
    "an unsure one on nothing": Case([(0, 0.5, 0.9, 0.1, 0.1, 0.1), (*LEFT, 0.8), (*RIGHT, 0.7)], 1),
    "another class alone": Case([(1, *LEFT[1:], 0.9)], 0),
    "one in a crowd": Case(
        [(*LEFT, 0.9), (0, 0.75, 0.45, 0.1, 0.1, 0.95), (0, 0.7, 0.55, 0.1, 0.1, 0.95)],
        1,
        torch.tensor([[[*LEFT, 0], [*RIGHT, 1]]]),
    ),
    "no area": Case([(0, 0.25, 0.5, 0, 0, 0.9), (*RIGHT, 0.8)], 0.5 * 51 / 101),
    "beyond the image": Case([(0, 1.5, 0.5, 0.2, 0.2, 0.9), (*RIGHT, 0.8)], 0.5 * 51 / 101),
}


@pytest.mark.parametrize("name", CASES)
def test_cases_counted_by_hand(name: str) -> None:
    case = CASES[name]
    assert half_precision(Predictions(answered(*case.answers), case.targets)) == pytest.approx(case.value, abs=1e-6)


def test_images_drawn_again_count_as_often_as_they_are_named() -> None:
    predictions = drawn(20)
    whole, half = mean_precisions(predictions), half_precisions(predictions)
    rng = np.random.default_rng(0)
    for _ in range(5):
        rows = rng.integers(0, 20, 20)
        anew = Predictions(predictions.outputs[rows], predictions.targets[rows])
        expected = by_coco(anew)
        assert (whole(rows), half(rows)) == pytest.approx(expected, abs=1e-12)
        assert (mean_precision(anew), half_precision(anew)) == pytest.approx(expected, abs=1e-12)
    assert whole(np.arange(20)) == pytest.approx(mean_precision(predictions), abs=1e-12)


@pytest.mark.parametrize("crowd", [False, True])
def test_where_there_is_no_box_the_value_is_0(crowd: bool) -> None:
    outputs, targets = drawn(3)
    targets = torch.zeros_like(targets) if crowd else -torch.ones_like(targets)
    targets[..., 5] = 1
    predictions = Predictions(outputs, targets)
    assert mean_precision(predictions) == half_precision(predictions) == 0
    assert math.isnan(mean_precisions(predictions)(np.array([0, 0, 2])))


def test_draws_without_a_box_have_no_value() -> None:
    outputs, targets = drawn(3)
    targets[:2] = -1
    drawn_again = mean_precisions(Predictions(outputs, targets))
    assert math.isnan(drawn_again(np.array([0, 1, 0])))
    assert drawn_again(np.array([2, 1, 2])) > 0


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_outputs_that_are_no_numbers_crash_nothing(value: float) -> None:
    outputs, targets = drawn(12)
    outputs[0] = value
    outputs[1, :, :4] = value
    outputs[2, :, 4:] = value
    assert 0 < mean_precision(Predictions(outputs, targets)) < 1
    assert mean_precision(Predictions(torch.full_like(outputs, value), targets)) == 0


def test_queries_whose_scores_are_no_numbers_take_the_place_of_none() -> None:
    outputs, targets = drawn(10, queries=60, classes=8)
    outputs[:, :20, 4:] = 0
    expected = mean_precision(Predictions(outputs, targets))
    broken = outputs.clone()
    broken[:, :20, 4:] = math.nan
    assert mean_precision(Predictions(broken, targets)) == expected


def test_half_precision_floats_and_boxes_on_any_type() -> None:
    outputs, targets = drawn(8)
    near = half_precision(Predictions(outputs, targets))
    assert half_precision(Predictions(outputs.bfloat16(), targets)) == pytest.approx(near, abs=0.05)


def test_it_says_nothing(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    with warnings.catch_warnings(), caplog.at_level("DEBUG"):
        warnings.simplefilter("error")
        mean_precisions(drawn(3, seed=9))(np.array([0, 1, 1]))
    captured = capfd.readouterr()
    assert (captured.out, captured.err, caplog.records) == ("", "", [])


def test_predictions_are_matched_once(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    made = Matched.__init__
    monkeypatch.setattr(Matched, "__init__", lambda self, predictions: (seen.append(1), made(self, predictions))[1])
    predictions = drawn(3)
    mean_precision(predictions)
    half_precision(Predictions(*predictions))
    assert len(seen) == 1
    mean_precision(Predictions(predictions.outputs, predictions.targets.clone()))
    assert len(seen) == 2
