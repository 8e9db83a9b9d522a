"""Folders whose classes are not where they should be, and what is left out of those that are."""

import os
import re

import pytest
from picture_folders import write

from nas.data import load
from nas.data.class_folders import find_classes, find_parts
from nas.data.summary import causes
from nas.data.tree import Tree
from nas.errors import DataError


def laid_out(folder, *places):
    """Make class folders `cat` and `dog`, with an image each, in some places below a folder."""
    for place in places:
        write(folder / place, count=1, side=8)
    return Tree(folder)


def read(tree):
    return find_classes(tree, find_parts(tree))


@pytest.mark.parametrize(
    ("places", "says"),
    [
        (["images"], "lie lower, in {0}/images (cat, dog): write image_folder:{0}/images"),
        (["a/b/Training", "a/b/Testing"], "write image_folder:{0}/a/b"),
        (["train/train", "test/test"], "of {0}/train lie lower, in {0}/train/train (cat, dog): move them up"),
        (
            ["2019", "2020"],
            "2019, 2020 in {0} all hold the same folders (cat, dog), so that they are no classes; if cat",
        ),
        (
            ["bird/train", "bird/test", "owl/train", "owl/test"],
            "the parts come first, then the classes: {0}/train/bird",
        ),
        (["train", "val", "validation"], "both 'val' and 'validation' might be the validation part"),
    ],
)
def test_folders_that_are_no_classes_are_refused_with_the_remedy(tmp_path, places, says):
    with pytest.raises(DataError, match=re.escape(says.format(tmp_path))):
        read(laid_out(tmp_path, *places))


@pytest.mark.parametrize(
    ("places", "classes"),
    [
        (["Train", "Test"], ["cat", "dog"]),
        (["signs_train", "signs_test", "extra"], ["cat", "dog"]),
        (["Train", "other"], ["cat", "dog"]),
        (["bird", "owl/young", "owl/old"], ["bird", "owl"]),
    ],
)
def test_folders_that_are_classes(tmp_path, places, classes):
    assert list(read(laid_out(tmp_path, *places))) == classes


def test_classes_that_each_hold_one_folder_of_images(tmp_path):
    for name in ("n01", "n02"):
        write(tmp_path / name, count=1, side=8)
        (tmp_path / name / "cat").rename(tmp_path / name / "images")
        (tmp_path / name / "dog").rename(tmp_path / name / "images" / "more")
    assert list(read(Tree(tmp_path))) == ["n01", "n02"]


def test_links_are_followed_and_each_folder_is_read_once(tmp_path):
    write(tmp_path / "pool", count=4, side=8)
    folder = write(tmp_path / "set", count=5, side=8)
    (folder / "owl").symlink_to("../pool/cat")
    (folder / "cat" / "sub").mkdir()
    (folder / "cat" / "sub" / "linked").symlink_to("../../../pool/dog")
    (folder / "cat" / "sub" / "up").symlink_to("../..")
    (folder / "cat" / "other class").symlink_to("../dog")
    (folder / "dog" / "again").symlink_to(".")
    data = load(f"image_folder:{folder}", resolution=8)
    assert data.classes == ("cat", "dog", "owl")
    assert [(data.labels == label).sum() for label in range(3)] == [9, 5, 4]
    assert causes(data.skipped) == ["folder that is read elsewhere: 3, the first cat/other class"]


def test_a_folder_that_classes_share_is_read_for_the_one_that_it_lies_in_or_else_the_first(tmp_path):
    pool = write(tmp_path / "pool", count=3, side=8)
    folder = write(tmp_path / "set", count=5, side=8)
    (folder / "owl").symlink_to(pool / "dog")
    write(folder / "dog" / "old", count=1, side=8)
    write(pool / "dog" / "young", count=2, side=8)
    (folder / "cat" / "old").symlink_to("../dog/old")
    (folder / "cat" / "young").symlink_to(pool / "dog" / "young")
    for name in ("dog", "owl"):
        (folder / name / "shared").symlink_to(pool / "cat")
    data = load(f"image_folder:{folder}", resolution=8)
    assert [(data.labels == label).sum() for label in range(3)] == [5, 5 + 2 + 3, 3 + 4]
    assert set(data.skipped) == {
        f"{name} (folder that is read elsewhere)" for name in ("cat/old", "cat/young", "owl/shared")
    }


@pytest.mark.parametrize(("names", "again"), [(["ape"], "ape"), (["emu", "owl"], "owl")])
def test_a_class_that_is_another_by_a_link_is_refused(tmp_path, names, again):
    folder = write(tmp_path / "set", side=8)
    shared = folder / "cat" if len(names) == 1 else write(tmp_path / "pool", side=8)
    for name in names:
        (folder / name).symlink_to(shared)
    says = f"no readable image of '{again}'.* left out there, the first {again} \\(folder that is read elsewhere\\)"
    with pytest.raises(DataError, match=says):
        load(f"image_folder:{folder}")


def test_what_is_left_out_is_counted_by_cause(tmp_path):
    write(tmp_path / "train", count=5, side=8)
    write(tmp_path / "extra", count=1, side=8)
    cat = tmp_path / "train" / "cat"
    for name in ("a.png", "b.png"):
        (cat / name).symlink_to("nowhere")
    (tmp_path / "train" / "owl").symlink_to("owl")
    os.mkfifo(cat / "pipe.png")
    (cat / "empty.jpg").touch()
    (cat / "labels.csv").write_text("a,b")
    (cat / "0.jpg").write_bytes((cat / "0.jpg").read_bytes()[:-40])
    (tmp_path / "train" / "loose.png").write_bytes(b"")
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "1.txt").touch()
    assert set(causes(load(f"image_folder:{tmp_path}", resolution=8).skipped)) == {
        "dead link: 3, the first train/owl",
        "neither file nor folder: train/cat/pipe.png",
        "image in no class: train/loose.png",
        "folder of no part: extra",
        "empty file: train/cat/empty.jpg",
        "no image that Pillow reads: train/cat/labels.csv",
        "damaged image: train/cat/0.jpg",
    }
