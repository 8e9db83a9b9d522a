"""Reading one picture as the square of pixels that a network sees, in training and ever after."""

import base64
import io
import struct
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from nas.files import readable

CAUSES: dict[type[Exception], str] = {
    PermissionError: "closed file",
    FileNotFoundError: "missing file",
    Image.DecompressionBombError: "enormous image",
}
SURROUND = (114, 114, 114)  # grey, as detectors commonly have around a whole picture
LYING = (5, 6, 7, 8)  # orientations that swap width and height
LUMINANCE = (0.299, 0.587, 0.114)  # of red, green and blue (ITU-R BT.601, as Pillow's)
NOTES = (b"Raw profile type exif\0", b"XML:com.adobe.xmp\0")  # as PNG files have them beside those of EXIF's own
KEYWORD = max(map(len, NOTES))
LARGE, LARGEST = 160, 480  # pixels; larger pictures are JPEG files, and none on a page is larger than the last
GREY = ("1", "L", "LA", "La", "I", "I;16", "I;16L", "I;16B", "I;16N")


Source = Path | BinaryIO | Image.Image
"""A picture: its file, or a file in memory, or what Pillow made of one."""


class RangeError(ValueError):
    """A sound picture, of whose numbers nobody knows which are black and which white."""


class Picture(NamedTuple):
    """Pixels `(side, side, 3)` as uint8, and whether the file was grey.

    `size` is the upright picture's own width and height in pixels; `share` how much of the square's it takes, from the
    upper left, so that boxes can be brought back (`nas.data.boxes.to_picture`).
    """

    pixels: NDArray[np.uint8]
    grey: bool
    size: tuple[int, int]
    share: tuple[float, float] = (1.0, 1.0)


class Header(NamedTuple):
    """What a picture's file says before its pixels: whether it is grey, and the upright width and height."""

    grey: bool
    size: tuple[int, int]


def read_picture(source: Source, side: int, *, whole: bool = False) -> Picture:
    """Read a picture upright, scaled to `side` on its shorter side and cropped to the middle square.

    A `whole` one is scaled to `side` on its longer side and lies in the upper left of a square whose rest is grey. A
    transparent picture lies on white. A JPEG is decoded at a fraction of its size where that suffices. Raises what
    Pillow raises, which may be anything, for a damaged file.
    """
    with _silent(), _opened(source) as image:
        ours = image is not source
        return _laid(image, side, ours) if whole else _squared(image, side, ours)


def share_of(size: tuple[int, int], side: int) -> tuple[float, float]:
    """Return how much of a square's width and height a whole picture of this size takes."""
    width, height = _fitted(size, side)
    return width / side, height / side


def _fitted(size: tuple[int, int], side: int) -> tuple[int, int]:
    """Return the pixels, width and height, that a whole picture takes in a square."""
    width, height = (max(1, round(length * side / max(size))) for length in size)
    return width, height


_silence: "warnings.catch_warnings[None]"
_silencing = threading.Lock()
_silenced = 0


@contextmanager
def _silent() -> Iterator[None]:
    """Keep Pillow's warnings back within the block, in whichever thread.

    `warnings.catch_warnings` alone would, with several threads, bring them back too early or never.
    """
    global _silence, _silenced
    with _silencing:
        if not _silenced:
            _silence = warnings.catch_warnings()
            _silence.__enter__()
            warnings.filterwarnings("ignore", module=r"PIL\.")
        _silenced += 1
    try:
        yield
    finally:
        with _silencing:
            _silenced -= 1
            if not _silenced:
                _silence.__exit__(None, None, None)


def cause(source: object, error: Exception) -> str:
    """Say in a line why a picture cannot be read: a cause, and after a colon what Pillow says, without the folder."""
    if _empty(source):
        return "empty file"
    if isinstance(error, UnidentifiedImageError):
        return "no image that Pillow reads"
    if isinstance(error, RangeError):
        return str(error)
    text = " ".join(f"{type(error).__name__}: {error}".split())
    text = text.replace(f"{source.parent}/", "") if isinstance(source, Path) else text
    said = next((words for kind, words in CAUSES.items() if isinstance(error, kind)), "damaged image")
    return readable(f"{said}: {text}")


def _empty(source: object) -> bool:
    try:
        if isinstance(source, Path):
            return source.stat().st_size == 0
        return isinstance(source, io.BytesIO) and not source.getbuffer().nbytes
    except (OSError, ValueError):  # gone, or closed
        return False


def header(source: Source) -> Header:
    """Read a picture's header without its pixels. Raises as `read_picture` does."""
    with _silent(), _opened(source) as image:
        if _noted_late(image):
            image.load()
        return Header(_is_grey(image), _upright_size(image))


