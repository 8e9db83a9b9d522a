"""Folders as Pascal VOC has them: boxes where their objects are, parts, and all that may be wrong."""

from pathlib import Path

import numpy as np
import pytest
from boxed_folders import COLOURS, PICTURES, annotation, picture, voc_folder
from PIL import Image

from nas.data import boxes, load, stored
from nas.data.boxes import CLASS, CROWD
from nas.data.sets.voc import parsed, voc
from nas.data.summary import causes, told
from nas.errors import DataError
from nas.record.fingerprint import fingerprint
from nas.testing import DataSuite

CAT = ("cat", 5, 4, 25, 24)
NAMES = list(PICTURES)


def read(folder, **how):
    return load(f"voc:{folder}", **how)


def change(folder, name, text):
    (folder / "Annotations" / f"{name}.xml").write_text(text)
    return folder


@pytest.fixture
def folder(tmp_path):
    return voc_folder(tmp_path / "set")


class TestConformance(DataSuite):
    kind = voc

    @pytest.fixture
    def path(self, folder):
        return folder


class TestConformanceOutsideMemory(TestConformance):
    @pytest.fixture
    def path(self, folder, monkeypatch):
        monkeypatch.setattr(stored, "IN_MEMORY", 1000)
        return folder


@pytest.mark.parametrize("in_memory", [True, False])
@pytest.mark.parametrize("resolution", [None, 30])
def test_boxes_lie_on_their_objects(folder, in_memory, resolution):
    data = read(folder, in_memory=in_memory, resolution=resolution)
    side = resolution or 128
    assert data.images.shape == (10, 3, side, side)
    assert (data.classes, data.targets, data.mirror, data.skipped) == (("cat", "dog"), "boxes", True, ())
    for image, found in zip(data.images[:], boxes.unpack(data.labels), strict=True):
        assert (image[:, side * 2 // 3 + 1 :] == 114).all()
        for name, each in zip(("cat", "dog"), found, strict=False):
            x, y = (each[[boxes.X, boxes.Y]] * side).astype(int)
            assert image[:, y, x] == pytest.approx(COLOURS[name], abs=12)
            width, height = each[[boxes.W, boxes.H]] * 60
            assert (width, height) == pytest.approx((20, 20), abs=0.1)  # 128 pixels are no multiple of three
    assert sorted(len(found) for found in boxes.unpack(data.labels)) == [0, 0, 1, 1, 1, 2, 2, 2, 2, 2]


def test_it_is_said_how_many_boxes_there_are_and_which_images_have_none(folder):
    known = fingerprint(read(folder))
    assert (known["counts"], known["bare"]) == ([8, 5], 2)
    assert told(known) == ("6 + 2 + 2 images (train, validation, test) with 13 boxes of 2 classes: cat 8, dog 5; "
                           "2 images have none")  # fmt: skip


@pytest.mark.parametrize(
    ("lists", "parts"),
    [
        ({"train": NAMES[:5], "val": NAMES[5:8], "test": NAMES[8:], "trainval": NAMES[:8]}, (5, 3, 2)),
        ({"train": NAMES[:6], "val": NAMES[6:]}, (5, 4, 1)),
        ({"trainval": NAMES[:8], "test": NAMES[8:]}, (6, 2, 2)),
        ({"trainval": NAMES, "val": NAMES[8:]}, (6, 2, 2)),
        ({"val": NAMES}, (6, 2, 2)),
        (None, (6, 2, 2)),
    ],
)
def test_official_parts_stay_and_others_are_cut(tmp_path, lists, parts):
    data = read(voc_folder(tmp_path / "set", lists=lists), seed=2)
    assert tuple(data.parts.values()) == parts
    assert data.skipped == ()


def test_lists_may_name_endings_and_numbers(tmp_path):
    lists = {"train": [f"{name}  1" for name in NAMES[:8]], "test": [f"{name}.png" for name in NAMES[8:]]}
    assert read(voc_folder(tmp_path / "set", lists=lists)).parts == {"train": 6, "validation": 2, "test": 2}


def test_a_list_may_begin_with_a_mark_of_its_encoding(tmp_path):
    folder = voc_folder(tmp_path, lists={"train": NAMES[:8], "val": NAMES[8:]})
    file = folder / "ImageSets" / "Main" / "train.txt"
    plain = load(f"voc:{folder}")
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    found = load(f"voc:{folder}")
    assert (found.parts, found.skipped) == (plain.parts, plain.skipped)


def test_a_picture_of_two_lists_is_tested_on_and_what_no_list_has_is_named(tmp_path):
    lists = {"train": [*NAMES[:7], "gone"], "test": NAMES[6:8]}
    data = read(voc_folder(tmp_path / "set", lists=lists))
    assert data.parts == {"train": 5, "validation": 1, "test": 2}
    assert sorted(causes(data.skipped)) == [
        "annotation in no list: 2, the first p8",
        "listed in train and in test: p6",
        "listed without annotation: gone",
    ]


@pytest.mark.parametrize("depth", ["", "VOC2012", "VOCdevkit/VOC2012"])
def test_the_folder_may_be_the_one_above(tmp_path, depth):
    voc_folder(tmp_path / "set" / depth)
    assert len(read(tmp_path / "set").labels) == 10


def test_parts_may_be_folders_with_annotations_or_with_pictures_beside_them(tmp_path):
    def part(names):
        return {name: PICTURES[name] for name in names}

    for name, names in (("train", NAMES[:6]), ("valid", NAMES[6:8]), ("test", NAMES[8:])):
        home = voc_folder(tmp_path / "classic" / name, part(names))
        for file in (*home.glob("*/*.xml"), *home.glob("*/*.png")):
            (tmp_path / "beside" / name).mkdir(parents=True, exist_ok=True)
            (tmp_path / "beside" / name / file.name).write_bytes(file.read_bytes())
    classic, beside = read(tmp_path / "classic"), read(tmp_path / "beside")
    for data in (classic, beside):
        assert data.parts == {"train": 6, "validation": 2, "test": 2}
    assert np.array_equal(classic.images, beside.images)
    assert np.array_equal(classic.labels, beside.labels)


def test_difficult_objects_are_crowds(folder):
    change(folder, "p1", annotation([CAT], more="<difficult>1</difficult>"))
    data = read(folder)
    assert data.labels[1, 0, [CLASS, CROWD]].tolist() == [0, 1]
    assert boxes.count(data.labels, 2) == ([7, 4], 3)


def test_boxes_are_cut_at_the_edge_and_scaled_to_the_picture(folder):
    change(folder, "p1", annotation([("cat", -10, 20, 30, 90)]))
    change(folder, "p2", annotation([("cat", 0, 40, 60, 80)], size=(120, 80)))
    change(folder, "p3", annotation([("cat", 0, 20, 30, 40)], size=None))
    labels = read(folder, resolution=60).labels
    for row in (1, 2, 3):
        assert labels[row, 0, 1:5] == pytest.approx([0.25, 0.5, 0.5, 1 / 3])


@pytest.mark.parametrize(
    ("found", "cause"),
    [
        (("cat", 10, 10, 10, 30), "box of no area: cat in p1.png"),
        (("cat", 20, 10, 10, 30), "box of no area: cat in p1.png"),
        (("cat", 70, 10, 90, 30), "box outside its picture: cat in p1.png"),
        (("cat", "nan", 10, 20, 30), "box without four numbers: cat in p1.png"),
        (("cat", "here", 10, 20, 30), "box without four numbers: cat in p1.png"),
        (("cat", "", 10, 20, 30), "box without four numbers: cat in p1.png"),
        (("cat", "1e999", 10, 20, 30), "box without four numbers: cat in p1.png"),
        (("  ", 10, 10, 20, 30), "box without a class: box in p1.png"),
        (CAT, "box that occurs twice: cat in p1.png"),
    ],
)
def test_a_bad_box_is_left_out_and_its_picture_stays(folder, found, cause):
    data = read(change(folder, "p1", annotation([CAT, found])))
    assert causes(data.skipped) == [cause]
    assert boxes.held(data.labels[1]).sum() == 1


def test_a_class_that_is_only_tested_is_left_out(tmp_path):
    pictures = PICTURES | {"p9": [CAT, ("owl", 1, 1, 9, 9)]}
    data = read(voc_folder(tmp_path / "set", pictures, {"train": NAMES[:8], "test": NAMES[8:]}))
    assert data.classes == ("cat", "dog")
    assert causes(data.skipped) == ["class without a training box: owl in p9.png"]


BOMB = "<!DOCTYPE a [<!ENTITY b 'x'>" + "".join(f"<!ENTITY b{i} '{'&b;' * 10}'>" for i in range(9)) + "]>"


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("", "broken annotation: p1.xml"),
        ("<annotation><object>", "broken annotation: p1.xml"),
        ("<?xml version='1.0' encoding='nonsense'?><annotation/>", "broken annotation: p1.xml"),
        (BOMB + annotation([CAT]), "broken annotation: p1.xml"),
    ],
)
def test_a_broken_annotation_is_left_out_with_its_picture(folder, text, cause):
    data = read(change(folder, "p1", text))
    assert causes(data.skipped) == [cause]
    assert len(data.labels) == 9


