"""A folder of images: formats, parts, and what cannot be read."""

import os

import numpy as np
import pytest
from PIL import Image

from nas.data import load
from nas.data.sets.image_folder import image_folder
from nas.errors import DataError
from nas.testing import DataSuite

RED, GREEN = (255, 0, 0), (0, 255, 0)


def write(folder, classes=("cat", "dog"), count=5, mode="RGB", size=(20, 20), ending="png"):
    for number, name in enumerate(classes):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            image = Image.new("RGB", size, (40 * number + 10, 9 * i, 90)).convert(mode)
            image.save(folder / name / f"{i}.{ending}")
    return folder


def only(folder, image, **how):
    """The pixels that one more picture in the first class becomes."""
    image.save(folder / "cat" / f"0.{how.pop('ending', 'png')}", **how)
    return load(f"image_folder:{folder}", resolution=16).images[0]


class TestConformance(DataSuite):
    kind = image_folder

    @pytest.fixture
    def path(self, tmp_path):
        return write(tmp_path)


def test_folders_are_classes(tmp_path):
    data = load(f"image_folder:{write(tmp_path, ('dog', 'ant', 'cat'))}")
    assert data.classes == ("ant", "cat", "dog")
    assert data.images.shape == (15, 3, 64, 64)
    assert data.labels.tolist() == [0] * 5 + [1] * 5 + [2] * 5
    assert data.images[:, 0, 0, 0].tolist() == [50] * 5 + [90] * 5 + [10] * 5
    assert data.mirror
    assert data.skipped == ()


@pytest.mark.parametrize("ending", ["png", "jpg", "bmp", "gif", "webp", "tiff", "ppm"])
def test_formats(tmp_path, ending):
    data = load(f"image_folder:{write(tmp_path, ending=ending)}", resolution=16)
    assert data.images.shape == (10, 3, 16, 16)
    assert data.images[0].reshape(3, -1).mean(1) == pytest.approx([10, 0, 90], abs=8)


@pytest.mark.parametrize("mode", ["L", "LA", "1", "I;16"])
def test_grey_images_have_one_channel(tmp_path, mode):
    data = load(f"image_folder:{write(tmp_path, mode='L')}", resolution=16)
    assert data.channels == 1
    picture = Image.fromarray(np.full((9, 9), 40 * 256 + 3, np.uint16)) if mode == "I;16" else Image.new(mode, (9, 9))
    assert np.unique(only(tmp_path, picture)) == [40 if mode == "I;16" else 255 if mode == "LA" else 0]
    assert load(f"image_folder:{tmp_path}", resolution=16).channels == 1


def test_one_colour_image_makes_all_colour(tmp_path):
    assert only(write(tmp_path, mode="L"), Image.new("RGB", (9, 9), RED)).shape == (3, 16, 16)


def transparent_palette():
    image = Image.new("P", (9, 9), 1)
    image.putpalette([0, 0, 0, *RED])
    return image


@pytest.mark.parametrize(
    ("image", "how", "colour"),
    [
        (Image.new("RGBA", (9, 9), (255, 0, 0, 0)), {}, (255, 255, 255)),
        (Image.new("RGBA", (9, 9), (255, 0, 0, 128)), {}, (255, 127, 127)),
        (Image.new("RGBA", (9, 9), (255, 0, 0, 255)), {}, RED),
        (Image.new("LA", (9, 9), (0, 128)), {}, (127, 127, 127)),
        (Image.new("RGB", (9, 9), RED), {"transparency": RED}, (255, 255, 255)),
        (transparent_palette(), {"transparency": 1}, (255, 255, 255)),
        (transparent_palette(), {}, RED),
        (Image.new("CMYK", (16, 16), (0, 255, 255, 0)), {"ending": "tiff"}, (255, 0, 0)),
    ],
)
def test_transparency_lies_on_white(tmp_path, image, how, colour):
    write(tmp_path)
    (tmp_path / "cat" / "0.png").unlink()
    pixels = only(tmp_path, image, **how)
    assert pixels.reshape(3, -1).mean(1) == pytest.approx(colour, abs=1)


