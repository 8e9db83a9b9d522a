"""Data sets of Hugging Face: folders that its library wrote or reads, columns, parts, and what is not there."""

import io
import logging
import pickle
import sys
import time

import numpy as np
import pytest
from PIL import Image

from nas.data import load
from nas.data.sets.huggingface import huggingface
from nas.data.stream import stream
from nas.errors import DataError
from nas.testing import DataSuite

datasets = pytest.importorskip("datasets")


@pytest.fixture(autouse=True, scope="module")
def _no_hub(tmp_path_factory):
    """What is written where the library keeps its own things is seen."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path_factory.mktemp("hub"))
        yield


def pictures(count: int, mode: str = "RGB", first: int = 0):
    rng = np.random.default_rng(first)
    images = [Image.fromarray(rng.integers(0, 255, (6, 8, 3), np.uint8)).convert(mode) for _ in range(count)]
    return [image.resize((40, 30), Image.Resampling.BICUBIC) for image in images]


def table(labels, feature=None, image="image", label="label", **more):
    columns = {image: pictures(len(labels)), label: labels, **{name: values for name, (values, _) in more.items()}}
    features = {image: datasets.Image(), label: feature or datasets.Value("string")}
    features |= {name: kind for name, (_, kind) in more.items()}
    return datasets.Dataset.from_dict(columns, features=datasets.Features(features))


NAMED = [0, 1, 2] * 4
NAMES = datasets.ClassLabel(names=["owl", "ant", "cat"])


def saved(folder, found):
    datasets.disable_progress_bars()
    found.save_to_disk(folder / "set")
    return f"huggingface:{folder / 'set'}"


def test_labels_stand_in_a_table_beside_the_images(tmp_path, monkeypatch):
    monkeypatch.setenv("NAS_CACHE", str(tmp_path / "cache"))
    for part, count in (("train", 16), ("val", 4)):
        (tmp_path / "set" / part).mkdir(parents=True)
        rows = ["file_name,age,diagnosis", *(f"{i}.png,{i},{'ab'[i % 2]}" for i in range(count)), "gone.png,3,a"]
        (tmp_path / "set" / part / "metadata.csv").write_text("\n".join(rows))
        for i, picture in enumerate(pictures(count + 1)):
            picture.save(tmp_path / "set" / part / f"{i}.png")
    found = load(f"huggingface:{tmp_path / 'set'}?label=diagnosis")
    assert found.classes == ("a", "b")
    assert found.parts["validation"] == 4
    assert sum(found.parts.values()) == 20
    assert [name.split(" (")[0] for name in found.skipped] == ["train[16]", "validation[4]"]


class TestConformance(DataSuite):
    """The suite of data sets."""

    kind = huggingface

    @pytest.fixture
    def path(self, tmp_path):
        saved(tmp_path, table(NAMED, NAMES))
        return tmp_path / "set"


class TestConformanceOutsideMemory(TestConformance):
    """The same of pictures that do not fit."""

    @pytest.fixture(autouse=True)
    def _small(self, monkeypatch):
        monkeypatch.setattr("nas.data.stored.IN_MEMORY", 1000)


def test_classes_are_those_of_the_column_in_its_order(tmp_path):
    data = load(saved(tmp_path, table(NAMED, NAMES)), resolution=16)
    assert data.name == "huggingface:set"
    assert data.classes == ("owl", "ant", "cat")
    assert data.labels.tolist() == NAMED
    assert data.images.shape == (12, 3, 16, 16)
    assert data.mirror


@pytest.mark.parametrize(
    ("labels", "kind", "classes"),
    [
        (["dog", "ant", "dog", "ant"] * 3, "string", ("ant", "dog")),
        ([10, 9, 10, 9] * 3, "int64", ("9", "10")),
        ([True, False] * 6, "bool", ("False", "True")),
    ],
)
def test_texts_and_numbers_are_classes_in_their_order(tmp_path, labels, kind, classes):
    data = load(saved(tmp_path, table(labels, datasets.Value(kind))), resolution=8)
    assert data.classes == classes
    assert [data.classes[label] for label in data.labels] == [str(label) for label in labels]


def test_pixels_are_those_of_a_folder_of_the_same_images(tmp_path):
    for i, (image, label) in enumerate(zip(pictures(12), NAMED, strict=True)):
        (tmp_path / "folder" / "abc"[label]).mkdir(parents=True, exist_ok=True)
        image.save(tmp_path / "folder" / "abc"[label] / f"{i:02}.png")
    spec = saved(tmp_path, table(NAMED, datasets.ClassLabel(names=["a", "b", "c"])))
    theirs, folder = load(spec, resolution=20), load(f"image_folder:{tmp_path / 'folder'}", resolution=20)
    assert np.array_equal(theirs.images[np.argsort(NAMED, kind="stable")], folder.images)


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_pictures_left_in_arrow_are_the_same_and_travel_to_processes(tmp_path, mode):
    found = table(NAMED, NAMES)
    found = datasets.Dataset.from_dict({"image": pictures(12, mode), "label": NAMED}, features=found.features)
    spec = saved(tmp_path, found)
    held, lazy = (load(spec, resolution=24, in_memory=choice) for choice in (True, False))
    assert not isinstance(lazy.images, np.ndarray)
    assert lazy.channels == len(mode)
    assert np.array_equal(lazy.images[:], held.images)
    assert len(pickle.dumps(lazy)) < 10_000
    rows = [np.array([7, 2, 11]), np.array([0])]
    for workers in (0, 2):
        for chosen, (x, y, _) in zip(rows, stream(lazy, rows, workers), strict=True):
            assert np.array_equal(x.numpy(), held.images[chosen])
            assert np.array_equal(y.numpy(), held.labels[chosen])


@pytest.mark.parametrize(("third", "given"), [("validation", "validation"), ("valid", "validation"), ("test", "test")])
def test_parts(tmp_path, third, given):
    data = load(saved(tmp_path, datasets.DatasetDict({third: table(NAMED, NAMES), "train": table(NAMED * 2, NAMES)})))
    assert getattr(data, given).tolist() == list(range(24, 36))
    assert len(data.train) == 24 - len({"test": data.validation, "validation": data.test}[given])


def test_one_part_is_cut_whatever_its_name(tmp_path):
    data = load(saved(tmp_path, datasets.DatasetDict(everything=table(NAMED, NAMES))))
    assert [len(part) for part in (data.train, data.validation, data.test)] == [6, 3, 3]


def test_images_without_a_label_are_left_out_and_counted(tmp_path):
    parts = datasets.DatasetDict(train=table([*NAMED, -1], NAMES), test=table([-1] * 5, NAMES))
    data = load(saved(tmp_path, parts), resolution=8)
    assert len(data.labels) == 12
    assert len(data.test) == 3
    assert data.skipped == ("1 images of train (no label)", "5 images of test (no label)")


def test_what_is_not_to_be_divided_may_be_one_image(tmp_path):
    spec = saved(tmp_path, table(["cat"]))
    data = load(spec, divided=False)
    assert (data.classes, data.parts) == (("cat",), {"train": 1, "validation": 0, "test": 0})
    with pytest.raises(DataError, match="at least 2"):
        load(spec)


def test_a_broken_image_is_named_and_skipped(tmp_path):
    buffer = io.BytesIO()
    pictures(1)[0].save(buffer, "png")
    whole = buffer.getvalue()
    broken = {3: b"no image", 5: whole[: len(whole) // 2], 7: None}
    values = [{"bytes": broken.get(row, whole), "path": None} for row in range(24)]
    values[7] = None
    features = datasets.Features(image=datasets.Image(decode=False), label=NAMES)
    spec = saved(tmp_path, datasets.Dataset.from_dict({"image": values, "label": NAMED * 2}, features=features))
    held, lazy = (load(spec, resolution=16, in_memory=choice) for choice in (True, False))
    assert [text.split(" (")[0] for text in held.skipped] == ["train[3]", "train[7]", "train[5]"]
    assert [text.split(" (")[0] for text in lazy.skipped] == ["train[3]", "train[7]"]
    assert len(held.images) == 21
    assert lazy.images.read(4).wrong.startswith("train[5] (damaged image: OSError")


def test_folders_of_parquet_and_of_images_are_copied_to_our_cache_alone(tmp_path, own_cache):
    datasets.disable_progress_bars()
    (tmp_path / "set").mkdir()
    table(NAMED, NAMES).to_parquet(tmp_path / "set" / "train-00000.parquet")
    table(NAMED, NAMES).to_parquet(tmp_path / "set" / "test-00000.parquet")
    data = load(f"huggingface:{tmp_path / 'set'}", resolution=8)
    assert data.classes == tuple(NAMES.names)
    assert len(data.test) == 12
    for i, image in enumerate(pictures(8)):
        (tmp_path / "folder" / "ab"[i % 2]).mkdir(parents=True, exist_ok=True)
        image.save(tmp_path / "folder" / "ab"[i % 2] / f"{i}.png")
    for choice in (True, False):
        data = load(f"huggingface:{tmp_path / 'folder'}", resolution=8, in_memory=choice)
        assert data.classes == ("a", "b")
        assert data.images[:].shape == (8, 3, 8, 8)
    assert (own_cache / "huggingface").is_dir()
    assert list(datasets.config.HF_DATASETS_CACHE.iterdir()) == []


# ---- columns


def test_other_columns_and_names_do_not_matter(tmp_path):
    found = table(NAMED, NAMES, image="img", label="species", seen=([1] * 12, datasets.Value("int64")))
    assert load(saved(tmp_path, found)).classes == tuple(NAMES.names)


def test_of_several_columns_one_is_chosen_after_a_question_mark(tmp_path):
    coarse = ([0, 1] * 6, datasets.ClassLabel(names=["x", "y"]))
    spec = saved(tmp_path, table(NAMED, NAMES, label="fine", coarse=coarse))
    with pytest.raises(DataError, match=r"several columns that may be the labels: fine, coarse; write .*\?label=fine"):
        load(spec)
    assert load(f"{spec}?label=fine").classes == ("owl", "ant", "cat")
    assert load(f"{spec}?label=coarse&image=image").classes == ("x", "y")


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("label=colour", "has no column colour: image, label"),
        ("image=label", "column label is missing or holds no images"),
        ("label=image", "holds neither classes, texts nor whole numbers"),
        ("lable=label", "'lable' after '\\?' is unknown; write image, label, config"),
        ("label", "unknown|no column"),
    ],
)
def test_a_wrong_choice_is_refused(tmp_path, query, says):
    with pytest.raises(DataError, match=says):
        load(f"{saved(tmp_path, table(NAMED, NAMES))}?{query}")


@pytest.mark.parametrize("column", ["image", "label"])
def test_a_missing_column_is_named_with_those_that_are_there(tmp_path, column):
    spec = saved(tmp_path, table(NAMED, NAMES).remove_columns(column))
    with pytest.raises(DataError, match=f"has no column of {column}s: {({'image', 'label'} - {column}).pop()}"):
        load(spec)


def test_parts_with_other_labels_are_refused(tmp_path):
    parts = datasets.DatasetDict(
        train=table(NAMED, NAMES), test=table(NAMED, datasets.ClassLabel(names=["a", "b", "c"]))
    )
    with pytest.raises(DataError, match="other labels in test than in train"):
        load(saved(tmp_path, parts))


# ---- what is not there


def test_a_folder_of_something_else(tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "x.bin").write_text("x")
    with pytest.raises(DataError, match="notes cannot be loaded: "):
        load(f"huggingface:{tmp_path / 'notes'}")


def test_damaged_arrow_files(tmp_path):
    spec = saved(tmp_path, table(NAMED, NAMES))
    for file in (tmp_path / "set").glob("*.arrow"):
        file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(DataError, match="set cannot be loaded: "):
        load(spec)


def test_code_in_a_folder_is_not_run(tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "set.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    with pytest.raises(DataError, match="cannot be loaded"):
        load(f"huggingface:{tmp_path / 'set'}")
    assert not (tmp_path / "ran").exists()


def test_a_hub_that_does_not_answer_ends_in_words_at_once(monkeypatch):
    import huggingface_hub

    def unreachable(*_, **__):
        raise ConnectionError("Name or service not known")

    monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", unreachable)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    start = time.monotonic()
    with pytest.raises(
        DataError, match=r"no folder is called nobody/nothing, and the hub does not answer .*HF_HUB_OFFLINE"
    ):
        load("huggingface:nobody/nothing")
    assert time.monotonic() - start < 5


def test_without_the_library_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(DataError, match=r"pip install 'hybrid-nas\[huggingface\]'"):
        load(f"huggingface:{tmp_path}")


def test_nothing_is_said_and_settings_are_put_back(tmp_path, capfd):
    (tmp_path / "set").mkdir()
    table(NAMED, NAMES).to_parquet(tmp_path / "set" / "train.parquet")
    datasets.enable_progress_bars()
    datasets.utils.logging.set_verbosity(logging.INFO)
    capfd.readouterr()
    try:
        load(f"huggingface:{tmp_path / 'set'}")
        assert tuple(capfd.readouterr()) == ("", "")
        assert not datasets.are_progress_bars_disabled()
        assert datasets.utils.logging.get_verbosity() == logging.INFO
    finally:
        datasets.utils.logging.set_verbosity(logging.WARNING)