def test_entities_are_refused_in_any_encoding():
    for encoding in ("utf-8", "utf-16"):
        with pytest.raises(ValueError, match="document type"):
            parsed(f"{BOMB}<annotation>&b8;</annotation>".encode(encoding))
    assert parsed("<a><name>K\xe4tzchen &amp; Co</name></a>".encode("utf-16")).findtext("name") == "K\xe4tzchen & Co"


def test_missing_damaged_and_turned_pictures_are_left_out(folder):
    (folder / "JPEGImages" / "p1.png").unlink()
    (folder / "JPEGImages" / "p2.png").write_bytes(b"no picture")
    picture(folder / "JPEGImages" / "p3.png", size=(40, 60))
    data = read(folder)
    assert len(data.labels) == 7
    assert sorted(causes(data.skipped)) == [
        "annotation without a picture: p1.xml",
        "no image that Pillow reads: JPEGImages/p2.png",
        "picture of another shape than annotated: p3.png",
    ]


def test_annotations_that_cannot_be_opened_are_named(folder):
    (folder / "Annotations" / "gone.xml").symlink_to(folder / "nowhere.xml")
    assert load(f"voc:{folder}").skipped == ("Annotations/gone.xml (dead link)",)


def test_a_photograph_is_annotated_as_its_camera_was_held(folder):
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side: 60x40 in the file, 40x60 upright
    picture(folder / "JPEGImages" / "p1.png", [("cat", 0, 0, 30, 40)], exif=exif)
    change(folder, "p1", annotation([("cat", 0, 0, 40, 30)], size=(40, 60)))
    data = read(folder, resolution=60)
    assert data.labels[1, 0, 1:5] == pytest.approx([1 / 3, 0.25, 2 / 3, 0.5])
    assert (data.images[1, 0, 5:25, 5:35] > 200).all()
    assert (data.images[1, 0, 35:, :40] == 90).all()
    assert (data.images[1, :, :, 40:] == 114).all()


