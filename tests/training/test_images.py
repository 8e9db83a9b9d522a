"""Images on the training device: their size, their subset, and how they are augmented."""

import pytest
import torch

from nas.data import load
from nas.training.images import augment, load_images
from nas.training.recipe import Recipe

CPU = torch.device("cpu")
QUIET = Recipe(shift=0, cutout=0)


@pytest.fixture(scope="module")
def digits():
    return load("digits")


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


def ramp(batch: int = 64, side: int = 16, channels: int = 3) -> torch.Tensor:
    """Images in which every pixel differs and none is 0."""
    pixels = torch.arange(1, channels * side * side + 1, dtype=torch.float32)
    return pixels.view(1, channels, side, side).repeat(batch, 1, 1, 1)


def test_images_are_resized_subsampled_and_normalised(digits):
    images = load_images(digits, CPU, side=12, subset=100, seed=1)
    assert images.train_x.shape == (100, 1, 12, 12)
    assert images.train_x.dtype == torch.uint8
    assert images.resolution == 12
    assert len(images.validation_y) == len(digits.validation)
    x = images.normalise(images.train_x)
    assert float(x.mean()) == pytest.approx(0, abs=1e-4)
    assert float(x.std()) == pytest.approx(1, abs=1e-3)
    assert x.is_contiguous(memory_format=torch.channels_last)


def test_the_subset_is_the_same_for_a_seed(digits):
    first, again, other = (load_images(digits, CPU, subset=50, seed=seed).train_x for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert len(load_images(digits, CPU, subset=10**6).train_y) == len(digits.train)


# ---- augmentation


def test_without_augmentation_images_stay(generator):
    assert torch.equal(augment(ramp(), QUIET, False, generator), ramp())


def test_mirroring_flips_half_of_the_images_whole(generator):
    x = ramp()
    out = augment(x, QUIET, True, generator)
    flipped = [torch.equal(a, b.flip(2)) for a, b in zip(out, x, strict=True)]
    same = [torch.equal(a, b) for a, b in zip(out, x, strict=True)]
    assert all(f != s for f, s in zip(flipped, same, strict=True))
    assert 16 < sum(flipped) < 48


def test_a_shift_moves_each_image_by_at_most_so_many_pixels(generator):
    x = ramp()
    out = augment(x, Recipe(shift=4, cutout=0), False, generator)  # 4 at 32 pixels are 2 at 16
    moves = set()
    for image in out:
        inner = image[:, 4:12, 4:12]
        found = [(dy, dx) for dy in range(-2, 3) for dx in range(-2, 3)
                 if torch.equal(inner, x[0, :, 4 + dy : 12 + dy, 4 + dx : 12 + dx])]  # fmt: skip
        assert len(found) == 1
        moves |= set(found)
        assert set(image.flatten().tolist()) <= set(x[0].flatten().tolist()), "what comes in is a reflection"
    assert len(moves) > 15


def test_a_cutout_is_one_square_of_the_mean(generator):
    x = ramp()
    out = augment(x, Recipe(shift=0, cutout=8), False, generator)  # 8 at 32 pixels are 4 at 16
    for image in out:
        hole = image == 0
        assert torch.equal(hole[0], hole[1])
        rows, columns = hole[0].any(1).nonzero().flatten(), hole[0].any(0).nonzero().flatten()
        assert len(rows) <= 4
        assert len(columns) <= 4
        assert int(hole[0].sum()) == len(rows) * len(columns)
        assert torch.equal(image[~hole], x[0][~hole])
    assert sum(int((image[0] == 0).sum()) == 16 for image in out) > 16, "most lie inside"


def test_augmentation_follows_its_generator():
    recipe = Recipe(shift=4, cutout=8)
    draws = [augment(ramp(), recipe, True, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])