@contextmanager
def _opened(source: Source) -> Iterator[Image.Image]:
    if isinstance(source, Image.Image):
        yield source
        return
    with source.open("rb") if isinstance(source, Path) else nullcontext(source) as file, Image.open(file) as image:
        yield image  # of a file that it may map, Pillow would lay out a turned TIFF wrongly


def _is_grey(image: Image.Image) -> bool:
    if image.mode == "F" or (image.mode == "I" and image.format != "PPM"):
        raise RangeError(f"pixels of mode {image.mode} have no known range; save the image with 8 or 16 bits")
    return image.mode in GREY


def _squared(image: Image.Image, side: int, ours: bool) -> Picture:
    grey, size = _begun(image)
    _decode(image, (2 * side, 2 * side), ours)
    fitted = ImageOps.fit(_opaque(_upright(image)), (side, side), Image.Resampling.BICUBIC)
    return Picture(np.asarray(fitted), grey, size)


def _laid(image: Image.Image, side: int, ours: bool) -> Picture:
    grey, size = _begun(image)
    width, height = _fitted(image.size, side)
    _decode(image, (2 * width, 2 * height), ours)
    square = Image.new("RGB", (side, side), SURROUND)
    square.paste(_opaque(_upright(image)).resize(_fitted(size, side), Image.Resampling.BICUBIC))
    return Picture(np.asarray(square), grey, size, share_of(size, side))


def _decode(image: Image.Image, enough: tuple[int, int], ours: bool) -> None:
    """Decode a picture, a JPEG of `ours` at a fraction of its size: the caller's own keeps the size that it has."""
    if ours:
        image.draft(None, enough)
    image.load()


def _begun(image: Image.Image) -> Header:
    """Look at a picture that is about to be decoded: a PNG now, which may note behind its pixels how it was held."""
    grey = _is_grey(image)
    if image.format == "PNG":
        image.load()
    return Header(grey, _upright_size(image))


def _noted_late(image: Image.Image) -> bool:
    """Tell whether an opened PNG notes behind its pixels how it was held, without decoding these."""
    file = getattr(image, "fp", None)
    if image.format != "PNG" or file is None:
        return False
    place, pixels = file.tell(), False
    try:
        file.seek(8)
        while len(head := file.read(8)) == 8:
            length, kind = struct.unpack(">I4s", head)
            begins = file.read(min(length, KEYWORD))
            pixels = pixels or kind == b"IDAT"
            if pixels and (kind == b"eXIf" or begins.startswith(NOTES)):
                return True
            file.seek(length - len(begins) + 4, io.SEEK_CUR)
    finally:
        file.seek(place)
    return False


def _upright_size(image: Image.Image) -> tuple[int, int]:
    """Return the width and height that a picture has once it is turned as its camera was held."""
    width, height = image.size
    try:
        # that of PNG would decode all of it to look for notes
        lies = Image.Image.getexif(image).get(ExifTags.Base.Orientation) in LYING
        tags = getattr(image, "tag_v2", None)
        turned = tags is not None and image.size != (tags[ExifTags.Base.ImageWidth], tags[ExifTags.Base.ImageLength])
    except Exception:  # as below
        return width, height
    return (height, width) if lies and not turned else (width, height)  # Pillow turns some TIFF files by itself


def _upright(image: Image.Image) -> Image.Image:
    """Turn a picture as its camera was held, one whose notes of that are damaged not."""
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # of any sort, and no fault of the pixels
        return image


def _opaque(image: Image.Image) -> Image.Image:
    """Convert any image to RGB, a transparent one on white."""
    if image.mode.startswith("I"):  # of sixteen bits
        image = Image.fromarray((np.asarray(image) // 256).astype(np.uint8))
    if image.mode == "La":  # which Pillow turns into LA alone
        image = image.convert("LA")
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
        first = np.asarray(np.rint(pixels @ np.array(LUMINANCE)), np.uint8)
    return np.ascontiguousarray(first[..., None, :, :])


def upright(source: Source) -> Image.Image:
    """Read a whole picture upright, in colour and at its own size. Raises as `read_picture` does."""
    with _silent(), _opened(source) as image:
        image.load()
        return _opaque(_upright(image))


def embedded(planes: NDArray[np.uint8], *, light: bool) -> str:
    """Write an image `(channels, height, width)` in base64, as a PNG file or, a large `light` one, as a JPEG file."""
    file = io.BytesIO()
    image = Image.fromarray(planes[0] if len(planes) == 1 else planes.transpose(1, 2, 0))
    if light and image.width > LARGE:
        image.thumbnail((LARGEST, LARGEST))
        image.save(file, "JPEG", quality=85)
    else:
        image.save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()
