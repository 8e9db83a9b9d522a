import numpy as np

from nas.report.confusion import pairs, recalls

TABLE = [[8, 2, 0, 0], [1, 3, 0, 0], [0, 0, 0, 0], [5, 5, 0, 90]]


def test_recalls_are_the_worst_first_and_classes_without_images_last():
    found = recalls(TABLE)
    assert [one.label for one in found] == [1, 0, 3, 2]
    assert [one.share for one in found] == [0.75, 0.8, 0.9, None]
    assert [(one.right, one.images, one.claimed) for one in found] == [
        (3, 4, 10),
        (8, 10, 14),
        (90, 100, 90),
        (0, 0, 0),
    ]
    assert [one.precision for one in found] == [0.3, 8 / 14, 1.0, None]
    assert (found[0].rival, found[0].lost) == (0, 1)


def test_of_equally_bad_classes_the_larger_comes_first():
    assert [one.label for one in recalls([[1, 1, 0], [2, 2, 0], [0, 0, 9]])] == [1, 0, 2]


def test_pairs_are_sorted_by_images_then_by_share_without_right_answers():
    found = pairs(TABLE, 10)
    assert [(p.label, p.predicted, p.count, p.images) for p in found] == [
        (3, 0, 5, 100), (3, 1, 5, 100), (0, 1, 2, 10), (1, 0, 1, 4),
    ]  # fmt: skip
    assert pairs([[0, 3, 0], [0, 3, 3], [0, 0, 1]], 10)[0].label == 0  # three of three before three of six
    assert len(pairs(TABLE, 2)) == 2
    assert pairs(np.eye(3, dtype=int).tolist(), 5) == []
