"""Whether an exported network still computes what the model computes."""

import json
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from nas.errors import RunError, in_one_line
from nas.training.model import Model

BATCHES = (1, 2, 5)
LARGEST = 1e-4
"""The largest allowed difference between two outputs."""
ROUNDING, SHAKEN = 1e-6, 4  # deviation of the noise that stands for roundings, and how often it is drawn
TRIES = 20  # draws of a batch of images, until enough are steady


def compare(
    model: Model,
    run: Callable[[Tensor], Tensor],
    sizes: Sequence[tuple[int, int]] = (),
    *,
    largest: float = LARGEST,
    by: str = "",
) -> str:
    """Compare outputs at three batch sizes, on images of noise, and say the largest difference.

    A detector that has hardly learnt may choose its queries among equal scores; images on which a rounding decides so
    are passed over. `sizes` are the images' heights and widths, those of the training by default. `by` names what runs
    the exported network. Raises RunError when it fails, for a difference over `largest`, and where roundings decide
    on all images.
    """
    side = model.architecture.resolution
    worst = 0.0
    for size in sizes or ((side, side),):
        for batch, images in _images(model, size, largest):
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


def check_same(model: Model, back: Model) -> None:
    """Raise RunError where a model that was read back is not the one that was written."""
    theirs, said = back.network.state_dict(), back.to_dict()
    for name, value in model.network.state_dict().items():
        if not torch.equal(value.cpu(), theirs[name]):
            raise RunError(f"the written file comes back changed: {name}")
    for name, part in model.to_dict().items():
        if _spelt(part) != _spelt(said[name]):  # as JSON tells them, which knows no tuples
            raise RunError(f"the written file comes back changed: what it says of {name}")


def _spelt(data: object) -> str:
    return json.dumps(data, sort_keys=True)


def _images(model: Model, size: tuple[int, int], largest: float) -> list[tuple[int, Tensor]]:
    """Draw images for each batch size on which roundings make no larger difference than is allowed."""
    generator = torch.Generator().manual_seed(0)
    shape, drawn = (model.architecture.channels, *size), []
    for batch in BATCHES:
        found = torch.empty(0, *shape)
        for _ in range(TRIES):
            images = torch.rand(batch, *shape, generator=generator)
            noise = ROUNDING * torch.randn(SHAKEN, *images.shape, generator=generator)
            found = torch.cat([found, images[_steady(model, images, noise, largest)]])[:batch]
            if len(found) == batch:
                break
        else:
            raise RunError(f"roundings decide what the network answers, by more than {largest:.2g} for most images of "
                           "noise, so nothing can be compared; train it longer")  # fmt: skip
        drawn.append((batch, found))
    return drawn


def _steady(model: Model, images: Tensor, noise: Tensor, largest: float) -> Tensor:
    """Tell of each image whether the model answers the same with each of several `noise` added, `(batch,)`."""
    with torch.inference_mode():
        expected, moved = model(images), torch.stack([model(images + one) for one in noise])
    steady: Tensor = ((moved - expected).abs().flatten(2).amax(2) <= largest).all(0)
    return steady
