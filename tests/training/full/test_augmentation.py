"""Augmentation of whole batches: what a recipe asks for and no more, and labels that share as the images do."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from kornia.augmentation.auto import RandAugment
from kornia.augmentation.auto.rand_augment import ops
from torch import Tensor

from nas.training.full.augmentation import Augmentation, Mixing, policy
from nas.training.full.recipe import FullRecipe

PLAIN = FullRecipe(mirror="never")
EVERYTHING = FullRecipe(crop=0.3, mirror="always", operations=3, magnitude=9, erasing=0.5)


def images(count: int = 8, channels: int = 3, side: int = 16, seed: int = 0) -> Tensor:
    return torch.rand(count, channels, side, side, generator=torch.Generator().manual_seed(seed))


def augmented(recipe: FullRecipe, x: Tensor, mirror: bool = True, seed: int = 0) -> Tensor:
    torch.manual_seed(seed)
    y = torch.arange(len(x))
    out, after = Augmentation(recipe, x.shape[2], x.shape[1], mirror)(x, y)
    assert after is y, "labels of whole images stay"
    return out


# ---- images alone


@pytest.mark.parametrize("channels", [1, 3])
def test_a_recipe_without_augmentation_leaves_images_as_they_are(channels: int) -> None:
    x = images(channels=channels)
    assert torch.equal(augmented(PLAIN, x), x)
    assert torch.equal(augmented(FullRecipe(mirror="auto"), x, mirror=False), x)
    assert torch.equal(augmented(FullRecipe(mirror="never", operations=2, magnitude=0), x), x)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("side", [4, 7, 16, 33])
@pytest.mark.parametrize("count", [1, 2, 17, 40])
def test_everything_together_keeps_shape_and_range(channels: int, side: int, count: int) -> None:
    for seed in range(4):
        x = images(count, channels, side, seed)
        before = x.clone()
        found = augmented(EVERYTHING, x, seed=seed)
        assert found.shape == x.shape
        assert found.dtype == torch.float32
        assert 0 <= found.min() <= found.max() <= 1
        assert torch.equal(x, before), "the images of the data set are not touched"


def test_the_same_seed_draws_the_same_and_another_seed_does_not() -> None:
    x = images(20)
    assert torch.equal(augmented(EVERYTHING, x, seed=3), augmented(EVERYTHING, x, seed=3))
    assert not torch.equal(augmented(EVERYTHING, x, seed=3), augmented(EVERYTHING, x, seed=4))


@pytest.mark.parametrize(("how", "data", "expected"), [
    ("auto", True, True), ("auto", False, False), ("always", False, True), ("never", True, False),
])  # fmt: skip
def test_mirroring_obeys_the_recipe_and_then_the_data(how: str, data: bool, expected: bool) -> None:
    x = images(200)
    found = augmented(FullRecipe(mirror=how), x, mirror=data)
    mirrored = (found == x.flip(3)).flatten(1).all(1)
    assert ((found == x).flatten(1).all(1) | mirrored).all()
    assert (60 < mirrored.sum() < 140) if expected else not mirrored.any()


def test_a_crop_shows_at_least_its_share_of_the_area() -> None:
    """Of an image that is a slope, a crop is a slope whose steepness tells how large a part it shows."""
    side = 32
    slope = torch.linspace(0, 1, side).expand(200, 1, side, side).clone()
    found = augmented(FullRecipe(mirror="never", crop=0.5), slope)
    width = found[..., -1].mean((1, 2)) - found[..., 0].mean((1, 2))
    assert width.max() <= 1.01
    assert width.min() > (0.5 * 3 / 4) ** 0.5 - 0.06, "area times the narrowest aspect"
    assert width.std() > 0.03
    up = augmented(FullRecipe(mirror="never", crop=0.5), slope.mT.contiguous())
    height = up[..., -1, :].mean((1, 2)) - up[..., 0, :].mean((1, 2))
    assert (width * height).min() > 0.5 - 0.08, "the same seed draws the same crops"
    assert (width * height).max() > 0.9


def test_the_share_of_images_that_are_erased_is_that_of_the_recipe() -> None:
    x = torch.ones(1000, 1, 16, 16)
    found = augmented(FullRecipe(mirror="never", erasing=0.25), x)
    erased = (found == 0).flatten(1).any(1)
    assert 200 < erased.sum() < 300
    share = (found[erased] == 0).float().flatten(1).mean(1)
    assert share.max() < 0.36
    assert (found[~erased] == 1).all()


# ---- targets that follow their images


def affine(targets: Tensor, moves: Tensor) -> Tensor:
    return targets * moves[:, :, 0] + moves[:, :, 1]


def centre(x: Tensor) -> Tensor:
    """The mean place of the light `(batch, 2)`, as shares of the sides."""
    places = (torch.arange(x.shape[-1]) + 0.5) / x.shape[-1]
    light = x[:, 0] / x[:, 0].sum((1, 2), keepdim=True)
    return torch.stack([(light.sum(1) * places).sum(1), (light.sum(2) * places).sum(1)], 1)


@pytest.mark.parametrize(("recipe", "close"), [
    (FullRecipe(mirror="always"), 1e-6),
    (FullRecipe(mirror="never", crop=0.5), 5e-3),
    (FullRecipe(mirror="always", crop=0.5), 5e-3),
    (FullRecipe(mirror="never", operations=3, magnitude=4), 5e-3),
])  # fmt: skip
def test_targets_go_where_the_pixels_go(recipe: FullRecipe, close: float) -> None:
    """A spot of light, of which no operation may change more than its place and its size, near the middle."""
    where = 0.4 + 0.2 * torch.rand(60, 2, generator=torch.Generator().manual_seed(0))
    places = (torch.arange(48) + 0.5) / 48
    x = torch.exp(-((places[None, :] - where[:, :1]) ** 2)[:, None, :] / 0.004)
    x = (x * torch.exp(-((places[None, :] - where[:, 1:]) ** 2)[:, :, None] / 0.004))[:, None]
    torch.manual_seed(0)
    augment = Augmentation(recipe, 48, 1, True, affine)
    if augment.operations is not None:  # those that change the light would move its mean
        moving = [[("translate_x", -0.2, 0.2)], [("translate_y", -0.2, 0.2)]]
        augment.operations = RandAugment(2, 15, moving)
    out, found = augment(x, where)
    assert found.shape == where.shape
    assert (found - centre(out)).abs().max() < close
    assert (found - where).abs().max() > 0.05, "something moves"


def test_nothing_turns_or_shears_where_targets_follow() -> None:
    names = [name for ((name, *_),) in policy(0.5, 3)]
    straight = [name for ((name, *_),) in policy(0.5, 3, straight=True)]
    assert straight == [name for name in names if name not in ("rotate", "shear_x", "shear_y")]
    every = FullRecipe(operations=14, magnitude=9, mirror="never")
    torch.manual_seed(0)
    augment = Augmentation(every, 16, 1, False, affine)
    out, found = augment(images(40, channels=1), torch.full((40, 2), 0.5))
    assert out.shape == (40, 1, 16, 16)
    assert (found != 0.5).any()


# ---- RandAugment's operations


def test_grey_images_have_no_colour_to_change() -> None:
    names = [name for ((name, *_),) in policy(0.5, 3)]
    assert "color" in names
    assert [name for ((name, *_),) in policy(0.5, 1)] == [name for name in names if name != "color"]


WITHOUT = ("auto_contrast", "equalize", "invert")  # have no strength


def change(place: int, strength: float) -> float:
    """By how much an operation changes an image on average, over both signs."""
    ((name, low, high),) = policy(strength, 3)[place]
    operation = getattr(ops, name)(low, high)
    y, x = torch.meshgrid(torch.linspace(0, 1, 24), torch.linspace(0, 1, 24), indexing="ij")
    waves = torch.stack([(3 * x + y).sin(), (2 * x * y).cos(), (x - 2 * y).cos()]) * 0.35 + 0.5
    waves += 0.1 * torch.rand(3, 24, 24, generator=torch.Generator().manual_seed(0))
    batch = waves.expand(16, 3, 24, 24).contiguous()
    torch.manual_seed(0)
    ranges = operation.magnitude_range
    magnitude = None if ranges is None else torch.full((16,), 0.5 * float(ranges[0] + ranges[1]))
    if name.startswith("translate"):
        magnitude = magnitude * 24
    found = operation(batch, operation.forward_parameters(batch.shape, mag=magnitude))
    return float((found - batch).abs().mean())


@pytest.mark.parametrize("place", range(len(policy(0.5, 3))))
def test_operations_grow_with_the_magnitude(place: int) -> None:
    ((name, *_),) = policy(0.5, 3)[place]
    weak, middle, strong = (change(place, strength) for strength in (0.1, 0.5, 1.0))
    if name in WITHOUT:
        assert weak == middle == strong > 0
    else:
        assert weak <= middle <= strong
        assert strong > max(2 * weak, 0.004)


def test_operations_do_at_magnitude_10_what_the_papers_code_does() -> None:
    ranges = {name: (low, high) for ((name, low, high),) in policy(1.0, 3)}
    assert ranges["rotate"] == (-60, 60), "of which half is taken: 30 degrees"
    assert 180 * ranges["shear_x"][1] / 2 == pytest.approx(torch.tensor(0.3).rad2deg().item())
    assert ranges["translate_x"][1] / 2 == ranges["translate_y"][1] / 2 == 0.45
    torch.manual_seed(0)
    recipe = FullRecipe(mirror="never", operations=1, magnitude=10)
    x = torch.full((16 * 300, 1, 20, 20), 0.6)
    found = augmented(recipe, x, mirror=False)[:, 0, 8:12, 8:12].mean((1, 2))
    expected = [
        0.6,  # turned, sheared, equalised, sharper or softer
        0.45,  # moved by 0.45 of the side, so that nothing is in a quarter of the middle
        0.4,  # inverted, or solarised from 0 on
        144 / 255,  # posterised to four bits
        0.06, 0.15, 1.0,  # a tenth, 0.45 less, and too bright
        0.0,  # what kornia makes of an image without contrast
    ]  # fmt: skip
    nearest = (found[:, None] - torch.tensor(expected)).abs().min(1)
    assert nearest.values.max() < 2e-3
    assert set(nearest.indices.tolist()) == set(range(len(expected))), "all of them are drawn"


# ---- mixup and CutMix


def mixed(recipe: FullRecipe, labels: Tensor, side: int = 8, seed: int = 0, **how: bool) -> tuple[Tensor, Tensor]:
    """Mix constant images whose value is their label's, so that what is in an image can be told from its pixels."""
    torch.manual_seed(seed)
    x = (labels / 10).view(-1, 1, 1, 1).expand(-1, 1, side, side).clone()
    return Mixing(recipe, 10)(x, labels, **how)


