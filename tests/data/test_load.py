"""`load` and `parse`: the name, the path, the division into parts."""

import numpy as np
import pytest
import torch
from boxed_folders import coco_file
from PIL import Image

from nas.data import load, parse, same
from nas.data.sets import Split, assemble
from nas.errors import DataError
from nas.training.model import preprocess, scaled


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("cifar-10:/x", "Did you mean 'cifar10'"),
        ("", "unknown data set ''"),
        ("_base", "unknown data set"),
        ("digits:/some/where", "takes no path"),
        ("cluttered_digits:x", "takes no path"),
        ("cifar10", "cifar10:PATH"),
        ("npz:", "npz:PATH"),
        ("npz:~no_such_person/x.npz", "without '~'"),
    ],
)
def test_a_wrong_spec_is_refused_with_the_remedy(spec, says):
    with pytest.raises(DataError, match=says):
        parse(spec)


def test_a_path_may_hold_colons_and_a_home():
    assert str(parse("npz:/a:b/c.npz")[1]) == "/a:b/c.npz"
    assert "~" not in str(parse("npz:~/c.npz")[1])


@pytest.mark.parametrize("name", ["cifar10", "coco", "fashion_mnist", "image_folder", "mnist", "npz", "voc"])
@pytest.mark.parametrize("path", ["no/such/place", "x" * 5000, "a\0b"])
def test_a_missing_path_is_named(name, path, tmp_path):
    with pytest.raises(DataError, match=f"^{name}: .*Write {name}:PATH"):
        load(f"{name}:{tmp_path / path}")


def test_any_file_of_a_set_of_several_names_all_of_it(tmp_path):
    train, valid = (
        f"coco:{coco_file(tmp_path / 'animals' / part / '_annotations.coco.json')}" for part in ("train", "valid")
    )
    (tmp_path / "link.json").symlink_to(valid.partition(":")[2])
    (tmp_path / "home").symlink_to(tmp_path / "animals")
    assert same(train, valid)
    assert same(f"coco:{tmp_path / 'link.json'}", train)
    assert same(f"coco:{tmp_path / 'home' / 'valid' / '..' / 'valid' / '_annotations.coco.json'}", train)
    other = coco_file(tmp_path / "others" / "train" / "_annotations.coco.json")
    assert not same(f"coco:{other}", train)
    assert not same(f"coco:{tmp_path / 'gone.json'}", f"coco:{'x' * 5000}")
    for part in ("train", "val"):
        np.savez(tmp_path / f"{part}.npz", x=np.zeros((1, 2, 2)), y=[0])
    assert not same(f"npz:{tmp_path / 'train.npz'}", f"npz:{tmp_path / 'val.npz'}"), "each is a set of its own"


def test_a_folder_without_its_kind_is_told_what_to_write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    with pytest.raises(DataError, match=r"'photos': is a folder; say of which kind, such as image_folder:photos if"):
        load("photos")


@pytest.mark.parametrize("name", ["cifar10", "fashion_mnist", "image_folder", "voc"])
def test_a_file_is_no_folder(name, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="should be a folder, but a file lies there"):
        load(f"{name}:{tmp_path / 'file'}")


def test_a_folder_is_no_archive(tmp_path):
    with pytest.raises(DataError, match="should be a file, but a folder lies there"):
        load(f"npz:{tmp_path}")


@pytest.mark.parametrize("resolution", [0, -8, 100_000, "16", 16.5])
def test_a_senseless_resolution_is_refused(resolution):
    with pytest.raises(DataError, match="write 1 to 2048"):
        load("digits", resolution=resolution)


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, None])
def test_a_seed_that_no_data_are_divided_by_is_refused(seed):
    with pytest.raises(DataError, match=r"data set 'digits': seed .* is not allowed; write 0 to 4294967295"):
        load("digits", seed=seed)


def labelled(*counts: int, side: int = 4) -> Split:
    labels = np.repeat(np.arange(len(counts)), counts)
    return Split(np.broadcast_to(labels.astype(np.uint8)[:, None, None, None], (len(labels), 1, side, side)), labels)


def divide(train, validation=None, test=None, *, seed=0, classes=3):
    names = tuple("abcdefgh"[:classes])
    return assemble("set", names, train, validation, test, seed=seed, resolution=None, mirror=True)


def test_parts_are_stratified_disjoint_and_complete():
    data = divide(labelled(100, 50, 10))
    parts = (data.train, data.validation, data.test)
    assert sorted(np.concatenate(parts).tolist()) == list(range(160))
    assert [np.bincount(data.labels[part]).tolist() for part in parts] == [[60, 30, 6], [20, 10, 2], [20, 10, 2]]


