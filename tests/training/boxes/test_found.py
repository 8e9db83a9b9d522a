"""Boxes in a picture's own pixels: those of its upper left share of the square, the surest first."""

import pytest
import torch

from nas.training.boxes.found import Box, Place, boxes_in

NAMES = ("cat", "dog")


def outputs(*rows: tuple[float, ...]) -> torch.Tensor:
    return torch.tensor([rows])


def test_boxes_come_back_to_the_pixels_of_a_wide_picture() -> None:
    answers = outputs((0.5, 0.25, 0.5, 0.25, 0.1, 0.9), (0.25, 0.1, 0.1, 0.1, 0.6, 0.2))
    (found,) = boxes_in(answers, [Place((400, 200), (1.0, 0.5))], NAMES)
    first, second = found
    assert (first.name, second.name) == ("dog", "cat")
    assert first.score == pytest.approx(0.9)
    assert first.corners == pytest.approx((100, 50, 300, 150))
    assert second.corners == pytest.approx((80, 20, 120, 60))


def test_what_lies_on_the_grey_is_cut_off() -> None:
    (found,) = boxes_in(outputs((0.4, 0.5, 0.4, 1.0, 0.9, 0)), [Place((100, 200), (0.5, 1.0))], NAMES)
    assert found == [Box("cat", pytest.approx(0.9), *map(pytest.approx, (40, 0, 100, 200)))]


def test_what_lies_all_on_the_grey_is_left_out() -> None:
    answers = outputs((0.5, 0.75, 0.4, 0.2, 0.9, 0), (0.2, 0.2, 0.2, 0.2, 0, 0.8))
    (found,) = boxes_in(answers, [Place((200, 100), (1.0, 0.5))], NAMES)
    assert [box.name for box in found] == ["dog"]


def test_a_query_finds_one_class_and_the_threshold_belongs_to_what_is_found() -> None:
    place = Place((10, 10), (1.0, 1.0))
    answers = outputs((0.5, 0.5, 1, 1, 0.5, 0.75), (0.5, 0.5, 1, 1, 0.5, 0.25), (0.5, 0.5, 1, 1, 0.49, 0.1))
    assert [box.name for box in boxes_in(answers, [place], NAMES)[0]] == ["dog", "cat"]
    assert [box.name for box in boxes_in(answers, [place], NAMES, 0.6)[0]] == ["dog"]
    assert boxes_in(answers, [place], NAMES, 0.8) == [[]]
