"""Pictures whose notes are damaged, and what Pillow has to say of pictures."""

import warnings
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from nas.data.pictures import read_picture

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