def test_the_seed_decides_the_split():
    rows = [divide(labelled(50, 50, 50), seed=seed).train.tolist() for seed in (1, 1, 2)]
    assert rows[0] == rows[1] != rows[2]


@pytest.mark.parametrize("given", ["validation", "test"])
def test_a_part_that_is_given_stays_whole(given):
    data = divide(labelled(10, 10, 10), **{given: labelled(7, 7, 7)})
    assert getattr(data, given).tolist() == list(range(30, 51))
    assert len(data.train) == 24
    assert len(data.validation) + len(data.test) == 27


def test_three_images_a_class_are_enough():
    data = divide(labelled(3, 3, 3))
    for part in (data.train, data.validation, data.test):
        assert set(data.labels[part]) == {0, 1, 2}


def test_a_rare_class_keeps_a_training_image():
    data = divide(labelled(1000, 1000, 3))
    assert 2 in data.labels[data.train]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("counts", "given"), [([3] * 7 + [50], {}), ([2] * 7 + [40], {"test": [1] * 8})])
def test_rare_classes_are_in_every_part_that_is_cut(counts, given, seed):
    data = divide(labelled(*counts), **{part: labelled(*some) for part, some in given.items()}, seed=seed, classes=8)
    parts = (data.train, data.validation, data.test)
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(data.labels)))
    for part in parts:
        counted = np.bincount(data.labels[part], minlength=8)
        assert counted.min() >= 1
        assert counted[:7].tolist() == [1] * 7


def test_parts_that_held_every_class_are_cut_as_they_were():
    """Runs are sealed with their parts, of scikit-learn's cut."""
    data = divide(labelled(20, 14, 6), seed=3)
    assert data.validation.tolist() == [5, 12, 13, 14, 26, 27, 29, 37]
    assert data.test.tolist() == [0, 3, 8, 10, 21, 28, 30, 35]


def test_a_class_with_too_few_images_is_named():
    with pytest.raises(DataError, match=r"'b' has 2; each class needs at least 3"):
        divide(labelled(9, 2, 9))


def test_a_class_that_only_the_test_part_has_is_refused():
    with pytest.raises(DataError, match="'c' has 0"):
        divide(labelled(9, 9), test=labelled(3, 3, 3))


def test_one_class_is_refused():
    with pytest.raises(DataError, match="at least 2"):
        divide(labelled(9), classes=1)


@pytest.mark.parametrize(("shape", "channels"), [((6, 10), 3), ((31, 12), 1), ((40, 21), 3)])
@pytest.mark.parametrize("resolution", [None, 8, 32])
def test_of_oblong_images_the_middle_square_is_taken_as_a_model_takes_it(shape, channels, resolution):
    images = np.random.default_rng(0).integers(0, 256, (9, channels, *shape), dtype=np.uint8)
    labels = np.arange(9) % 3
    data = assemble("set", ("a", "b", "c"), Split(images, labels), seed=0, resolution=resolution, mirror=True)
    assert data.resolution == (resolution or min(shape))
    pictures = [Image.fromarray(image.transpose(1, 2, 0).squeeze()) for image in images]
    seen, _ = preprocess(pictures, data.resolution, channels)
    assert np.array_equal(seen.numpy(), scaled(torch.from_numpy(data.images)).numpy())


def test_square_images_are_scaled_as_ever():
    images = np.random.default_rng(0).integers(0, 256, (9, 1, 13, 13), dtype=np.uint8)
    own = assemble("set", ("a", "b"), Split(images, np.arange(9) % 2), seed=0, resolution=None, mirror=True)
    assert np.array_equal(own.images, images)
    larger = assemble("set", ("a", "b"), Split(images, np.arange(9) % 2), seed=0, resolution=20, mirror=True).images
    plain = [Image.fromarray(image[0]).resize((20, 20), Image.Resampling.BICUBIC) for image in images]
    assert np.array_equal(larger[:, 0], np.array(plain))


def test_resizing_is_antialiased():
    checkers = np.indices((64, 64)).sum(0) % 2 * 255
    images = np.broadcast_to(checkers.astype(np.uint8), (9, 1, 64, 64))
    data = assemble("set", ("a", "b"), Split(images, np.arange(9) % 2), seed=0, resolution=8, mirror=True)
    assert data.images.shape[2:] == (8, 8)
    assert np.abs(data.images.astype(int) - 127).max() < 16  # a plain pick of pixels gives 0 or 255


@pytest.mark.parametrize("spec", ["digits", "cluttered_digits"])
@pytest.mark.parametrize("resolution", [None, 20])
def test_what_ships_loads(spec, resolution):
    data = load(spec, resolution=resolution)
    assert data.name == spec
    assert data.channels == 1
    assert data.resolution == (resolution or {"digits": 8, "cluttered_digits": 32}[spec])
    assert len(data.classes) == 10
    assert not data.mirror
