"""The recipe of a short training that compares networks."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from nas.errors import SettingError
from nas.settings import Flag, Positive, Settings, Share

Mirror = Annotated[Literal["auto", "always", "never"], Flag("HOW", "auto (as the data allow), always, never.")]
"""Whether images are mirrored, half of the times that each is seen."""


class Recipe(Settings):
    """AdamW with a learning rate that rises, stays and falls, short enough to run hundreds of times.

    `subset` is the number of training images, `validation` that of the images by which networks are compared (None:
    all). `shift` and `cutout` are pixels of a 32-pixel image and grow with the resolution. `initial` weights are the
    papers' or scaled to narrow widths, for short trainings. `warmup` is the share of the recipe's steps over which the
    learning rate rises, `fall` that of all over which it falls; `clip` bounds the gradient's norm, `drop_path` is the
    last block's rate.
    """

    epochs: Annotated[int, Field(ge=1, le=10_000), Flag("N", "Passes over the training images.")] = 1
    batch_size: Annotated[int, Field(ge=2, le=65_536), Flag("N", "Images a step.")] = 16
    learning_rate: Annotated[Positive, Flag("X", "Peak learning rate, after the warm-up.")] = 2e-3
    weight_decay: Annotated[float, Field(ge=0, le=10)] = 0.05
    warmup: Share = 0.2
    fall: Annotated[Positive, Field(lt=1)] = 0.3
    label_smoothing: Share = 0.1
    clip: Positive = 1.0
    drop_path: Share = 0.0
    shift: Annotated[int, Field(ge=0, le=32)] = 2
    cutout: Annotated[int, Field(ge=0, le=64)] = 0
    subset: Annotated[int | None, Field(ge=2), Flag("N", "Training images used.", default="all")] = None
    validation: Annotated[int | None, Field(ge=2), Flag("N", "Validation images used.", default="all")] = None
    mirror: Mirror = "auto"
    initial: Literal["paper", "scaled"] = "scaled"

    @model_validator(mode="after")
    def _in_turn(self) -> "Recipe":
        if self.warmup + self.fall > 1:
            raise SettingError(f"recipe: warmup {self.warmup:g} and fall {self.fall:g} are more than the whole")
        return self


def mirrored(how: Mirror, allowed: bool) -> bool:
    """Tell whether images are mirrored, where it is `allowed` as a mirrored one keeps its label."""
    return how == "always" or (how == "auto" and allowed)
