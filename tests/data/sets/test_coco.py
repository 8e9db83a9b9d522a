"""Files of instances as COCO and Roboflow place them: boxes, parts, pictures, and all that may be wrong."""

import json

import numpy as np
import pytest
from boxed_folders import PICTURES, coco_file, instances, picture, voc_folder, write
from picture_folders import damage

from nas.data import boxes, load, stored
from nas.data.boxes import CLASS, CROWD
from nas.data.sets.coco import coco
from nas.data.summary import causes
from nas.errors import DataError
from nas.testing import DataSuite

NAMES = list(PICTURES)
PARTS = {"train": NAMES[:6], "val": NAMES[6:8], "test": NAMES[8:]}


def some(part):
    return {name: PICTURES[name] for name in PARTS[part]}


def read(file, **how):
    return load(f"coco:{file}", **how)


def changed(tmp_path, change):
    """The data set of a file that `change` has altered."""
    file = coco_file(tmp_path / "all.json")
    content = instances()
    return read(write(file, change(content) or content))


class TestConformance(DataSuite):
    kind = coco

    @pytest.fixture
    def path(self, tmp_path):
        return coco_file(tmp_path / "all.json")


class TestConformanceOutsideMemory(TestConformance):
    @pytest.fixture
    def path(self, tmp_path, monkeypatch):
        monkeypatch.setattr(stored, "IN_MEMORY", 1000)
        return coco_file(tmp_path / "all.json")


def test_it_is_the_same_data_set_as_a_voc_folder(tmp_path):
    ours, theirs = read(coco_file(tmp_path / "all.json")), load(f"voc:{voc_folder(tmp_path / 'voc')}")
    for name in ("images", "labels", "train", "validation", "test"):
        assert np.array_equal(getattr(ours, name), getattr(theirs, name))
    assert (ours.classes, ours.skipped, ours.name) == (theirs.classes, (), "coco:all.json")


@pytest.mark.parametrize("given", ["train", "val", "test"])
@pytest.mark.parametrize(
    ("file", "home"),
    [
        ("annotations/instances_{}2017.json", "{}2017"),
        ("annotations/instances_{}2017.json", "images/{}2017"),
        ("annotations/instances_{}2017.json", "images"),
        ("{}.json", "{}"),
        ("{}/_annotations.coco.json", "{}"),
        ("{}/_annotations.coco.json", "{}/images"),
        ("labels/{}.json", "data"),
    ],
)
def test_parts_are_found_beside_any_of_them_with_their_pictures(tmp_path, file, home, given):
    for part in PARTS:
        called = {"val": "valid"}.get(part, part) if "coco" in file else part
        coco_file(tmp_path / file.format(called), some(part), tmp_path / home.format(called))
    called = {"val": "valid"}.get(given, given) if "coco" in file else given
    data = read(tmp_path / file.format(called))
    assert data.parts == {"train": 6, "validation": 2, "test": 2}
    assert data.skipped == ()
    assert np.array_equal(data.labels, read(coco_file(tmp_path / "one" / "all.json")).labels)


def test_parts_are_found_from_within_a_folder_of_one(tmp_path, monkeypatch):
    for part in PARTS:
        coco_file(tmp_path / part / "_annotations.coco.json", some(part), tmp_path / part)
    (tmp_path / "train" / "inside").mkdir()
    monkeypatch.chdir(tmp_path / "train" / "inside")
    assert read("../_annotations.coco.json").parts == {"train": 6, "validation": 2, "test": 2}
    assert read("../../val/_annotations.coco.json").part == "validation"


@pytest.mark.parametrize("seed", [0, 1])
def test_a_part_to_judge_by_without_a_box_of_a_class_is_refused(tmp_path, seed):
    file, content = coco_file(tmp_path / "all.json"), instances()
    content["categories"] = [{"id": number, "name": f"class {number}"} for number in range(3)]
    content["annotations"] = [
        {"id": number, "image_id": content["images"][number]["id"], "category_id": number, "bbox": [1, 1, 5, 5]}
        for number in range(3)
    ]
    write(file, content)
    with pytest.raises(DataError, match="part would have no box of a class that is trained on"):
        load(f"coco:{file}", seed=seed)


@pytest.mark.parametrize("part", ["train", "val"])
def test_a_part_whose_boxes_are_all_on_damaged_pictures_is_refused(tmp_path, part):
    for name in PARTS:
        boxes = {f"{name}{i}": PICTURES["p4"] if i == 1 or name != part else [] for i in range(8)}
        file = coco_file(tmp_path / f"{name}.json", boxes)
    damage(tmp_path / "images" / f"{part}1.png")
    assert read(file, in_memory=False).skipped == ()
    with pytest.raises(DataError, match=rf"part would have no box .* 1 left out, the first .*{part}1\.png"):
        read(file)


