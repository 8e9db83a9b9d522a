"""What is said of data in a line."""

from nas.data.summary import causes, told


def test_few_classes_are_all_counted():
    data = {"parts": {"train": 1200, "validation": 5, "test": 0}, "classes": ["cat", "dog"], "counts": [5, 1200]}
    assert told(data) == "1,200 + 5 images (train, validation) of 2 classes: cat 5, dog 1,200"


def test_of_many_classes_some_are_named():
    data = {"parts": {"train": 55}, "classes": [*"abcdefghij"], "counts": [3, 2, 1, 4, 5, 6, 9, 8, 7, 10]}
    said = "55 images (train) of 10 classes, from 1 images (class c) to 10 (class j)"
    assert told(data) == said


def test_many_classes_of_one_size_have_no_extremes():
    data = {"parts": {"train": 60_000}, "classes": [*"abcdefghij"], "counts": [6000] * 10}
    assert told(data) == "60,000 images (train) of 10 classes, 6,000 images each"


def test_boxes_are_counted_and_the_images_without_any():
    data = {"parts": {"train": 50, "test": 2}, "classes": ["cell"], "counts": [1200], "bare": 0}
    assert told(data) == "50 + 2 images (train, test) with 1,200 boxes of 1 class: cell 1,200"
    assert told(data | {"bare": 7}).endswith("cell 1,200; 7 images have none")
    many = data | {"classes": [*"abcdefghij"], "counts": [*range(1, 11)], "bare": 1}
    said = "with 55 boxes of 10 classes, from 1 boxes (class a) to 10 (class j); 1 images have none"
    assert told(many).endswith(said)


def test_targets_that_are_no_classes_are_not_counted():
    assert told({"parts": {"train": 3}, "classes": ["angle"], "counts": None}) == "3 images (train)"


def test_causes_are_told_from_brackets_in_names():
    skipped = [
        "a (1).png (damaged image: OSError: cut (3 bytes))",
        "b (copy).png (dead link)",
        "c (d) e.png (dead link)",
        "e (copy: 2).png (dead link)",
        "f (1 (copy: 2)).png (closed file: PermissionError: denied: 'f (1 (copy: 2)).png')",
        "g:).png (closed file: PermissionError: denied: 'g:).png')",
    ]
    assert causes(skipped) == [
        "damaged image: a (1).png",
        "dead link: 3, the first b (copy).png",
        "closed file: 2, the first f (1 (copy: 2)).png",
    ]
