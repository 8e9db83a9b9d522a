"""Images on the training device: their size, their subset, and how they are augmented."""

import numpy as np
import pytest
import torch
from picture_folders import damage, write

from nas.data import load
from nas.data.stored import StoredPictures
from nas.errors import DataError
from nas.training.images import augment, in_memory, load_images
from nas.training.recipe import Recipe

CPU = torch.device("cpu")
QUIET = Recipe(shift=0, cutout=0)


@pytest.fixture(scope="module")
def digits():
    return load("digits")


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


def augmented(x: torch.Tensor, recipe: Recipe, mirror: bool, generator: torch.Generator) -> torch.Tensor:
    """Images alone, of which the targets do not follow."""
    y = torch.arange(len(x))
    x, after = augment(x, y, recipe, mirror, generator)
    assert after is y
    return x


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


def test_mean_and_deviation_are_those_of_all_training_images(digits):
    """They are summed up over some images at a time."""
    images = load_images(digits, CPU)
    assert len(images.train_y) > 1000
    values = images.train_x.double()
    assert float(images.mean) == pytest.approx(float(values.mean()), rel=1e-6)
    assert float(images.std) == pytest.approx(float(values.std()), rel=1e-6)


def test_the_subset_is_the_same_for_a_seed(digits):
    first, again, other = (load_images(digits, CPU, subset=50, seed=seed).train_x for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert len(load_images(digits, CPU, subset=10**6).train_y) == len(digits.train)


# ---- pictures outside memory


@pytest.fixture
def decoded(monkeypatch):
    """The rows that are decoded from now on."""
    rows, read = [], StoredPictures.read
    monkeypatch.setattr(StoredPictures, "read", lambda self, row: rows.append(row) or read(self, row))
    return rows


def test_images_outside_memory_are_the_same_and_no_more_than_asked_for(tmp_path, decoded):
    write(tmp_path, count=15, side=24)
    held, lazy = (load(f"image_folder:{tmp_path}", resolution=16, in_memory=choice) for choice in (True, False))
    expected = load_images(held, CPU, side=12, subset=5, seed=1)
    decoded.clear()
    found = load_images(lazy, CPU, side=12, subset=5, seed=1)
    assert len(decoded) == 5 + len(lazy.validation)
    for field in ("train_x", "train_y", "validation_x", "validation_y", "mean", "std"):
        assert torch.equal(getattr(found, field), getattr(expected, field))


def test_what_a_search_holds_is_what_it_would_decode_again(tmp_path, decoded):
    """Decoded once for all workers, it gives each of them the subset that it would draw."""
    write(tmp_path, count=15, side=24)
    lazy = load(f"image_folder:{tmp_path}", resolution=16, in_memory=False)
    held = in_memory(lazy, subset=5, seed=1)
    decoded.clear()
    again = load_images(held, CPU, subset=5, seed=1)
    assert decoded == []
    assert torch.equal(again.train_x, load_images(lazy, CPU, subset=5, seed=1).train_x)
    assert len(held.test) == 0
    assert in_memory(held) is held


def test_images_that_cannot_be_read_are_left_out_and_named(tmp_path):
    write(tmp_path, count=15, side=24)
    names = [damage(tmp_path / "cat" / f"{i}.jpg") for i in range(8)]
    lazy = load(f"image_folder:{tmp_path}", resolution=16, in_memory=False)
    held = in_memory(lazy)
    assert {text.split()[0] for text in held.skipped} <= set(names)
    assert len(held.labels) == len(lazy.train) + len(lazy.validation) - len(held.skipped)
    assert len(np.intersect1d(held.train, held.validation)) == 0
    images = load_images(lazy, CPU)
    assert images.train_y.tolist() == held.labels[held.train].tolist()
    assert len(images.validation_x) == len(images.validation_y)


def test_a_part_of_which_nothing_can_be_read_is_refused(tmp_path):
    for part in ("train", "val"):
        write(tmp_path / part, count=4, side=24)
    for file in (tmp_path / "val").rglob("*.jpg"):
        damage(file)
    lazy = load(f"image_folder:{tmp_path}", resolution=16, in_memory=False)
    with pytest.raises(DataError, match="no readable image is left of validation; 8 cannot be read, the first val/"):
        load_images(lazy, CPU)


def test_more_than_half_the_memory_is_refused_with_the_remedy(tmp_path, monkeypatch):
    write(tmp_path, count=15, side=24)
    lazy = load(f"image_folder:{tmp_path}", resolution=16, in_memory=False)
    fitting = 8 + len(lazy.validation)
    monkeypatch.setattr("nas.training.images.memory", lambda: 2 * fitting * 3 * 16 * 16)
    assert len(in_memory(lazy, subset=8).labels) == fitting
    with pytest.raises(DataError, match=r"more than the .* that are half of it: write --subset N"):
        in_memory(lazy, subset=9)


# ---- augmentation


def test_without_augmentation_images_stay(generator):
    assert torch.equal(augmented(ramp(), QUIET, False, generator), ramp())


@pytest.mark.parametrize(("how", "allowed", "mirrors"), [("never", True, False), ("always", False, True)])
def test_a_recipe_says_whether_images_are_mirrored(how, allowed, mirrors, generator):
    x = ramp()
    found = augmented(x, QUIET.model_copy(update={"mirror": how}), allowed, generator)
    assert torch.equal(found, x) is not mirrors


def test_mirroring_flips_half_of_the_images_whole(generator):
    x = ramp()
    out = augmented(x, QUIET, True, generator)
    flipped = [torch.equal(a, b.flip(2)) for a, b in zip(out, x, strict=True)]
    same = [torch.equal(a, b) for a, b in zip(out, x, strict=True)]
    assert all(f != s for f, s in zip(flipped, same, strict=True))
    assert 16 < sum(flipped) < 48


def test_a_shift_moves_each_image_by_at_most_so_many_pixels(generator):
    x = ramp()
    out = augmented(x, Recipe(shift=4, cutout=0), False, generator)  # 4 at 32 pixels are 2 at 16
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
    out = augmented(x, Recipe(shift=0, cutout=8), False, generator)  # 8 at 32 pixels are 4 at 16
    for image in out:
        hole = image == 0
        assert torch.equal(hole[0], hole[1])
        rows, columns = hole[0].any(1).nonzero().flatten(), hole[0].any(0).nonzero().flatten()
        assert len(rows) <= 4
        assert len(columns) <= 4
        assert int(hole[0].sum()) == len(rows) * len(columns)
        assert torch.equal(image[~hole], x[0][~hole])
    assert sum(int((image[0] == 0).sum()) == 16 for image in out) > 16, "most lie inside"


@pytest.mark.parametrize(("size", "shape"), [(8, (16, 16)), (10, (16, 16)), (32, (16, 16)), (8, (12, 20))])
def test_a_cutout_is_as_likely_at_either_edge(size, shape, generator):
    """Its middle is any pixel; that of an even square lies between two, or at an edge."""
    x = torch.ones(20_000, 1, *shape)
    hidden = (augmented(x, Recipe(shift=0, cutout=size), False, generator) == 0).float().mean(0)[0]
    side = round(size * shape[1] / 32)
    rows, columns = (
        torch.tensor(
            [sum(0 <= i - middle + side // 2 < side for middle in range(places)) / places for i in range(length)]
        )
        for length, places in ((length, length + 1 - side % 2) for length in shape)
    )
    assert torch.allclose(rows, rows.flip(0))
    assert torch.allclose(hidden, torch.outer(rows, columns), atol=0.02)


def test_augmentation_follows_its_generator():
    recipe = Recipe(shift=4, cutout=8)
    draws = [augmented(ramp(), recipe, True, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])


def places(x: torch.Tensor) -> torch.Tensor:
    """Where each image's one bright pixel is, as shares of the sides `(batch, 2)`, nan where it has gone."""
    found = torch.full((len(x), 2), torch.nan)
    for i, image in enumerate(x[:, 0]):
        for row, column in (image > 0.5).nonzero().tolist():
            found[i] = torch.tensor([(column + 0.5) / x.shape[3], (row + 0.5) / x.shape[2]])
    return found


@pytest.mark.parametrize(("mirror", "recipe"), [(True, QUIET), (False, Recipe(shift=6)), (True, Recipe(shift=6))])
def test_targets_go_where_the_pixels_go(mirror: bool, recipe: Recipe, generator: torch.Generator) -> None:
    rows, columns = torch.randint(16, (2, 80), generator=generator)
    x = torch.zeros(80, 1, 16, 16)
    x[torch.arange(80), 0, rows, columns] = 1.0

    def follow(targets: torch.Tensor, moves: torch.Tensor) -> torch.Tensor:
        return targets * moves[:, :, 0] + moves[:, :, 1]

    out, found = augment(x, places(x), recipe, mirror, generator, follow)
    seen = places(out)
    there = ~seen.isnan().any(1)
    assert torch.allclose(found[there], seen[there], atol=1e-6)
    assert there.sum() > 50
    assert not torch.equal(seen[there], places(x)[there])
    outside = ((found < 0) | (found > 1)).any(1)
    assert torch.equal(outside, ~there), "what is filled in shows nothing twice"