def test_pictures_of_one_name_are_those_of_their_part(tmp_path):
    for part, box in (
        ("train", ("cat", 0, 0, 30, 20)),
        ("val", ("cat", 30, 20, 60, 40)),
        ("test", ("dog", 0, 0, 60, 40)),
    ):
        pictures = {name: [box] for name in NAMES[:3]}
        coco_file(tmp_path / "annotations" / f"instances_{part}.json", pictures, tmp_path / part)
    (tmp_path / "val" / "p0.png").unlink()
    data = read(tmp_path / "annotations" / "instances_train.json", resolution=60)
    assert data.parts == {"train": 3, "validation": 2, "test": 3}
    assert data.images[data.train[0], 0, 5, 5] == pytest.approx(250, abs=9)
    assert data.images[data.validation[0], 0, 30, 50] == pytest.approx(250, abs=9)


def test_a_picture_that_a_link_puts_into_two_parts_is_not_trained_on(tmp_path):
    for part in ("train", "val"):
        coco_file(tmp_path / f"{part}.json", some(part), tmp_path / part)
    linked = tmp_path / "val" / f"{PARTS['val'][0]}.png"
    linked.unlink()
    linked.symlink_to(tmp_path / "train" / f"{PARTS['train'][0]}.png")
    data = read(tmp_path / "train.json")
    assert data.parts["validation"] == 2
    assert data.parts["train"] + data.parts["test"] == 5
    assert causes(data.skipped) == [f"picture that is listed twice: {PARTS['train'][0]}.png"]


def test_other_years_and_captions_are_no_parts(tmp_path):
    for part in ("train", "val"):
        coco_file(tmp_path / "annotations" / f"instances_{part}2017.json", some(part), tmp_path / f"{part}2017")
        write(tmp_path / "annotations" / f"instances_{part}2014.json", [])
        write(tmp_path / "annotations" / f"captions_{part}2017.json", [])
    data = read(tmp_path / "annotations" / "instances_train2017.json")
    assert data.parts == {"train": 5, "validation": 2, "test": 1}


@pytest.mark.parametrize(
    "name",
    [
        "sub/p1.png",
        r"sub\p1.png",
        "../images/sub/p1.png",
        "other/../sub/p1.png",
        "/home/x/sub/p1.png",
        "https://x.example/a/p1.png",
    ],
)
def test_paths_of_pictures_are_taken_as_they_are_or_by_their_last_name(tmp_path, name):
    def change(content):
        content["images"][1]["file_name"] = name

    picture(tmp_path / "images" / "sub" / "p1.png")
    data = changed(tmp_path, change)
    assert len(data.labels) == 10
    assert data.skipped == ()


@pytest.mark.parametrize(
    "name", ["../secret.png", r"..\..\secret.png", "images/../../secret.png", "{above}/secret.png"]
)
def test_no_path_leads_out_of_the_folders_where_pictures_are_looked_for(tmp_path, name):
    picture(tmp_path / "secret.png")
    name, home = name.format(above=tmp_path), tmp_path / "set"
    data = changed(home, lambda content: content["images"].append({"id": 1, "file_name": name}))
    assert causes(data.skipped) == [f"missing picture: {name}"]


def test_categories_have_any_numbers_and_those_without_a_box_are_none(tmp_path):
    def change(content):
        content["categories"] = [{"id": 0, "name": "pets"}, *reversed(content["categories"])]
        content["categories"][1]["name"] = "a dog\n"

    assert changed(tmp_path, change).classes == ("cat", "a dog")


def test_categories_of_the_parts_are_told_by_their_names(tmp_path):
    for part in ("train", "val"):
        coco_file(tmp_path / f"{part}.json", some(part), tmp_path / part)
    content = instances(some("val"))
    for entry in (*content["categories"], *content["annotations"]):
        key = "category_id" if "category_id" in entry else "id"
        entry[key] = {3: "two", 6: 1}[entry[key]]
    before = read(tmp_path / "train.json").labels
    write(tmp_path / "val.json", content)
    assert np.array_equal(read(tmp_path / "train.json").labels, before)


def test_crowds_are_ignored_areas(tmp_path):
    def change(content):
        content["annotations"][0] |= {"iscrowd": 1, "segmentation": {"counts": [1, 2], "size": [40, 60]}}

    data = changed(tmp_path, change)
    assert data.labels[1, 0, [CLASS, CROWD]].tolist() == [0, 1]
    assert boxes.count(data.labels, 2) == ([7, 5], 2)


