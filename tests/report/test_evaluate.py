"""Networks and exported files are judged on labelled images as a training judges its network on the test part."""

import math
import shutil
from pathlib import Path
from typing import Any

import detections
import numpy as np
import pytest
import torch
from boxed_folders import PICTURES, coco_file, voc_folder
from documents import photos
from PIL import Image
from small_models import model_of

import nas
from nas.errors import DataError, RunError, SettingError
from nas.record.trained import Trained
from nas.training.model import Model

PARTS = ("train", "val", "test")
SPACE = {
    "resolution": 16,
    "stem": {"kind": "conv", "width": 8},
    "stages": [{"block": "conv", "depth": 1, "width": 16, "stride": 2}],
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    home = tmp_path_factory.mktemp("evaluate")
    photos(home / "photos", ("a", "b", "c", "d"), 20)
    data = f"image_folder:{home / 'photos'}"
    return nas.train(SPACE, data=data, changes={"epochs": 2}, name="net", runs=home / "runs", split_seed=3, seed=1)


@pytest.fixture
def new(tmp_path: Path) -> Path:
    """Photographs of three of the four classes, in folders that were no part of any training."""
    photos(tmp_path / "new", ("d", "b", "a"), 6)
    return tmp_path / "new"


def test_the_test_part_of_its_own_data_is_judged_as_the_training_did(trained: Trained) -> None:
    found, said = nas.evaluate(trained.folder), trained.ending
    assert said
    assert (found.part, found.data, found.flattered) == ("test", trained.config.data, "")
    assert found.verdict.images == said.verdict.images
    assert found.verdict.metrics.keys() == said.verdict.metrics.keys()
    for name, one in said.verdict.metrics.items():
        again = found.verdict.metrics[name]
        assert [again.value, again.low, again.high] == pytest.approx([one.value, one.low, one.high]), name
    assert found.verdict.confusion == said.verdict.confusion
    assert [one.row for one in found.verdict.mistakes] == [one.row for one in said.verdict.mistakes]
    assert list(found.pictures) == list(said.pictures)


@pytest.mark.long
@pytest.mark.parametrize("form", ["onnx", "pt2", "python", "safetensors", "hub"])
def test_what_it_was_exported_to_is_judged_alike(trained: Trained, form: str, tmp_path: Path) -> None:
    suffix = {"python": ".py", "hub": ""}.get(form, f".{form}")
    nas.export(trained.folder, form, path := tmp_path / f"net{suffix}")
    data = "" if form in ("onnx", "pt2", "safetensors", "hub") else trained.config.data
    one, other = nas.evaluate(trained.folder), nas.evaluate(path, data, part="test", split_seed=3)
    assert (other.data, other.part) == (one.data, "test")
    assert other.verdict.confusion == one.verdict.confusion


def by_hand(model: Model, folder: Path) -> list[list[int]]:
    table = [[0] * 4 for _ in range(4)]
    for file in sorted(folder.rglob("*.jpg")):
        with torch.inference_mode():
            table[model.classes.index(file.parent.name)][int(model(model.preprocess(file)).argmax())] += 1
    return table


def test_all_of_other_images_are_judged_and_fewer_classes_keep_their_names(new: Path) -> None:
    model = model_of(["conv"], data="image_folder:elsewhere", seed=0)
    found = nas.evaluate(model, f"image_folder:{new}")
    assert (found.part, found.verdict.images, found.flattered) == ("all", 18, "")
    assert found.verdict.confusion == by_hand(model, new)
    absent = {one["class"] for one in found.facts()["classes"] if not one["images"]}
    assert absent == {"c"}
    for mistake in found.verdict.mistakes:
        assert Path(found.names[mistake.row]).parent.name == model.classes[mistake.label]
        assert model.preprocess(new / found.names[mistake.row]).shape == (1, 3, 16, 16)


def test_images_that_it_learnt_from_are_told(trained: Trained) -> None:
    every = nas.evaluate(trained.folder, part="all")
    assert every.verdict.images == 80
    other = nas.evaluate(trained.folder, split_seed=4)
    for found in (every, other):
        assert "divided by seed 3, and some of these images may not be new" in found.flattered
        assert "--part test --split-seed 3" in found.flattered
    own = nas.evaluate(trained.folder, part="train")
    assert own.flattered.startswith("it learnt from these images; --part test --split-seed 3")


def test_a_copy_of_the_images_that_it_learnt_from_is_told_by_its_size(trained: Trained, tmp_path: Path) -> None:
    copied = shutil.copytree(trained.config.data.partition(":")[2], tmp_path / "copied")
    found = nas.evaluate(trained.folder, f"image_folder:{copied}")
    assert "which has as many images; if they are these, most are not new to it" in found.flattered


def test_a_training_that_has_not_ended_is_told_before_its_test_part_is_used_up(trained: Trained) -> None:
    model = nas.load(trained.folder)
    model.facts["finished"] = False
    assert "its training has not ended" in nas.evaluate(model).flattered
    assert not nas.evaluate(model, part="validation").flattered.startswith("its training")


def test_images_of_the_training_that_are_not_there_are_said_to_be_its(trained: Trained, tmp_path: Path) -> None:
    model = nas.load(trained.folder)
    model.facts["data"] = f"image_folder:{tmp_path / 'gone'}"
    with pytest.raises(DataError, match=r"gone .*It is what .* was trained on, as named there; name images with"):
        nas.evaluate(model)


@pytest.mark.parametrize("seed", [-1, "a", 1.5, 2**32])
def test_a_seed_that_is_none_is_refused(trained: Trained, seed: object) -> None:
    with pytest.raises(SettingError, match=r"split_seed: found .*; write a whole number from 0 to 4294967295"):
        nas.evaluate(trained.folder, split_seed=seed)


def test_a_seed_may_be_numpy_s(trained: Trained) -> None:
    seeds: list[Any] = [4, np.int64(4), np.uint8(4)]
    first, *others = (nas.evaluate(trained.folder, split_seed=seed).facts() for seed in seeds)
    assert others == [first, first]


def test_a_test_part_that_images_have_joined_is_told(tmp_path: Path) -> None:
    photos(tmp_path / "photos", ("a", "b", "c", "d"), 8)
    parts, data = {"train": 18, "validation": 6, "test": 4}, f"image_folder:{tmp_path / 'photos'}"
    found = nas.evaluate(model_of(["conv"], data=data, split_seed=0, parts=parts))
    assert found.part == "test"
    assert "holds other images than when it learnt from them" in found.flattered


def test_an_image_damaged_behind_its_header_is_no_change_of_the_data(tmp_path: Path) -> None:
    photos(tmp_path / "photos", ("a", "b", "c", "d"), 8)
    for file in sorted(tmp_path.rglob("a/*.jpg"))[:2]:
        file.write_bytes(file.read_bytes()[:-300])
    data = f"image_folder:{tmp_path / 'photos'}"
    parts = nas.data.load(data, resolution=16, in_memory=True).parts
    assert sum(parts.values()) == 30
    model = model_of(["conv"], data=data, split_seed=0, parts=parts)
    found = nas.evaluate(model)
    assert (found.part, found.flattered) == ("test", "")
    shutil.copytree(tmp_path / "photos", tmp_path / "copy")
    assert "has as many images" in nas.evaluate(model, f"image_folder:{tmp_path / 'copy'}").flattered


@pytest.mark.parametrize("counts", [{"b": 1}, {"d": 2, "a": 1}, {"c": 1, "frog": 0}])
def test_a_few_images_are_judged_as_they_are(tmp_path: Path, counts: dict[str, int]) -> None:
    for name, count in counts.items():
        photos(tmp_path / "few", (name,), count)
        (tmp_path / "few" / name).mkdir(exist_ok=True)
    found = nas.evaluate(model_of(["conv"]), f"image_folder:{tmp_path / 'few'}")
    assert found.verdict.confusion == by_hand(model_of(["conv"]), tmp_path / "few")
    with pytest.raises(DataError, match=r"at least [23]|no readable image of 'frog'"):
        nas.evaluate(model_of(["conv"]), f"image_folder:{tmp_path / 'few'}", part="test")


def test_a_photograph_with_boxes_is_judged_alone(tmp_path: Path) -> None:
    name, boxes = next((name, boxes) for name, boxes in PICTURES.items() if boxes)
    folder = voc_folder(tmp_path / "one", {name: boxes})
    found = nas.evaluate(detections.model(names=("dog", "bird", "cat")), f"voc:{folder}")
    assert (found.verdict.images, found.boxes.counts["objects"]) == (1, len(boxes))
    bare = voc_folder(tmp_path / "bare", {name: ()})
    with pytest.raises(DataError, match="no picture has a box to judge by"):
        nas.evaluate(detections.model(names=("dog", "bird", "cat")), f"voc:{bare}")


def test_a_class_that_the_network_does_not_know_is_refused_with_the_nearest(new: Path) -> None:
    shutil.copytree(new / "a", new / "aa")
    with pytest.raises(DataError, match=r"small knows no class 'aa'\. Did you mean 'a'\? Allowed: a, b, c, d"):
        nas.evaluate(model_of(["conv"]), f"image_folder:{new}")


def test_an_image_that_cannot_be_read_is_left_out_and_named(new: Path) -> None:
    whole = sum(map(sum, by_hand(model_of(["conv"]), new)))
    file = new / "a" / "001.jpg"
    file.write_bytes(file.read_bytes()[:-300])
    found = nas.evaluate(model_of(["conv"]), f"image_folder:{new}")
    assert found.verdict.images == whole - 1
    (left,) = found.unreadable
    assert left.startswith("a/001.jpg")
    file.unlink()
    assert found.verdict.confusion == by_hand(model_of(["conv"]), new)


def test_grey_photographs_are_read_as_the_network_takes_them(new: Path) -> None:
    for file in new.rglob("*.jpg"):
        Image.open(file).convert("L").save(file)
    model = model_of(["conv"])
    assert nas.evaluate(model, f"image_folder:{new}").verdict.confusion == by_hand(model, new)


def test_a_network_that_does_not_say_its_data_needs_some() -> None:
    with pytest.raises(SettingError, match="small: does not say which images it was trained on; name images with"):
        nas.evaluate(model_of(["conv"]))
    with pytest.raises(SettingError, match=r"unknown part 'tst'\. Did you mean 'test'\? Allowed: all, train, "):
        nas.evaluate(model_of(["conv"]), "digits", part="tst")


def test_labels_and_channels_must_be_what_it_answers(tmp_path: Path) -> None:
    boxed = f"voc:{voc_folder(tmp_path / 'boxed')}"
    with pytest.raises(DataError, match=r"holds boxes; small is judged by classes\. Name other images"):
        nas.evaluate(model_of(["conv"]), boxed)
    with pytest.raises(DataError, match="digits: images of 1 channels; small takes 3"):
        nas.evaluate(model_of(["conv"]), "digits")


def test_a_detector_is_judged_by_its_boxes_whatever_order_classes_have(tmp_path: Path) -> None:
    folder = voc_folder(tmp_path / "boxed")
    found = nas.evaluate(detections.model(names=("dog", "bird", "cat")), f"voc:{folder}")
    assert found.boxes
    objects = {one.label: one.objects for one in found.boxes.classes}
    counts = [sum(name == one for boxes in PICTURES.values() for one, *_ in boxes) for name in ("dog", "bird", "cat")]
    assert [objects[label] for label in range(3)] == counts
    told = {one["class"]: one["objects"] for one in found.facts()["classes"]}
    assert [told[name] for name in ("dog", "bird", "cat")] == counts
    assert 0 <= found.verdict.metrics["map"].value <= 1
    assert all(Path(name).suffix == ".png" for name in found.names.values())
    assert len(found.pictures) == len(found.boxes.shown)


def test_the_part_whose_file_is_named_is_judged_and_no_other(tmp_path: Path) -> None:
    names = list(PICTURES)
    parts = {"train": names[:7], "val": names[7:]}
    for part, some in parts.items():
        coco_file(tmp_path / f"instances_{part}.json", {name: PICTURES[name] for name in some})
    model = detections.model(names=("dog", "bird", "cat"))
    for part, some in parts.items():
        found = nas.evaluate(model, f"coco:{tmp_path / f'instances_{part}.json'}")
        assert (found.part, found.verdict.images) == ({"val": "validation"}.get(part, part), len(some))
    every = nas.evaluate(model, f"coco:{tmp_path / 'instances_val.json'}", part="all")
    assert (every.part, every.verdict.images) == ("all", len(names))


def test_a_test_part_of_its_own_is_new_whichever_file_and_seed_are_named(tmp_path: Path) -> None:
    boxed = [name for name, boxes in PICTURES.items() if boxes]
    for part, some in {"train": list(PICTURES), "val": boxed[:3], "test": boxed[3:]}.items():
        coco_file(tmp_path / f"{part}.json", {f"{part}{name}": PICTURES[name] for name in some})
    model, files = detections.model(names=("dog", "cat")), {part: f"coco:{tmp_path / part}.json" for part in PARTS}
    model.facts |= {"data": files["train"], "split_seed": 3}
    for found in (
        nas.evaluate(model),
        nas.evaluate(model, files["test"]),
        nas.evaluate(model, files["val"], part="test"),
        nas.evaluate(model, part="test", split_seed=0),
    ):
        assert (found.part, found.verdict.images, found.flattered) == ("test", 5, "")
    found = nas.evaluate(model, files["val"])
    assert (found.part, found.split_seed, found.verdict.images) == ("validation", 3, 3)
    assert "divided by seed 3, and some of these images may not be new" in found.flattered


def test_boxes_of_a_class_that_training_lacked_are_left_out_as_there_but_judged_elsewhere(tmp_path: Path) -> None:
    cats = {name: [box for box in boxes if box[0] == "cat"] for name, boxes in PICTURES.items()}
    for part, pictures in {"train": cats, "val": PICTURES, "test": cats}.items():
        coco_file(tmp_path / f"{part}.json", {f"{part}{name}": boxes for name, boxes in pictures.items()})
    files = {part: f"coco:{tmp_path / part}.json" for part in PARTS}
    model, count = detections.model(names=("cat",)), sum(map(len, cats.values()))
    model.facts |= {"data": files["train"], "split_seed": 0}
    for data, part, parts in (("", "all", 3), (files["val"], "", 1), (files["test"], "", 1)):
        found = nas.evaluate(model, data, part=part)
        assert found.boxes
        assert found.boxes.counts["objects"] == parts * count
    model.facts["data"] = "coco:elsewhere.json"
    assert nas.evaluate(model, files["test"]).verdict.images == len(cats)
    with pytest.raises(DataError, match=r"val\.json: finder knows no class 'dog'"):
        nas.evaluate(model, files["val"])


def test_a_few_images_in_an_archive_are_judged_as_they_are(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), np.uint8)
    np.savez(tmp_path / "few.npz", x=images, y=["b"] * 3)
    found = nas.evaluate(model_of(["conv"]), f"npz:{tmp_path / 'few.npz'}")
    assert found.verdict.images == 3
    with pytest.raises(DataError, match="at least 2"):
        nas.evaluate(model_of(["conv"]), f"npz:{tmp_path / 'few.npz'}", part="test")


