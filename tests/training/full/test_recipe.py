"""Recipes: those that ship hold what was published, and a wrong value is found by file, line and key."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.errors import SettingError, UserError
from nas.training.full.recipe import FullRecipe, load_recipe, shipped_recipes

PUBLISHED = {
    "coatnet": {
        "epochs": 300, "batch_size": 4096, "learning_rate": 1e-3, "final_learning_rate": 1e-5, "weight_decay": 0.05,
        "clip": 1, "label_smoothing": 0.1, "drop_path": 0.2, "operations": 2, "magnitude": 15, "mixup": 0.8,
        "cutmix": 0, "erasing": 0, "ema": 0, "warmup": 32,
    },
    "moat": {
        "epochs": 300, "batch_size": 4096, "learning_rate": 3e-3, "final_learning_rate": 1e-5, "weight_decay": 0.05,
        "clip": 1, "label_smoothing": 0.1, "drop_path": 0.2, "operations": 2, "magnitude": 15, "mixup": 0.8,
        "cutmix": 0, "erasing": 0, "ema": 0.9999, "warmup": 32,
    },
    "deit": {
        "epochs": 300, "batch_size": 1024, "learning_rate": 5e-4, "base_batch": 512, "weight_decay": 0.05,
        "warmup": 5, "label_smoothing": 0.1, "drop_path": 0.1, "operations": 2, "magnitude": 9, "mixup": 0.8,
        "cutmix": 1, "erasing": 0.25, "clip": 0, "ema": 0.99996,
    },
}  # fmt: skip


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A file for a recipe of one's own."""
    return tmp_path / "mine.yaml"


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_recipes_that_ship_hold_the_published_values(name: str) -> None:
    found = load_recipe(name).model_dump()
    assert {key: found[key] for key in PUBLISHED[name]} == PUBLISHED[name]
    assert found["balance"] == "none"


def test_ten_thousand_steps_of_warm_up_are_so_many_epochs_of_imagenet() -> None:
    for name in ("coatnet", "moat"):
        recipe = load_recipe(name)
        assert recipe.warmup == round(10_000 / (1_281_167 / recipe.batch_size))


def test_those_that_ship_are_listed_and_say_where_they_come_from() -> None:
    ours = shipped_recipes()
    assert sorted(ours) == ["coatnet", "deit", "detection", "detr", "moat", "small"]
    for name in PUBLISHED:
        assert "https://arxiv.org/abs/" in ours[name].read_text()
    assert load_recipe("small").initial == "scaled"


def test_the_learning_rate_grows_with_the_batch_where_a_recipe_says_for_which_one_it_is() -> None:
    assert load_recipe("deit").peak == pytest.approx(1e-3)
    assert load_recipe("deit", {"batch_size": 512, "accumulate": 1}).peak == pytest.approx(5e-4)
    assert load_recipe("coatnet", {"batch_size": 64, "accumulate": 1}).peak == pytest.approx(1e-3 / 64)
    assert load_recipe("small", {"batch_size": 512}).peak == load_recipe("small").peak


def test_the_learning_rate_never_rises_to_its_end() -> None:
    assert load_recipe("coatnet").end == 1e-5
    small = load_recipe("coatnet", {"batch_size": 16, "accumulate": 1})
    assert small.end == small.peak < 1e-5
    assert load_recipe("small", {"learning_rate": 1e-7}).end == 1e-7


def test_values_are_changed_one_by_one() -> None:
    changed = load_recipe("small", {"epochs": 3, "mirror": "never"})
    assert (changed.epochs, changed.mirror) == (3, "never")
    same = changed.model_dump() | {"epochs": 60, "mirror": "auto", "warmup": 3}
    assert same == load_recipe("small").model_dump()


def test_a_file_of_ones_own_needs_only_what_differs(mine: Path) -> None:
    mine.write_text("# mine\nepochs: 7\nlearning_rate: 1e-4\nmixup: 1\n")
    recipe = load_recipe(mine)
    assert recipe.model_dump() == FullRecipe().model_dump() | {"epochs": 7, "learning_rate": 1e-4, "mixup": 1}
    assert load_recipe(str(mine), {"epochs": 8}).epochs == 8


