"""Boxes drawn on pictures: where they are, in their colours, with names that can be read."""

import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nas.errors import SettingError
from nas.report.charts import PALETTE
from nas.report.drawing import LEAST, colour_of, drawn, targets_in, write_drawing
from nas.training.boxes.found import Box

NAMES = ("cat", "dog")


def rgb(colour: str) -> list[int]:
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]


def test_a_box_stands_on_its_edges_in_the_colour_of_its_class() -> None:
    found = np.asarray(drawn(Image.new("RGB", (1000, 500)), [Box("dog", 0.5, 200, 200, 600, 400)], NAMES))
    assert found.shape == (500, 1000, 3)
    for x, y in ((400, 398), (201, 300), (598, 300)):
        near = found[y - 4 : y + 5, x - 4 : x + 5].reshape(-1, 3).tolist()
        assert rgb(colour_of(1)) in near
        assert [255, 255, 255] in near, "white around it, on any ground"
    assert not found[220:380, 220:580].any(), "what is inside can be seen"
    assert not found[:150].any()


def test_a_small_picture_is_enlarged_with_its_boxes() -> None:
    found = np.asarray(drawn(Image.new("RGB", (32, 16)), [Box("cat", 0.5, 16, 8, 32, 16)], NAMES))
    assert found.shape == (LEAST // 2, LEAST, 3)
    line = found[200, 200:260].tolist()
    assert rgb(PALETTE[0]) in line


@pytest.mark.parametrize("box", [(0, 0, 40, 30), (580, 380, 600, 400), (0, 350, 5, 400), (590, 0, 600, 10)])
@pytest.mark.parametrize("name", ["cat", "<b>x</b> " * 30, "שלום", "two\nlines 🚸"])
def test_the_name_lies_within_the_picture_whatever_it_is(name: str, box: tuple[int, ...]) -> None:
    found = np.asarray(drawn(Image.new("RGB", (600, 400)), [Box(name, 0.97, *box)], (name,)))
    coloured = (found == rgb(PALETTE[0])).all(2)
    rows, columns = np.nonzero(coloured)
    assert coloured.sum() > 300, "the ground of the name"
    assert rows.min() >= 0
    assert (np.ptp(columns) > 30) | (np.ptp(rows) > 30)


def test_names_of_the_surest_stay_where_boxes_crowd_and_hide_none_of_each_other() -> None:
    crowd = [Box("cat", 0.3 + 0.001 * i, 100 + i, 100 + i, 300 + i, 300 + i) for i in range(40)]
    alone = Box("dog", 0.2, 400, 100, 500, 200)
    picture = drawn(Image.new("RGB", (600, 600)), [*crowd, alone], NAMES)
    found = np.asarray(picture)
    rows, columns = np.nonzero((found == rgb(colour_of(0))).all(2))
    inside = (columns > 180) & (columns < 280) & (rows > 180) & (rows < 280)
    assert not inside.any(), "names of boxes that hide each other had covered what is in them"
    assert np.ptp(np.nonzero((found == rgb(colour_of(1))).all(2))[0]) > 102, "the name on a box that stands alone"


def test_names_in_a_folder_are_kept_unless_two_are_the_same(tmp_path: Path) -> None:
    images = [Path("a/1.jpg"), Path("b/1.jpg"), Path("c/1.webp"), Path("d/1.JPEG")]
    folder = tmp_path / "new" / "drawn"
    assert [target.name for target in targets_in(folder, images)] == ["1.jpg", "1-2.jpg", "1.png", "1.JPEG"]
    assert folder.is_dir()


def test_names_of_thousands_of_images_take_no_time(tmp_path: Path) -> None:
    alike = [Path(f"{i}/frame.jpg") for i in range(4000)]
    images = [*alike, Path("last/frame-4000.jpg"), *(Path(f"{i}.jpg") for i in range(16_000))]
    began = time.process_time()
    names = [target.name for target in targets_in(tmp_path, images)]
    assert time.process_time() - began < 10
    assert names[:3] == ["frame.jpg", "frame-2.jpg", "frame-3.jpg"]
    assert names[3999:4001] == ["frame-4000.jpg", "frame-4000-2.jpg"]
    assert len(set(names)) == len(images)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "1.png")
    with pytest.raises(SettingError, match=r"1\.png exists already; name another folder to draw in"):
        targets_in(tmp_path, [tmp_path / "1.png"])
    with pytest.raises(SettingError, match=r"--draw .*1\.png: cannot be made a folder"):
        targets_in(tmp_path / "1.png", [Path("2.png")])


def test_a_drawing_is_a_file_of_the_pictures_kind_upright(tmp_path: Path) -> None:
    photo = Image.new("RGB", (600, 300), "grey")
    exif = photo.getexif()
    exif[0x0112] = 6  # turned by a quarter
    photo.save(tmp_path / "photo.jpg", exif=exif)
    write_drawing(tmp_path / "photo.jpg", tmp_path / "drawn.jpg", [], NAMES)
    with Image.open(tmp_path / "drawn.jpg") as found:
        assert (found.format, found.size) == ("JPEG", (300, 600))