def test_the_middle_square_is_kept(tmp_path):
    wide = Image.new("RGB", (90, 30), RED)
    wide.paste(GREEN, (30, 0, 60, 30))
    assert only(write(tmp_path), wide)[:, 3:-3, 3:-3].reshape(3, -1).mean(1).tolist() == [0, 255, 0]


def test_the_camera_s_orientation_is_respected(tmp_path):
    image = Image.new("RGB", (32, 32), RED)
    image.paste(GREEN, (0, 0, 32, 16))  # green above red; turned by 180 degrees it is below
    exif = Image.Exif()
    exif[0x0112] = 3
    pixels = only(write(tmp_path), image, exif=exif)
    assert pixels[0, 2, 8] == 255
    assert pixels[1, -3, 8] == 255


@pytest.mark.parametrize(("third", "cut_part"), [("test", "validation"), ("val", "test"), ("validation", "test")])
def test_folders_of_parts(tmp_path, third, cut_part):
    write(tmp_path / "train", count=10)
    write(tmp_path / third, count=4)
    data = load(f"image_folder:{tmp_path}", resolution=8)
    given = {"test": "test"}.get(third, "validation")
    assert getattr(data, given).tolist() == list(range(20, 28))
    assert len(getattr(data, cut_part)) == 4
    assert len(data.train) == 16
    assert data.classes == ("cat", "dog")


def test_all_three_parts(tmp_path):
    for part, count in (("train", 3), ("val", 2), ("test", 1)):
        write(tmp_path / part, count=count)
    data = load(f"image_folder:{tmp_path}", resolution=8)
    assert [len(part) for part in (data.train, data.validation, data.test)] == [6, 4, 2]


def test_a_class_may_be_called_train(tmp_path):
    assert load(f"image_folder:{write(tmp_path, ('train', 'car'))}").classes == ("car", "train")


def test_parts_without_class_folders_are_no_classes(tmp_path):
    write(tmp_path, ("train", "test"))
    (tmp_path / "train.csv").write_text("id,label\n0,cat\n")
    with pytest.raises(DataError, match=r"train, test in .* are called like parts, but hold no class folders: "
                       r".*train/CLASS/IMAGE\. For labels in a table, call train.csv metadata.csv"):  # fmt: skip
        load(f"image_folder:{tmp_path}")


def test_what_systems_leave_among_the_images_is_ignored(tmp_path):
    write(tmp_path)
    write(tmp_path / "cat", (".ipynb_checkpoints", "__MACOSX"))
    write(tmp_path / "cat" / "more" / ".cache")
    (tmp_path / ".cache").mkdir()
    for name in (".DS_Store", "Thumbs.db", "desktop.ini"):
        (tmp_path / "cat" / name).write_text("x")
    (tmp_path / "README").write_text("x")
    data = load(f"image_folder:{tmp_path}")
    assert data.classes == ("cat", "dog")
    assert len(data.labels) == 10
    assert data.skipped == ()


def test_a_class_spelt_in_two_ways_that_look_alike_is_one(tmp_path):
    write(tmp_path / "train", ("caf\xe9", "dog"))
    write(tmp_path / "train", ("cafe\u0301",))
    write(tmp_path / "test", ("cafe\u0301", "dog"))
    data = load(f"image_folder:{tmp_path}", resolution=8)
    assert data.classes == ("caf\xe9", "dog")
    assert np.bincount(data.labels).tolist() == [15, 10]


def test_names_that_are_not_utf_8(tmp_path):
    folder = tmp_path / os.fsdecode(b"im\xe0ges")
    write(folder, (os.fsdecode(b"caf\xe9"), "dog"))
    (folder / "dog" / os.fsdecode(b"br\xfccken.png")).write_bytes(b"no image")
    data = load(f"image_folder:{folder}", resolution=8)
    assert data.name == r"image_folder:im\xe0ges"
    assert data.classes == (r"caf\xe9", "dog")
    assert data.skipped == (r"dog/br\xfccken.png (no image that Pillow reads)",)
    assert len(data.labels) == 10


