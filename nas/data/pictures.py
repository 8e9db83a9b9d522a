"""Reading one picture as the square of pixels that a network sees, in training and ever after."""

import warnings
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

GREY = ("1", "L", "LA", "La", "I;16", "I;16L", "I;16B", "I;16N")


Source = Path | BinaryIO | Image.Image
"""A picture: its file, or a file in memory, or what Pillow made of one."""


class Picture(NamedTuple):
    """Pixels `(side, side, 3)` as uint8, and whether the file was grey."""

    pixels: NDArray[np.uint8]
    grey: bool


def read_picture(source: Source, side: int) -> Picture:
    """Read a picture upright, scaled to `side` on its shorter side and cropped to the middle square.

    A transparent picture lies on white. A JPEG is decoded at a fraction of its size where that suffices. Raises what
    Pillow raises, which may be anything, for a damaged file.
    """
    if isinstance(source, Image.Image):
        return _squared(source, side)
    with warnings.catch_warnings(), Image.open(source) as image:
        warnings.simplefilter("ignore")
        return _squared(image, side)


def is_grey(source: Source) -> bool:
    """Tell from a picture's header, without its pixels, whether it is grey. Raises as `read_picture` does."""
    if isinstance(source, Image.Image):
        return _is_grey(source)
    with warnings.catch_warnings(), Image.open(source) as image:
        warnings.simplefilter("ignore")
        return _is_grey(image)


def _is_grey(image: Image.Image) -> bool:
    if image.mode in ("I", "F"):
        raise ValueError(f"pixels of mode {image.mode} have no known range; save the image with 8 or 16 bits")
    return image.mode in GREY


def _squared(image: Image.Image, side: int) -> Picture:
    grey = _is_grey(image)
    image.draft(None, (2 * side, 2 * side))  # lets JPEG decode at a fraction of its size
    upright = ImageOps.exif_transpose(image)
    fitted = ImageOps.fit(_opaque(upright), (side, side), Image.Resampling.BICUBIC)
    return Picture(np.asarray(fitted), grey)


def _opaque(image: Image.Image) -> Image.Image:
    """Convert any image to RGB, a transparent one on white."""
    if image.mode.startswith("I;16"):
        image = Image.fromarray((np.asarray(image) // 256).astype(np.uint8))
    if not image.has_transparency_data:
        return image.convert("RGB")
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


def planes(pixels: NDArray[np.uint8], channels: int) -> NDArray[np.uint8]:
    """Turn pixels `(..., height, width, 3)` into planes `(..., channels, height, width)`, grey ones by luminance."""
    if channels == 3:
        return np.ascontiguousarray(np.moveaxis(pixels, -1, -3))
    first = pixels[..., 0]
    if not (np.array_equal(first, pixels[..., 1]) and np.array_equal(first, pixels[..., 2])):
        first = np.asarray(np.rint(pixels @ np.array([0.299, 0.587, 0.114])), np.uint8)  # ITU-R BT.601, as Pillow's
    return np.ascontiguousarray(first[..., None, :, :])
