"""Pictures whose notes are damaged, and what Pillow has to say of pictures."""

import struct
import warnings
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from nas.data.pictures import cause, header, read_picture, share_of

COLOURS = Image.merge("RGB", [Image.linear_gradient("L").rotate(turn).resize((12, 12)) for turn in (0, 90, 180)])


def stored(image, form, **how):
    data = BytesIO()
    image.save(data, form, **how)
    return data


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "I;16"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_tiff_on_disk_is_turned_as_one_in_memory(tmp_path, mode, orientation):
    """Pillow maps an uncompressed one of a path, and then swaps its sides too early."""
    half = Image.fromarray(np.repeat(np.array([[255, 0]], np.uint8).repeat(4, 1), 6, 0)).convert("L")
    image = Image.fromarray(np.asarray(half).astype(np.uint16) * 257) if mode == "I;16" else half.convert(mode)
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = stored(image, "tiff", exif=exif)
    (tmp_path / "half.tif").write_bytes(data.getvalue())
    found, expected = read_picture(tmp_path / "half.tif", 6), read_picture(data, 6)
    assert np.array_equal(found.pixels, expected.pixels)
    assert found.size == header(tmp_path / "half.tif").size


def test_sixteen_bits_of_a_pgm_are_read_as_those_of_a_png():
    deep = np.linspace(0, 65535, 144).astype(np.uint16).reshape(12, 12)
    pgm = BytesIO(b"P5 12 12 65535\n" + deep.astype(">u2").tobytes())
    png = stored(Image.fromarray(deep), "png")
    found, expected = (read_picture(one, 12) for one in (pgm, png))
    assert found.grey
    assert np.array_equal(found.pixels, expected.pixels)


def test_a_picture_of_numbers_without_a_range_is_not_said_to_be_damaged(tmp_path):
    COLOURS.convert("F").save(tmp_path / "warm.tif")
    with pytest.raises(ValueError, match="mode F") as told:
        read_picture(tmp_path / "warm.tif", 12)
    why = "pixels of mode F have no known range; save the image with 8 or 16 bits"
    assert cause(tmp_path / "warm.tif", told.value) == why


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


@pytest.mark.parametrize("whole", [False, True])
def test_a_picture_in_hand_keeps_its_size(tmp_path, whole):
    Image.new("RGB", (2400, 1600), "red").save(tmp_path / "large.jpg")
    with Image.open(tmp_path / "large.jpg") as image:
        found = [read_picture(image, 64, whole=whole) for _ in range(2)]
        assert image.size == (2400, 1600)
    assert [one.size for one in found] == [(2400, 1600)] * 2


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


def lying(form, noted):
    """Store a red picture of 200x100 pixels that was held on its side, which `noted` says where."""
    exif = Image.Exif()
    exif[0x0112] = 6
    info, how = PngImagePlugin.PngInfo(), {}
    if noted == "xmp":
        info.add_itxt("XML:com.adobe.xmp", '<rdf:Description tiff:Orientation="6"/>')
    elif noted == "raw profile":
        hexadecimal = exif.tobytes().hex()
        info.add_text("Raw profile type exif", f"\nexif\n{len(hexadecimal) // 2:8}\n{hexadecimal}\n", zip=True)
    else:
        how = {"exif": exif}
    how |= {"pnginfo": info} if form == "png" else {}
    return stored(Image.new("RGB", (200, 100), (200, 0, 0)), form, **how)


def behind_the_pixels(png):
    """Move a PNG's notes between its pixels and its end."""
    data, place, chunks = png.getvalue(), 8, []
    while place < len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        chunks.append(data[place : place + length + 12])
        place += length + 12
    notes = [chunk for chunk in chunks if chunk[4:8] not in (b"IHDR", b"IDAT", b"IEND")]
    others = [chunk for chunk in chunks if chunk not in notes]
    return BytesIO(data[:8] + b"".join([*others[:-1], *notes, others[-1]]))


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize(
    ("form", "noted"), [("png", "exif"), ("png", "xmp"), ("png", "raw profile"), ("tiff", "exif"), ("webp", "exif")]
)
def test_a_pictures_size_is_that_of_what_is_turned_wherever_that_is_noted(form, noted, late):
    picture = lying(form, noted)
    if late and form == "png":
        picture = behind_the_pixels(picture)
    assert header(picture).size == (100, 200)
    found = read_picture(picture, 64, whole=True)
    assert (found.size, found.share) == ((100, 200), (0.5, 1))
    assert np.abs(found.pixels[:, :32].astype(int) - [200, 0, 0]).max() < 4
    assert (found.pixels[:, 32:] == 114).all()


def test_a_header_is_read_without_pixels_whatever_else_a_png_says(monkeypatch):
    info = PngImagePlugin.PngInfo()
    info.add_text("date:create", "2020-01-01")
    picture = behind_the_pixels(stored(COLOURS, "png", pnginfo=info))
    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", lambda image: pytest.fail("decoded"))
    assert header(picture) == (False, (12, 12))


@pytest.mark.parametrize("mode", ["La", "LA", "RGBa", "RGBA"])
def test_a_transparent_picture_lies_on_white_however_its_pixels_are_held(mode):
    half = Image.new("RGBA", (8, 8), (0, 0, 0, 128)).convert("LA" if mode in ("La", "LA") else "RGBA").convert(mode)
    found = read_picture(half, 8)
    assert found.grey == (mode in ("La", "LA"))
    assert np.abs(found.pixels.astype(int) - 127).max() < 2