@pytest.mark.parametrize(
    ("entry", "cause"),
    [
        ({"bbox": [10, 10, 0, 30]}, "box of no area: cat in p1.png"),
        ({"bbox": [10, 10, 5, -3]}, "box of no area: cat in p1.png"),
        ({"bbox": [60, 10, 5, 5]}, "box outside its picture: cat in p1.png"),
        ({"bbox": [1, 2, 3]}, "box without four numbers: cat in p1.png"),
        ({"bbox": None}, "box without four numbers: cat in p1.png"),
        ({"bbox": [1, 2, 3, float("nan")]}, "box without four numbers: cat in p1.png"),
        ({"bbox": [1, [2], 3, 4]}, "box without four numbers: cat in p1.png"),
        ({"bbox": [6, 4, 20, 20]}, "box that occurs twice: cat in p1.png"),
        ({"category_id": 93}, "unknown category: category 93 in p1.png"),
        ({"category_id": [3]}, "unknown category: category None in p1.png"),
        ({"image_id": 7}, "box of an unknown image: box of image 7"),
        ({"image_id": None}, "box of an unknown image: box of image None"),
        ("a text", "box of an unknown image: box of image None"),
    ],
)
def test_a_bad_box_is_left_out_and_its_picture_stays(tmp_path, entry, cause):
    def change(content):
        whole = {"image_id": 101, "category_id": 3, "bbox": [30, 20, 9, 9]}
        content["annotations"].append(whole | entry if isinstance(entry, dict) else entry)

    data = changed(tmp_path, change)
    assert causes(data.skipped) == [cause]
    assert boxes.held(data.labels).sum() == 13
    assert len(data.labels) == 10


@pytest.mark.parametrize(
    ("entry", "cause"),
    [
        ({"id": 1, "file_name": "none.png"}, "missing picture: none.png"),
        ({"id": 1, "file_name": "x" * 5000}, "missing picture: " + "x" * 5000),
        ({"id": 1, "file_name": "\ud800.png"}, r"missing picture: \ud800.png"),
        ({"id": 100, "file_name": "p1.png"}, "image whose id occurs twice: p1.png"),
        ({"id": 1, "file_name": "p1.png"}, "picture that is listed twice: p1.png"),
        ({"id": 1}, "image without id or file name: {'id': 1}"),
        ({"file_name": "p1.png"}, "image without id or file name: {'file_name': 'p1.png'}"),
        (3, "image without id or file name: 3"),
        ({"id": 1, "file_name": "bad.png"}, "no image that Pillow reads: images/bad.png"),
    ],
)
def test_a_bad_image_is_left_out(tmp_path, entry, cause):
    (tmp_path / "set" / "images").mkdir(parents=True)
    (tmp_path / "set" / "images" / "bad.png").write_text("no picture")
    data = changed(tmp_path / "set", lambda content: content["images"].append(entry))
    assert causes(data.skipped) == [cause.replace("images/", "set/images/")]
    assert len(data.labels) == 10


def test_annotations_may_repeat_their_own_number(tmp_path):
    def change(content):
        for entry in content["annotations"]:
            entry["id"] = 1

    assert boxes.held(changed(tmp_path, change).labels).sum() == 13


def test_a_picture_of_two_parts_is_not_trained_on(tmp_path):
    coco_file(tmp_path / "train.json", PICTURES)
    coco_file(tmp_path / "test.json", some("test"))
    data = read(tmp_path / "train.json")
    assert causes(data.skipped) == ["picture that is listed twice: 2, the first p8.png"]
    assert data.parts == {"train": 6, "validation": 2, "test": 2}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"{", "cannot be read as JSON: Expecting property name"),
        (b"\xff\xfe\xfd", "cannot be read as JSON"),
        (b"[" * 100_000, "cannot be read as JSON"),
        (b"[]", "holds a list; a file of instances holds images, annotations, categories"),
        (b'{"info": 1, "images": []}', "holds info, images, but no list of annotations"),
        (json.dumps(instances({})).encode(), "no picture of the training part has a box to learn from"),
    ],
)
def test_a_file_that_holds_no_instances_is_refused(tmp_path, content, says):
    (tmp_path / "all.json").write_bytes(content)
    with pytest.raises(DataError, match=says):
        read(tmp_path / "all.json")


def test_it_is_said_where_pictures_were_looked_for(tmp_path):
    file = write(tmp_path / "annotations" / "all.json", instances())
    (tmp_path / "photos").mkdir()
    with pytest.raises(
        DataError, match=rf"10 left out, the first p0.png \(missing picture: looked for in .*{tmp_path}/photos"
    ):
        read(file)


def test_a_folder_is_refused_with_the_files_in_it(tmp_path):
    file = coco_file(tmp_path / "annotations" / "all.json")
    with pytest.raises(DataError, match=f"is a folder; write coco:FILE with one of {file}"):
        read(tmp_path)
    with pytest.raises(DataError, match=r"is a folder; write coco:FILE with a JSON file of instances\."):
        read(tmp_path / "annotations" / "images")


def test_two_files_of_one_part_are_refused(tmp_path):
    for part in ("train", "val", "valid"):
        coco_file(tmp_path / f"{part}.json", some("train"))
    with pytest.raises(DataError, match="both 'val' and 'valid' might be the validation part"):
        read(tmp_path / "train.json")