def test_plain_data_do_too() -> None:
    assert load_recipe({"epochs": 2}, {"mixup": 0.5}) == FullRecipe(epochs=2, mixup=0.5)
    with pytest.raises(SettingError, match=r"recipe: unknown setting 'epoch'. Did you mean 'epochs'?"):
        load_recipe({"epoch": 2})


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("mixp: 0.2", "unknown setting 'mixp'. Did you mean 'mixup'?"),
        ("mixup: -1", "mixup: found -1; write a number from 0 to 100"),
        ("mirror: sometimes", "mirror: found 'sometimes'; write auto, always or never"),
        ("batch_size: 12.5", "batch_size: found 12.5; write a whole number from 2 to 65,536"),
        ("crop: 0", "crop: found 0; write a number above 0, at most 1"),
        ("label_smoothing: 1", "label_smoothing: found 1; write a number from 0, below 1"),
        ("erasing: lots", "erasing: found 'lots'; write a number from 0 to 1"),
        ("accumulate: 5", "--accumulate 5: must divide the batch size 64"),
    ],
)
def test_a_wrong_value_in_a_file_is_found_by_its_line(mine: Path, line: str, said: str) -> None:
    mine.write_text(f"# mine\nepochs: 7\n\n{line}\nema: 0.9\n")
    with pytest.raises(SettingError) as error:
        load_recipe(mine)
    assert str(error.value) == f"{mine}:4: {said}"


def test_a_wrong_change_is_not_blamed_on_the_file(mine: Path) -> None:
    mine.write_text("epochs: 7\n")
    with pytest.raises(SettingError) as error:
        load_recipe(mine, {"epochs": 0})
    assert str(error.value) == "epochs: found 0; write a whole number from 1 to 100,000"
    mine.write_text("epochs: 0\n")
    assert load_recipe(mine, {"epochs": 1}).epochs == 1, "a change mends a file"


@pytest.mark.parametrize("text", ["", "- epochs\n", "epochs\n", "epochs: 1\nepochs: 2\n", "{epochs: 1", "\0"])
def test_what_is_no_recipe_is_refused_with_the_file(mine: Path, text: str) -> None:
    mine.write_text(text)
    with pytest.raises(UserError, match=r"mine\.yaml"):
        load_recipe(mine)


@pytest.mark.parametrize("name", ["smal", "nowhere/mine.yaml", "x" * 5000, "a\0b", "."])
def test_unknown_names_get_the_nearest(name: str) -> None:
    with pytest.raises(SettingError, match="Allowed: coatnet, deit, detection, detr, moat, small"):
        load_recipe(name)
    if name == "smal":
        with pytest.raises(SettingError, match=r"Did you mean 'small'?"):
            load_recipe(name)


@given(st.integers(2, 512), st.integers(1, 64))
def test_the_parts_of_a_step_are_equal(batch: int, parts: int) -> None:
    if batch % parts:
        with pytest.raises(SettingError, match=f"--accumulate {parts}: must divide the batch size {batch}"):
            load_recipe({"batch_size": batch, "accumulate": parts})
    else:
        assert load_recipe({"batch_size": batch, "accumulate": parts}).accumulate == parts


def test_a_file_may_accumulate_in_parts_that_do_not_divide_the_usual_batch(mine: Path) -> None:
    mine.write_text("batch_size: 96\naccumulate: 3\n")
    assert load_recipe(mine).accumulate == 3
    assert load_recipe(mine, {"accumulate": 32}).accumulate == 32
    with pytest.raises(SettingError, match=r"--accumulate 5: must divide the batch size 96"):
        load_recipe(mine, {"accumulate": 5})


@pytest.mark.parametrize(("epochs", "warmup"), [(60, 3), (15, 3), (4, 0.8), (1, 0.2)])
def test_a_training_of_fewer_epochs_warms_up_over_a_fifth_of_it(epochs: int, warmup: float) -> None:
    assert load_recipe("small", {"epochs": epochs}).warmup == pytest.approx(warmup)


def test_a_warm_up_that_is_told_or_written_stands(mine: Path) -> None:
    assert load_recipe("small", {"epochs": 4, "warmup": 3}).warmup == 3
    mine.write_text("epochs: 4\nwarmup: 3")
    assert load_recipe(mine, {}).warmup == 3