def held(image: Tensor) -> Tensor:
    """The mean label of an image's pixels."""
    return 10 * image.mean((1, 2, 3))


@settings(max_examples=60)
@given(
    st.sampled_from([(0.2, 0.0), (1.0, 0.0), (0.0, 0.3), (0.0, 1.0), (0.8, 1.0)]),
    st.lists(st.integers(0, 9), min_size=1, max_size=9),
    st.integers(4, 13),
    st.integers(0, 2**31),
)
def test_labels_share_as_the_pixels_do(how: tuple[float, float], labels: list[int], side: int, seed: int) -> None:
    recipe = FullRecipe(mixup=how[0], cutmix=how[1])
    x, shares = mixed(recipe, torch.tensor(labels), side, seed)
    assert shares.shape == (len(labels), 10)
    assert shares.min() >= 0
    assert torch.allclose(shares.sum(1), torch.ones(len(labels)))
    assert torch.allclose(held(x), shares @ torch.arange(10.0), atol=1e-4)
    assert ((shares > 1e-6).sum(1) <= 2).all()
    assert all(shares[i, label] > 0 or how[1] for i, label in enumerate(labels))


def test_mixup_blends_whole_images_and_cutmix_pastes_a_part() -> None:
    labels = torch.arange(10)
    x, shares = mixed(FullRecipe(mixup=1.0), labels)
    assert (x.flatten(1).std(1) < 1e-6).all()
    assert (shares.max(1).values < 1).any()
    x, shares = mixed(FullRecipe(cutmix=1.0), labels)
    assert torch.equal((10 * x).round() / 10, x), "no pixel is a blend"
    pasted = shares.max(1).values < 1
    assert pasted.any()
    assert (x[pasted].flatten(1).std(1) > 0.01).all()