def test_a_picture_is_found_by_its_annotation_s_name_or_by_what_this_says(folder):
    (folder / "JPEGImages" / "p1.png").rename(folder / "JPEGImages" / "other.jpg")
    change(folder, "p1", annotation([CAT], filename=r"C:\pictures\other.jpg"))
    change(folder, "p2", annotation([CAT], filename="p3.png"))  # as after renaming
    data = read(folder)
    assert len(data.labels) == 10
    assert data.skipped == ()


def test_names_are_shown_safely(tmp_path):
    pictures = PICTURES | {"p1": [("<b>\u202ecat</b>", 5, 4, 25, 24), ("a\u0308", 1, 1, 9, 9)]}
    data = read(voc_folder(tmp_path / "set", pictures))
    assert set(data.classes) == {"<b>\u202ecat</b>", "\xe4", "cat", "dog"}


def refuse(folder: Path, match: str) -> None:
    with pytest.raises(DataError, match=match):
        read(folder)


def test_what_is_no_such_folder_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    refuse(tmp_path / "empty", "neither a folder Annotations nor XML files")
    (tmp_path / "set.zip").touch()
    refuse(tmp_path / "set.zip", "is an archive; unpack it and write voc:FOLDER")
    (tmp_path / "half" / "Annotations").mkdir(parents=True)
    refuse(tmp_path / "half", "no folder JPEGImages")
    for name in ("VOC2007", "VOC2012"):
        voc_folder(tmp_path / "kit" / name)
    refuse(tmp_path / "kit", "several data sets, VOC2007, VOC2012; write voc:.*VOC2007 or another")


def test_a_set_of_which_nothing_is_left_is_refused_with_the_first_cause(folder):
    for name in PICTURES:
        change(folder, name, "<annotation>")
    refuse(
        folder,
        r"no picture of the training part has a box .* 10 left out, the first p0.xml \(broken annotation: no ele",
    )
    for name in PICTURES:
        change(folder, name, annotation([]))
    refuse(folder, "no picture of the training part has a box to learn from.$")


def test_one_class_is_enough(tmp_path):
    data = read(voc_folder(tmp_path / "set", {name: [CAT] for name in NAMES}))
    assert data.classes == ("cat",)
    assert data.parts == {"train": 6, "validation": 2, "test": 2}