def test_its_own_data_by_a_link_are_its_own(trained: Trained, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(trained.config.data.partition(":")[2])
    found = nas.evaluate(trained.folder, f"image_folder:{tmp_path / 'link'}")
    assert (found.part, found.flattered) == ("test", "")


@pytest.mark.parametrize("training", [True, False])
def test_a_model_stays_as_it_was_and_is_judged_alike(new: Path, training: bool) -> None:
    expected = by_hand(model_of(["conv"]), new)
    model = model_of(["conv"]).train(training)
    model.network.stem.train(not training)
    before = [part.training for part in model.modules()]
    assert nas.evaluate(model, f"image_folder:{new}").verdict.confusion == expected
    assert [part.training for part in model.modules()] == before


def test_progress_is_told(new: Path) -> None:
    told: list[float] = []
    nas.evaluate(model_of(["conv"]), f"image_folder:{new}", watch=told.append)
    assert math.isclose(told[-1], 1)


def test_answers_that_are_no_numbers_are_not_judged(new: Path) -> None:
    model = model_of(["conv"])
    torch.nn.init.constant_(next(model.network.stem.parameters()), math.nan)
    with pytest.raises(RunError, match="answers became nan on images of "):
        nas.evaluate(model, f"image_folder:{new}")


def test_a_model_in_hand_stays_where_it_is(new: Path) -> None:
    with pytest.raises(SettingError, match=r"device: found 'cpu'; a model is judged where it is, and model.to moves"):
        nas.evaluate(model_of(["conv"]), f"image_folder:{new}", device="cpu")