def damaged(folder, kind):
    file = folder / "cat" / "4.png"
    if kind == "float":
        Image.fromarray(np.ones((9, 9), np.float32)).save(file.with_suffix(".tiff"))
        file.unlink()
        return "4.tiff"
    whole = file.read_bytes()
    flipped = whole[:50] + bytes([whole[50] ^ 255]) + whole[51:]
    file.write_bytes({"empty": b"", "text": b"no image", "truncated": whole[:60], "flipped": flipped}[kind])
    return "4.png"


@pytest.mark.parametrize("kind", ["empty", "text", "truncated", "flipped", "float"])
def test_an_unreadable_image_is_named_and_skipped(tmp_path, kind):
    name = damaged(write(tmp_path), kind)
    data = load(f"image_folder:{tmp_path}")
    assert len(data.images) == 9
    assert len(data.skipped) == 1
    assert data.skipped[0].startswith(f"cat/{name} (")


@pytest.mark.parametrize(("classes", "found"), [((), "no class folders"), (("cat",), "one class folder, cat;")])
def test_fewer_than_two_classes(tmp_path, classes, found):
    with pytest.raises(DataError, match=f"has {found}"):
        load(f"image_folder:{write(tmp_path, classes)}")


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("metadata.csv", "For labels in a table, name its columns file_name and label, and write huggingface:"),
        ("Labels.CSV", "For labels in a table, call Labels.CSV metadata.csv, name its columns file_name and label,"),
    ],
)
def test_labels_in_a_table_beside_the_images_are_told_the_way(tmp_path, table, says):
    (tmp_path / table).write_text("file_name,label")
    with pytest.raises(DataError, match=says):
        load(f"image_folder:{tmp_path}")


def test_an_empty_class(tmp_path):
    (write(tmp_path) / "owl").mkdir()
    (tmp_path / "cat" / "0.png").write_text("no image")
    with pytest.raises(DataError, match=r"no readable image of 'owl'\. Add images"):
        load(f"image_folder:{tmp_path}")


def test_a_class_of_unreadable_images(tmp_path):
    for file in (write(tmp_path) / "dog").iterdir():
        file.write_text("no image")
    (tmp_path / "cat" / "0.png").write_text("no image")  # another class has enough without it
    with pytest.raises(DataError, match=r"no readable image of 'dog'. 5 were left out there, the first dog/0\.png"):
        load(f"image_folder:{tmp_path}")


def test_too_few_images_of_a_class(tmp_path):
    with pytest.raises(DataError, match="'cat' has 2"):
        load(f"image_folder:{write(tmp_path, count=2)}")


def test_a_test_class_without_training_images(tmp_path):
    write(tmp_path / "train")
    write(tmp_path / "test", ("cat", "owl"))
    with pytest.raises(DataError, match="no readable image of 'owl'"):
        load(f"image_folder:{tmp_path}")


@pytest.mark.parametrize("in_memory", [True, False])
def test_what_is_not_to_be_divided_may_lack_training_images_of_a_class(tmp_path, in_memory):
    write(tmp_path / "parts" / "train")
    write(tmp_path / "parts" / "test", ("cat", "dog", "owl"))
    (write(tmp_path / "flat") / "owl").mkdir()
    for name, test in (("parts", 15), ("flat", 0)):
        data = load(f"image_folder:{tmp_path / name}", divided=False, in_memory=in_memory)
        assert data.classes == ("cat", "dog", "owl")
        assert data.parts == {"train": 10, "validation": 0, "test": test}


def test_what_is_not_to_be_divided_may_lose_the_last_image_of_a_class(tmp_path):
    owl = write(write(tmp_path), ["owl"], count=1, size=(64, 64)) / "owl" / "0.png"
    owl.write_bytes(owl.read_bytes()[:-60])
    data = load(f"image_folder:{tmp_path}", divided=False, in_memory=True)
    assert data.classes == ("cat", "dog", "owl")
    assert data.parts == {"train": 10, "validation": 0, "test": 0}
    assert [said.split(" (")[0] for said in data.skipped] == ["owl/0.png"]


def test_an_empty_part(tmp_path):
    write(tmp_path / "train")
    (tmp_path / "val").mkdir()
    with pytest.raises(DataError, match="val has no readable image"):
        load(f"image_folder:{tmp_path}")
