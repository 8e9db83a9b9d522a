"""What was drawn on an image: found, twice, by a wrong name, on nothing or in a crowd; and what was missed."""

import numpy as np
import pytest
from drawn_boxes import drawn

from nas.training.boxes.mistakes import Scene, examine

LEFT, RIGHT = (0.25, 0.5, 0.2, 0.2), (0.75, 0.5, 0.2, 0.2)
NONE = [-1.0, 0, 0, 0, 0, 0]
TARGETS = np.array([NONE, [0, *LEFT, 0], [1, *RIGHT, 0], NONE], np.float32)


def seen(*answers: tuple[tuple[float, ...], int, float], targets: np.ndarray = TARGETS, least: float = 0.5) -> Scene:
    """Examine answers: box, class and score."""
    outputs = np.zeros((len(answers), 7), np.float32)
    for query, (box, label, score) in enumerate(answers):
        outputs[query, :4], outputs[query, 4 + label] = box, score
    return examine(outputs, targets, least)


def test_every_kind_of_answer() -> None:
    shifted = (0.26, 0.5, 0.2, 0.2)
    scene = seen(
        (LEFT, 0, 0.7), (shifted, 0, 0.9), (RIGHT, 2, 0.8), ((0.5, 0.1, 0.1, 0.1), 1, 0.6), (RIGHT, 1, 0.4)
    )  # fmt: skip
    kinds = [(answer.kind, answer.truth, round(answer.score, 1)) for answer in scene.answers]
    expected = [("found", 1, 0.9), ("misnamed", 2, 0.8), ("doubled", 1, 0.7), ("background", None, 0.6)]
    assert kinds == expected
    assert scene.missed == (2,)  # its own class was not sure enough
    assert scene.count("doubled") == 1
    assert scene.answers[0].box == pytest.approx(shifted)
    assert scene.answers[0].overlap == pytest.approx(0.19 / 0.21, abs=1e-5)
    assert (scene.answers[1].label, scene.answers[3].overlap) == (2, 0)


def test_lower_scores_show_more() -> None:
    assert seen((RIGHT, 1, 0.4)).missed == (1, 2)
    assert seen((RIGHT, 1, 0.4), least=0.3).missed == (1,)


def test_the_surer_answer_takes_the_box_that_it_overlaps_most() -> None:
    near = np.array([[0, 0.30, 0.5, 0.2, 0.2, 0], [0, 0.25, 0.5, 0.2, 0.2, 0]])
    scene = seen(((0.26, 0.5, 0.2, 0.2), 0, 0.8), ((0.25, 0.5, 0.2, 0.2), 0, 0.9), targets=near)
    assert [(answer.kind, answer.truth) for answer in scene.answers] == [("found", 1), ("found", 0)]
    assert scene.missed == ()


def test_what_lies_in_a_crowd_is_neither_right_nor_wrong() -> None:
    crowd = np.array([[0, 0.5, 0.5, 1, 1, 1], [0, *LEFT, 0]])
    scene = seen((LEFT, 0, 0.9), (RIGHT, 0, 0.8), (RIGHT, 1, 0.7), targets=crowd)
    assert [answer.kind for answer in scene.answers] == ["found", "crowd", "background"]
    assert scene.answers[1].overlap == pytest.approx(1)
    assert scene.missed == ()
    assert seen(targets=crowd).missed == (1,)


def test_an_image_without_objects_and_one_without_answers() -> None:
    scene = seen((LEFT, 0, 0.9), targets=np.array([NONE]))
    assert [answer.kind for answer in scene.answers] == ["background"]
    assert scene.missed == ()
    assert seen() == Scene((), (1, 2))


def test_answers_of_no_area_or_no_number_show_nothing() -> None:
    scene = seen(((0.25, 0.5, 0, 0), 0, 0.9), ((np.nan, 0.5, 0.2, 0.2), 0, 0.8), ((5.0, 5, 1, 1), 1, 0.7))
    assert [answer.kind for answer in scene.answers] == ["background"] * 3
    assert np.isfinite([answer.box for answer in scene.answers]).all()
    assert scene.missed == (1, 2)


@pytest.mark.parametrize("seed", range(5))
def test_every_object_is_found_once_or_missed(seed: int) -> None:
    outputs, targets = (each.numpy() for each in drawn(1, seed))
    scene = examine(outputs[0], targets[0], 0.2)
    found = [answer.truth for answer in scene.answers if answer.kind == "found"]
    rows = np.flatnonzero((targets[0, :, 0] >= 0) & (targets[0, :, 5] == 0))
    assert sorted([*found, *scene.missed]) == rows.tolist()
    for answer in scene.answers:
        assert (answer.truth is None) == (answer.kind == "background")
        if answer.truth is not None:
            assert (targets[0, answer.truth, 0] == answer.label) == (answer.kind != "misnamed")
            assert (targets[0, answer.truth, 5] == 1) == (answer.kind == "crowd")
