"""The bundled digits, and those among fragments: what is drawn, from what, and how it is cached."""

import time
from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import RidgeClassifier

from nas.data import load
from nas.data.sets.digits import DEFAULT, Clutter, cluttered_digits, draw

SMALL = Clutter(train=300, validation=150, test=150)


def test_digits_are_the_bundled_ones():
    data = load("digits", seed=3)
    assert data.images.shape == (1797, 1, 8, 8)
    assert (data.images.min(), data.images.max()) == (0, 255)
    assert np.array_equal(np.rint(data.images[:, 0] * (16 / 255)), load_digits().images)
    assert np.array_equal(data.labels, load_digits().target)


def test_the_same_seed_draws_the_same_images():
    first, again, other = (draw(SMALL, seed) for seed in (1, 1, 2))
    for a, b, c in zip(first, again, other, strict=True):
        assert np.array_equal(a.images, b.images)
        assert np.array_equal(a.labels, b.labels)
        assert not np.array_equal(a.images, c.images)


def test_sizes_and_balance():
    data = cluttered_digits(None, seed=0)
    assert [len(part) for part in (data.train, data.validation, data.test)] == [
        DEFAULT.train,
        DEFAULT.validation,
        DEFAULT.test,
    ]
    for part in (data.train, data.validation, data.test):
        counts = np.bincount(data.labels[part])
        assert counts.max() < 1.25 * counts.min()


def plain(clutter: Clutter) -> Clutter:
    """Digits alone, filling the image at full contrast."""
    return replace(clutter, scale=(1, 1), contrast=(1, 1), fragments=0, noise=0, resolution=8)


def test_the_parts_come_from_different_originals():
    parts = draw(plain(Clutter(train=2000, validation=1000, test=1000)), 0)
    seen = [{image.tobytes() for image in part.images} for part in parts]
    assert [len(originals) for originals in seen] == [899, 449, 449]
    assert len(set.union(*seen)) == 1797


def test_a_digit_alone_is_the_original_with_its_label():
    originals = np.rint(load_digits().images * (255 / 16)).astype(np.uint8)
    labels = {image.tobytes(): label for image, label in zip(originals, load_digits().target, strict=True)}
    part = draw(plain(SMALL), 0)[0]
    assert [labels[image.tobytes()] for image in part.images] == part.labels.tolist()


def test_place_and_scale_vary_and_the_digit_stays_inside():
    images = draw(replace(SMALL, fragments=0, noise=0), 0)[0].images[:, 0]
    rows, columns = (images.max(axis) > 40 for axis in (2, 1))
    top, left = rows.argmax(1), columns.argmax(1)
    height = rows.sum(1)
    assert min(np.ptp(top), np.ptp(left)) >= 8
    assert height.max() >= 1.4 * height.min()
    ink = images.reshape(len(images), -1).max(1)
    assert ink.min() > 100
    assert np.ptp(ink) > 80


def test_fragments_and_noise_are_added():
    bare, cluttered = (draw(replace(SMALL, fragments=n, noise=0), 0)[0].images for n in (0, 8))
    lit = [(images > 40).mean() for images in (bare, cluttered)]
    assert lit[1] > 1.4 * lit[0]
    noisy = draw(replace(SMALL, fragments=0, noise=0.2), 0)[0].images
    assert (noisy > 40).mean() > 1.5 * lit[0]


def test_a_linear_model_fails_where_it_reads_plain_digits():
    def accuracy(clutter: Clutter) -> float:
        train, validation, _ = draw(clutter, 0)
        model = RidgeClassifier().fit(train.images.reshape(len(train.images), -1) / 255, train.labels)
        return model.score(validation.images.reshape(len(validation.images), -1) / 255, validation.labels)

    size = replace(SMALL, train=1000)
    assert accuracy(plain(size)) > 0.85
    assert accuracy(replace(size, resolution=16)) < 0.5


def test_the_drawing_takes_seconds():
    start = time.process_time()
    draw(Clutter(), 0)
    assert time.process_time() - start < 10


def test_the_second_time_it_comes_from_the_cache(own_cache):
    first = cluttered_digits(None, seed=0, clutter=SMALL)
    (file,) = own_cache.iterdir()
    kept = {key: value.copy() for key, value in np.load(file).items()}
    kept["train_images"][0] = 77
    np.savez(file, **kept)
    again = cluttered_digits(None, seed=0, clutter=SMALL)
    assert (again.images[0] == 77).all()
    assert np.array_equal(again.images[1:], first.images[1:])
    assert np.array_equal(again.train, first.train)


def test_every_setting_has_its_own_cache(own_cache):
    for clutter in (SMALL, replace(SMALL, fragments=3), replace(SMALL, noise=0.1)):
        cluttered_digits(None, seed=0, clutter=clutter)
    cluttered_digits(None, seed=1, clutter=SMALL)
    cluttered_digits(None, seed=0, clutter=SMALL, resolution=16)
    assert len(list(own_cache.iterdir())) == 5


@pytest.mark.parametrize("damage", ["empty", "truncated", "noise", "flipped", "other arrays"])
def test_a_damaged_cache_is_made_anew(own_cache, damage):
    first = cluttered_digits(None, seed=0, clutter=SMALL)
    (file,) = own_cache.iterdir()
    whole = file.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    if damage == "other arrays":
        np.savez(file, train_images=np.zeros(3))
    else:
        damaged = {"empty": b"", "truncated": whole[: len(whole) // 2], "noise": b"\7" * 999, "flipped": bytes(flipped)}
        file.write_bytes(damaged[damage])
    again = cluttered_digits(None, seed=0, clutter=SMALL)
    assert np.array_equal(again.images, first.images)
    assert list(own_cache.iterdir()) == [file]
    assert file.read_bytes() != (b"" if damage == "empty" else flipped)


def test_an_unwritable_cache_is_no_error(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("NAS_CACHE", str(tmp_path / "file" / "below"))
    assert len(cluttered_digits(None, seed=0, clutter=SMALL).images) == 600
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]
