"""Whether an exported network still computes what the model computes."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from nas.errors import RunError, in_one_line
from nas.training.model import Model

BATCHES = (1, 2, 5)
LARGEST = 1e-4
"""The largest allowed difference between two outputs."""


def compare(
    model: Model,
    run: Callable[[Tensor], Tensor],
    sizes: Sequence[tuple[int, int]] = (),
    *,
    largest: float = LARGEST,
    by: str = "",
) -> str:
    """Compare outputs at three batch sizes, on images of noise, and say the largest difference.

    `sizes` are the images' heights and widths, those of the training by default. `by` names what runs the exported
    network. Raises RunError when it fails, and for a difference over `largest`.
    """
    side = model.architecture.resolution
    worst = 0.0
    for size in sizes or ((side, side),):
        for batch, images in _images(model, size):
            where = f"at batch size {batch} and {size[0]} x {size[1]} pixels"
            with torch.inference_mode():
                expected = model(images)
            try:
                found = run(images)
            except Exception as error:  # a runtime may raise anything
                raise RunError(f"the exported network does not run {where} ({in_one_line(error)})") from None
            if found.shape != expected.shape:
                raise RunError(f"the exported network gives {tuple(found.shape)} for {tuple(expected.shape)} {where}")
            difference = float((found - expected).abs().max())
            if not difference <= largest:
                raise RunError(f"the exported network differs from PyTorch by {difference:.2g} {where}; {largest:.2g} "
                               "is allowed")  # fmt: skip
            worst = max(worst, difference)
    what = f" and {len(sizes)} image sizes" if len(sizes) > 1 else ""
    shown = f"the same {model.outputs} bit for bit" if worst == 0 else f"largest difference from PyTorch {worst:.1e}"
    return f"{shown} at batch sizes {', '.join(map(str, BATCHES))}{what}{by and f', by {by}'}"


def _images(model: Model, size: tuple[int, int]) -> list[tuple[int, Tensor]]:
    generator = torch.Generator().manual_seed(0)
    shape = (model.architecture.channels, *size)
    return [(batch, torch.rand(batch, *shape, generator=generator)) for batch in BATCHES]
