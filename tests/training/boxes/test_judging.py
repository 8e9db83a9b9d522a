"""A detector's verdict: what was found, class by class, and images that show it."""

import json

import numpy as np
import pytest
import torch
from detections import answers

from nas.data.boxes import pack
from nas.training.boxes.found import THRESHOLD
from nas.training.boxes.judging import best_threshold, judge_boxes
from nas.training.boxes.verdict import BoxVerdict
from nas.training.tasks import Predictions

ONE, TWO = (0.25, 0.25, 0.2, 0.2), (0.75, 0.75, 0.2, 0.2)


Place = tuple[float, ...]


def scene(truths: list[tuple[int, Place, int]], said: list[tuple[int, Place, float]]) -> Predictions:
    """One image: true boxes by class, place and whether they are crowds, and answers by class, place and score."""
    rows = np.array([(label, *box, crowd) for label, box, crowd in truths]).reshape(-1, 6)
    outputs = torch.zeros(1, 5, 6)
    for query, (label, box, score) in enumerate(said):
        outputs[0, query, :4] = torch.tensor(box)
        outputs[0, query, 4 + label] = score
    return Predictions(outputs, torch.from_numpy(pack([rows])))


def test_each_answer_counts_once_by_what_it_is() -> None:
    truths = [(0, ONE, 0), (1, TWO, 0)]
    said = [(0, ONE, 0.9), (0, ONE, 0.8), (0, TWO, 0.7), (1, (0.75, 0.25, 0.1, 0.1), 0.6), (1, TWO, 0.4)]
    found = judge_boxes(scene(truths, said), 2)
    first, second = found.classes
    assert (first.objects, first.found, first.doubled, first.misnamed, first.background) == (1, 1, 1, 1, 0)
    assert (second.objects, second.found, second.missed, second.background) == (1, 0, 1, 1)
    assert found.count("missed") == 1
    assert first.half == 1
    assert second.half == 0.5, "an answer below the threshold counts for precision, which asks for every score"


def test_a_crowd_is_no_object_and_a_class_without_one_has_no_precision() -> None:
    found = judge_boxes(scene([(0, ONE, 1)], [(0, ONE, 0.9)]), 2)
    assert [(one.objects, one.found, one.background, one.half) for one in found.classes] == [(0, 0, 0, None)] * 2
    assert found.shown == ()


def test_the_images_of_a_group_have_what_it_says_and_none_is_shown_twice() -> None:
    shown = judge_boxes(answers(80), 3).shown
    assert {one.group for one in shown} == {"worst", "missed", "doubled", "best"}
    assert len({one.row for one in shown}) == len(shown)
    wrong = {group: [one.count("missed", "doubled", "misnamed", "background") for one in shown if one.group == group]
             for group in ("worst", "best")}  # fmt: skip
    assert max(wrong["best"]) == 0
    assert min(wrong["worst"]) >= 2
    assert all(one.count(one.group) for one in shown if one.group in ("missed", "doubled"))


def test_every_true_box_of_a_shown_image_is_drawn_as_found_or_missed() -> None:
    predictions = answers(40)
    for one in judge_boxes(predictions, 3).shown:
        truths = int((predictions.targets[one.row, :, 0] >= 0).sum())
        assert one.count("true") + one.count("missed") == truths
        assert one.count("true") == one.count("found")


def test_the_best_threshold_leaves_out_what_is_wrong_more_often_than_right() -> None:
    truths = [(0, ONE, 0), (1, TWO, 0)]
    said = [(0, ONE, 0.9), (1, TWO, 0.408), (0, TWO, 0.3), (0, (0.75, 0.25, 0.1, 0.1), 0.2)]
    predictions = scene(truths, said)
    assert best_threshold(predictions) == 0.4
    judged = judge_boxes(predictions, 2, best_threshold(predictions))
    assert (judged.threshold, judged.count("found"), judged.count("misnamed")) == (0.4, 2, 0)
    assert best_threshold(scene(truths, said[:1])) == pytest.approx(0.9, abs=0.011)
    assert best_threshold(scene([], said)) == THRESHOLD, "without an object nothing can be told"


def test_no_hundredth_has_a_higher_f1_than_the_best_threshold() -> None:
    """The score of the last right answer lies between two hundredths, and so do many wrong ones just below it."""
    wrong = (0.1, 0.9, 0.05, 0.05)
    said = [(0, ONE, 0.9), (0, TWO, 0.3095), *[(0, wrong, 0.3005 + i / 1000) for i in range(3)]]
    predictions = scene([(0, ONE, 0), (0, TWO, 0)], said)

    def f1(threshold: float) -> float:
        found = judge_boxes(predictions, 2, threshold)
        wrong = sum(found.count(kind) for kind in ("doubled", "misnamed", "background"))
        return 2 * found.count("found") / (2 * found.count("found") + found.count("missed") + wrong)

    best = max(f1(hundredth / 100) for hundredth in range(1, 100))
    assert best == pytest.approx(2 / 3)
    assert f1(best_threshold(predictions)) == best
    assert best_threshold(predictions) == 0.89, "the highest of those that are as good"


def test_without_a_right_answer_the_usual_threshold_stays() -> None:
    assert best_threshold(scene([(0, ONE, 0)], [(0, TWO, 0.9)])) == THRESHOLD


def test_it_survives_json() -> None:
    found = judge_boxes(answers(20), 3)
    assert BoxVerdict.from_dict(json.loads(json.dumps(found.to_dict()))) == found
