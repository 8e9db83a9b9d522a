"""Recipes of full trainings: those that ship, as YAML, and files of one's own."""

import os
from collections.abc import Mapping
from importlib.resources import files as resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from nas.document import read
from nas.errors import SettingError, UserError, brief
from nas.files import Json
from nas.registry import suggest
from nas.settings import Flag, Group, Positive, refusal, understood
from nas.training.recipe import Mirror

Rate = Annotated[float, Field(ge=0, le=1)]
Part = Annotated[float, Field(ge=0, lt=1)]
WARMEST = 0.2  # the share of a training whose epochs were changed that its warm-up takes at most, unless changed too


class FullRecipe(Group):
    """AdamW with warm-up and cosine decay, augmentation, regularisation and averaged weights.

    A step takes `batch_size` images, in `accumulate` parts one after the other. `learning_rate` is the peak, for
    batches of `base_batch` and in proportion for others, or as it stands without; it falls to `final_learning_rate`.
    Stem and stages take `backbone_rate` times as much. `warmup` and `plain` are in epochs: the last `plain` of them go
    without mixup and cutmix.

    `crop` is the least share of an image's area that a random resized crop takes, 1 for none. `magnitude` is on the
    scale to 10 of the papers; `operations` are those of RandAugment an image, 0 for none. `mixup` and `cutmix` are the
    parameters of their beta distributions, 0 for none; with both, each is drawn half of the time.

    `ema` is the decay of the averaged weights, 0 for none. `balance` weighs the loss, or draws the images, so that
    each class counts alike. `teaching` is the share of the loss that a teacher has, at its `temperature`.
    """

    panel = "What to change of the recipe"

    epochs: Annotated[int, Field(ge=1, le=100_000), Flag("N", "Passes over the training images.")] = 100
    batch_size: Annotated[int, Field(ge=2, le=65_536), Flag("N", "Images a step of the optimiser.")] = 64
    accumulate: Annotated[int, Field(ge=1, le=4096), Flag("N", "Parts of a step, one after the other.")] = 1
    learning_rate: Annotated[Positive, Flag("X", "Peak learning rate, after the warm-up.")] = 2e-3
    base_batch: Annotated[int | None, Field(ge=1), Flag("N", "Batch that the learning rate is for.")] = None
    backbone_rate: Annotated[Rate, Flag("X", "Learning rate of stem and stages, as a multiple.")] = 1.0
    final_learning_rate: Annotated[float, Field(ge=0), Flag("X", "Learning rate that it falls to.")] = 1e-5
    warmup: Annotated[float, Field(ge=0, le=10_000), Flag("EPOCHS", "Linear rise of the learning rate.")] = 5.0
    weight_decay: Annotated[float, Field(ge=0, le=10), Flag("X", "Of kernels and matrices only.")] = 0.05
    clip: Annotated[float, Field(ge=0), Flag("X", "Bound of the gradient's norm; 0: none.")] = 1.0
    label_smoothing: Annotated[Part, Flag("X", "Share of each target given to all classes.")] = 0.1
    drop_path: Annotated[Part, Flag("X", "Rate of the last block, rising with depth.")] = 0.0
    crop: Annotated[float, Field(gt=0, le=1), Flag("X", "Least area of a random resized crop; 1: none.")] = 1.0
    mirror: Mirror = "auto"
    operations: Annotated[int, Field(ge=0, le=14), Flag("N", "RandAugment's operations an image.")] = 0
    magnitude: Annotated[float, Field(ge=0, le=30), Flag("X", "RandAugment's strength, to 10.")] = 9.0
    erasing: Annotated[Rate, Flag("X", "Share of the images with a part erased.")] = 0.0
    mixup: Annotated[float, Field(ge=0, le=100), Flag("X", "Mixup's beta; 0: none.")] = 0.0
    cutmix: Annotated[float, Field(ge=0, le=100), Flag("X", "CutMix's beta; 0: none.")] = 0.0
    plain: Annotated[float, Field(ge=0, le=10_000), Flag("EPOCHS", "Last epochs without mixing.")] = 0.0
    ema: Annotated[Part, Flag("X", "Decay of the averaged weights; 0: none.")] = 0.0
    balance: Annotated[
        Literal["none", "weights", "sampling"], Flag("HOW", "none, weights or sampling, for unequal classes.")
    ] = "none"
    initial: Annotated[Literal["paper", "scaled"], Flag("HOW", "The papers' weights, or scaled to small widths.")] = (
        "paper"
    )
    precision: Annotated[
        Literal["auto", "float32", "bfloat16"], Flag("NAME", "auto: bfloat16 on a GPU and a processor with AMX.")
    ] = "auto"
    teaching: Annotated[Rate, Flag("X", "The teacher's share of the loss.")] = 0.5
    temperature: Annotated[Positive, Flag("X", "Temperature that softens teacher's and student's logits.")] = 2.0

    @model_validator(mode="after")
    def _parts(self) -> "FullRecipe":
        if self.batch_size % self.accumulate:
            raise SettingError(f"--accumulate {self.accumulate}: must divide the batch size {self.batch_size}")
        return self

    @property
    def peak(self) -> float:
        """The peak learning rate for this batch size."""
        return self.learning_rate * (self.batch_size / self.base_batch if self.base_batch else 1)

    @property
    def end(self) -> float:
        """The learning rate at the end, which is never above the peak."""
        return min(self.final_learning_rate, self.peak)

    @property
    def calmer(self) -> str:
        """The sentence that says which values to change where a training diverges."""
        return (
            f"Lower the learning rate (--learning-rate, now {self.learning_rate:g}), lengthen the warm-up (--warmup, "
            f"now {self.warmup:g} epochs) or bound the gradients (--clip, now {self.clip or 'none'})"
        )


