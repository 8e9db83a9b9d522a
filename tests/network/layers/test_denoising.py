"""Denoising queries: which noise they have, and who sees whom."""

import torch

from nas.network.layers.denoising import Guides, noised, visible


def targets(*rows: tuple[int, ...]) -> torch.Tensor:
    """An image a row: the class of each of its boxes, -1 for none; all boxes are alike."""
    classes = torch.tensor(rows, dtype=torch.float32)[..., None]
    boxes = torch.tensor([0.5, 0.4, 0.2, 0.3]).expand(*classes.shape[:2], -1)
    return torch.cat([classes, boxes.where(classes >= 0, 0), torch.zeros_like(classes)], dim=-1)


def test_noise_is_as_published_and_follows_the_seed() -> None:
    many = targets((3,) * 2000)
    torch.manual_seed(0)
    first = noised(many, 2, 4)
    torch.manual_seed(0)
    again = noised(many, 2, 4)
    assert first is not None
    assert again is not None
    assert torch.equal(first.boxes, again.boxes)
    assert torch.equal(first.labels, again.labels)
    assert first.boxes.shape == (1, 4000, 4)
    moved = (first.boxes - many[0, 0, 1:5]) / many[0, 0, 3:5].repeat(2)
    limits = torch.tensor([0.2, 0.2, 0.4, 0.4])  # half of the sides for the centre
    assert (moved.abs() <= limits + 1e-5).all()
    torch.testing.assert_close(moved.abs().mean((0, 1)), limits / 2, rtol=0.1, atol=0)
    assert 0.12 < (first.labels != 3).float().mean() < 0.18  # of a fifth redrawn, a fourth is the same again
    assert set(first.labels.unique().tolist()) == {0, 1, 2, 3}


def test_boxes_stay_in_the_image() -> None:
    corner = targets((0,) * 500)
    corner[..., 1:5] = torch.tensor([0.02, 0.98, 0.9, 0.9])
    guides = noised(corner, 1, 2)
    assert guides is not None
    assert 0 <= guides.boxes.min() <= guides.boxes.max() <= 1


def test_guides_are_of_objects_alone() -> None:
    given = targets((1, -1, 2, -1, -1), (-1, -1, 0, -1, -1))
    given[0, 2, 5] = 1  # a crowd
    guides = noised(given, 2, 3)
    assert guides is not None
    assert guides.rows == 3
    assert guides.real.tolist() == [[True, False, False] * 2, [False, False, True] * 2]
    assert guides.labels[~guides.real].unique().tolist() == [3]
    assert guides.boxes[~guides.real].unique().tolist() == [0.5]


def test_nothing_is_made_of_nothing() -> None:
    assert noised(targets((-1, -1), (-1, -1)), 3, 5) is None
    assert noised(torch.empty(2, 0, 6), 3, 5) is None
    assert noised(targets((1, 2)), 0, 5) is None


def test_who_sees_whom() -> None:
    """Two matched queries, then two groups of two; the second image has one object, so half of its guides are none."""
    real = torch.tensor([[True, True, True, True], [True, False, True, False]])
    guides = Guides(torch.zeros(2, 4), torch.zeros(2, 4, 4), real, 2)
    whole = ["110000", "110000", "111100", "111100", "110011", "110011"]
    half = ["110000", "110000", "111000", "111100", "110010", "110011"]
    sees = visible(2, guides)
    assert sees.shape == (2, 1, 6, 6)
    assert ["".join(map(str, row)) for row in sees[0, 0].int().tolist()] == whole
    assert ["".join(map(str, row)) for row in sees[1, 0].int().tolist()] == half
    assert torch.equal(visible(2, guides._replace(real=torch.ones_like(real)))[0], sees[0])