def test_mixing_may_be_left_out() -> None:
    labels = torch.tensor([3, 1, 4])
    for recipe, how in ((FullRecipe(mixup=0.8, cutmix=1), False), (FullRecipe(), True)):
        x, shares = mixed(recipe, labels, mixing=how)
        assert torch.equal(held(x), held(mixed(FullRecipe(), labels)[0]))
        assert torch.equal(shares, torch.eye(10)[labels])


def test_both_are_drawn_half_of_the_time() -> None:
    mix, labels = Mixing(FullRecipe(mixup=1.0, cutmix=1.0), 10), torch.arange(10)
    x = (labels / 10).view(-1, 1, 1, 1).expand(-1, 1, 8, 8).clone()
    torch.manual_seed(0)
    blends = sum(bool((mix(x, labels)[0].flatten(1).std(1) < 1e-6).all()) for _ in range(300))
    assert 115 < blends < 185


@pytest.mark.parametrize("beta", [0.2, 1.0, 5.0])
@pytest.mark.parametrize("name", ["mixup", "cutmix"])
def test_shares_are_drawn_from_the_beta_distribution_of_the_recipe(name: str, beta: float) -> None:
    labels = torch.arange(10)
    mix = Mixing(FullRecipe(**{name: beta}), 10)
    torch.manual_seed(0)
    x = torch.zeros(10, 1, 64, 64)
    own = torch.cat([mix(x, labels)[1][labels, labels] for _ in range(400)])
    own = own[own < 1]  # without the images that met themselves, a tenth, and pastes of no pixel
    assert own.mean() == pytest.approx(0.5, abs=0.06)
    assert own.std() == pytest.approx((1 / (4 * (2 * beta + 1))) ** 0.5, abs=0.03)


def test_the_same_seed_mixes_the_same() -> None:
    recipe, labels = FullRecipe(mixup=0.8, cutmix=1), torch.arange(10)
    for one, two in zip(mixed(recipe, labels, seed=5), mixed(recipe, labels, seed=5), strict=True):
        assert torch.equal(one, two)
