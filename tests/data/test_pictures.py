"""Pictures whose notes are damaged, and what Pillow has to say of pictures."""

import warnings
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from nas.data.pictures import header, read_picture, share_of

COLOURS = Image.merge("RGB", [Image.linear_gradient("L").rotate(turn).resize((12, 12)) for turn in (0, 90, 180)])


def stored(image, form, **how):
    data = BytesIO()
    image.save(data, form, **how)
    return data


@pytest.mark.parametrize("form", ["webp", "png", "jpeg"])
@pytest.mark.parametrize("exif", [b"Exif\0\0no such thing", b"Exif\0\0II*\0\xff\xff\xff\xff", b"II*\0\x08\0\0\0\x09\0"])
def test_a_picture_with_damaged_exif_is_read_all_the_same(form, exif):
    how = {"lossless": True} if form == "webp" else {}
    found = read_picture(stored(COLOURS, form, exif=exif, **how), 12).pixels
    assert np.abs(found.astype(int) - np.asarray(COLOURS)).mean() < (8 if form == "jpeg" else 0.01)


def test_warnings_of_pillow_stay_unheard_in_many_threads():
    palette = COLOURS.convert("P")
    picture = stored(palette, "png", transparency=b"\0\1\2").getvalue()
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        Image.open(BytesIO(picture)).convert("RGB")
        assert len(heard) == 1, "Pillow warns of this picture"
        before = list(warnings.filters)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: read_picture(BytesIO(picture), 8), range(200)))
        assert len(heard) == 1
        assert warnings.filters == before


@pytest.mark.parametrize("form", ["png", "jpeg"])
@pytest.mark.parametrize(
    ("size", "share"), [((60, 30), (1, 0.5)), ((25, 100), (0.25, 1)), ((40, 40), (1, 1)), ((999, 1), (1, 1 / 64))]
)
def test_a_whole_picture_lies_in_the_upper_left_of_a_grey_square(form, size, share):
    found = read_picture(stored(Image.new("RGB", size, (200, 0, 0)), form), 64, whole=True)
    assert (found.size, found.share) == (size, share)
    width, height = (round(64 * length) for length in share)
    inside = np.zeros((64, 64), bool)
    inside[:height, :width] = True
    assert np.abs(found.pixels[inside].astype(int) - [200, 0, 0]).max() < 4
    assert (found.pixels[~inside] == 114).all()


def test_a_cropped_picture_is_all_of_its_square():
    found = read_picture(stored(Image.new("RGB", (60, 30)), "png"), 16)
    assert (found.size, found.share) == ((60, 30), (1, 1))


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_large_photograph_is_laid_as_its_camera_was_held(orientation):
    """It is decoded at a fraction of its size, and its size is its own all the same."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    photograph = stored(Image.new("RGB", (801, 403), (0, 200, 0)), "jpeg", exif=exif)
    size = (403, 801) if orientation in (6, 8) else (801, 403)
    assert header(photograph) == (False, size)
    found = read_picture(photograph, 32, whole=True)
    assert (found.size, found.share) == (size, share_of(size, 32))
    width, height = (round(32 * length) for length in found.share)
    assert np.abs(found.pixels[:height, :width].astype(int) - [0, 200, 0]).max() < 4
    assert (found.pixels[height:] == 114).all()
    assert (found.pixels[:, width:] == 114).all()