def shipped_recipes() -> dict[str, Path]:
    """Return the files of the recipes that ship, by name."""
    folder = Path(str(resources("nas.training"))) / "recipes"
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def changed(recipe: FullRecipe, name: str) -> Json:
    """Return the values that differ from those of the recipe `name`, but for the epochs; of one of its own, none."""
    if name not in shipped_recipes():
        return {}
    shipped = load_recipe(name, {"epochs": recipe.epochs})
    return {key: value for key, value in recipe if value != getattr(shipped, key)}


def load_recipe(
    source: str | Path | Mapping[str, Any] | FullRecipe, changes: Mapping[str, Any] | None = None
) -> FullRecipe:
    """Load a recipe by the name of one that ships, from a file, or from plain data, with some values changed.

    Where the epochs are changed and the warm-up is not, it takes a fifth of them at most.

    Raises SettingError, with file, line, key and remedy, for unknown names and for values that are not allowed.
    """
    if not isinstance(changes, Mapping | None):
        raise SettingError(f"changes: found {brief(changes)}; write settings by their names: {{'epochs': 30}}")
    changes = understood(changes or {}, FullRecipe)
    recipe = _load(source, changes)
    if "epochs" in changes and "warmup" not in changes and recipe.warmup > WARMEST * recipe.epochs:
        return recipe.model_copy(update={"warmup": WARMEST * recipe.epochs})
    return recipe


def _load(source: str | Path | Mapping[str, Any] | FullRecipe, changes: Mapping[str, Any]) -> FullRecipe:
    if isinstance(source, FullRecipe):
        source = source.model_dump(exclude_unset=True)  # as a file leaves out what the defaults say
    if isinstance(source, Mapping):
        return _checked({**understood(source, FullRecipe), **changes}, "recipe")
    ours = shipped_recipes()
    path = ours.get(str(source), Path(source))
    if not os.path.isfile(path):  # noqa: PTH113  (pathlib raises for names that are too long)
        raise SettingError(f"no recipe '{source}', nor a file of that name. {suggest(str(source), ours)}")
    document = read(path)
    if not isinstance(document.value, dict):
        raise SettingError(f"{path}: a recipe is a list of settings such as 'epochs: 100'")
    lines = {str(key[0]): line for key, line in document.lines.items() if len(key) == 1 and key[0] not in changes}
    return _checked({**document.value, **changes}, str(path), lines)


def _checked(values: Mapping[str, Any], source: str, lines: Mapping[str, int] | None = None) -> FullRecipe:
    """Check a recipe's values, of which `lines` tells where in a file they stand, unless they are changes to it."""
    try:
        return FullRecipe.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"]))
        line = (lines or {}).get(str(first["loc"][0]) if first["loc"] else "accumulate")
        where = f"{source}:{line}: " if line else f"{source}: " if lines is None else ""
        cause = first.get("ctx", {}).get("error")
        if isinstance(cause, UserError):
            raise SettingError(f"{where}{cause}") from None
        if first["type"] == "extra_forbidden":
            raise SettingError(f"{where}unknown setting '{key}'. {suggest(key, FullRecipe.model_fields)}") from None
        raise SettingError(f"{where}{refusal(first, FullRecipe)}") from None
