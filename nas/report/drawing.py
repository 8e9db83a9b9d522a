"""Boxes drawn on pictures, with their classes and scores, readable on small pictures as on large ones."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import count
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from nas import files
from nas.data.pictures import upright
from nas.errors import SettingError
from nas.report.charts import PALETTE
from nas.report.rendering import inks
from nas.training.boxes.found import Box

LEAST = 480  # pixels on the longer side; smaller pictures are enlarged
CRISP = 128  # pixels; smaller pictures are enlarged pixel by pixel
FONT = "DejaVuSans.ttf"  # of many systems, with more alphabets than Pillow's own
JPEG = {".jpg", ".jpeg"}
Rectangle = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels."""


def targets_in(folder: Path, images: Sequence[Path]) -> list[Path]:
    """Name the file for each image's drawing in a folder, which is made.

    A JPEG file stays one, any other becomes a PNG file; of images of one name the later ones get a number. Raises
    SettingError where the folder cannot be made, or holds such a file already.
    """
    taken: dict[Path, None] = {}
    numbers: defaultdict[Path, Iterator[int]] = defaultdict(lambda: count(2))  # thousands may have one name
    for image in images:
        target = first = folder / f"{image.stem}{image.suffix if image.suffix.lower() in JPEG else '.png'}"
        while target in taken:
            target = first.with_stem(f"{first.stem}-{next(numbers[first])}")
        taken[target] = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        there = [target for target in taken if target.exists()]
    except OSError as error:
        raise SettingError(f"--draw {folder}: cannot be made a folder ({error.strerror}); name another") from None
    if there:
        raise SettingError(f"{there[0]} exists already; name another folder to draw in")
    return [*taken]


def write_drawing(image: Path, target: Path, boxes: Sequence[Box], classes: Sequence[str]) -> None:
    """Draw boxes on an image file's picture and write it. Raises as `files.writing` does."""
    picture = drawn(upright(image), boxes, classes)
    with files.writing(target), files.replacing(target) as file:
        picture.save(file, "JPEG" if target.suffix.lower() in JPEG else "PNG", quality=92)


def drawn(picture: Image.Image, boxes: Sequence[Box], classes: Sequence[str]) -> Image.Image:
    """Draw boxes on a copy of a picture, each class in its colour, the surest above the others.

    Names of the surest are written where they hide none that is written already.
    """
    scale = max(1.0, LEAST / max(picture.size))
    how = Image.Resampling.NEAREST if max(picture.size) < CRISP else Image.Resampling.BICUBIC
    copy = picture.convert("RGB").resize([max(1, round(length * scale)) for length in picture.size], how)
    pen, line = ImageDraw.Draw(copy), max(3, round(max(copy.size) / 250))
    font, taken = _font(max(14, round(max(copy.size) / 38))), list[Rectangle]()
    surest = sorted(boxes, key=lambda box: -box.score)
    for box in reversed(surest):
        corners = [end * scale for end in box.corners]
        pen.rectangle(_grown(corners, line // 2 + 1), outline="white", width=line + 2)  # stands out on any ground
        pen.rectangle(_grown(corners, line // 2), outline=colour_of(classes.index(box.name)), width=line)
    for box in surest:
        text = _cut(pen, f"{box.name} {box.score:.2f}", font, copy.width - font.size)
        size = round(pen.textlength(text, font) + 0.5 * font.size), round(1.4 * font.size)
        place = _free((box.left * scale, box.top * scale), size, copy.size, taken)
        if place is None:
            continue
        taken.append(place)
        colour, (left, top, *_) = colour_of(classes.index(box.name)), place
        pen.rectangle(taken[-1], fill=colour)
        pen.text((left + font.size / 4, top + size[1] / 2), text, inks({"": colour})[""], font, anchor="lm")
    return copy


def colour_of(label: int) -> str:
    """Return a class's colour."""
    return PALETTE[label % len(PALETTE)]


def _grown(corners: Sequence[float], by: int) -> list[int]:
    left, top, right, bottom = map(round, corners)
    return [left - by, top - by, max(right, left) + by, max(bottom, top) + by]


def _free(
    corner: tuple[float, float], size: tuple[int, int], picture: tuple[int, int], taken: Sequence[Rectangle]
) -> Rectangle | None:
    """Find the place of a name: on its box's upper left corner or in it, inside the picture; None if both are taken."""
    (width, height), (wide, high) = size, picture
    left = max(0, min(round(corner[0]), wide - width))
    tops = (max(0, min(round(corner[1]) + shift, high - height)) for shift in (-height, 0))
    places = ((left, top, left + width, top + height) for top in tops)
    return next((place for place in places if not any(_meet(place, other) for other in taken)), None)


def _meet(one: Rectangle, other: Rectangle) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _cut(pen: ImageDraw.ImageDraw, text: str, font: ImageFont.FreeTypeFont, most: float) -> str:
    """Shorten a text that is wider than a picture, in the middle, so that its end, the score, stays."""
    name, _, score = text.rpartition(" ")
    name = " ".join(name.split())
    while pen.textlength(f"{name} {score}", font) > most and len(name) > 1:
        name = name.removesuffix("…")[:-1] + "…"
    return f"{name} {score}"


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    try:
        return ImageFont.truetype(FONT, size)
    except OSError:
        found = ImageFont.load_default(size)
        assert isinstance(found, ImageFont.FreeTypeFont)
        return found
