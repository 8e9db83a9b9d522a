"""nas predict: what detectors find, as a table, JSON, CSV and drawings; what is asked of the wrong kind is refused."""

import csv
import io
import json
import shutil
from pathlib import Path

import pytest
import torch
from command import Command
from detections import NAMES, model, quarters
from PIL import Image
from run_fixtures import finished_run
from small_models import model_of

from nas.record.models import write_model

SURE = "0.8"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a detector, a classifier, two pictures of different shapes and a damaged one."""
    folder = tmp_path_factory.mktemp("predict")
    for name, found in (("finder", model(focal=True)), ("classes", model_of(["conv"]))):
        write_model(found, folder / f"{name}.safetensors")
    (folder / "pictures").mkdir()
    for name, size in (("tall", (30, 60)), ("wide", (80, 40))):
        quarters(*size).save(folder / "pictures" / f"{name}.png")
    (folder / "broken.png").write_bytes(b"no picture")
    return folder


@pytest.fixture(autouse=True)
def _there(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)


def test_a_table_has_a_row_a_box_in_pixels(nas: Command) -> None:
    answer = nas("predict", "finder.safetensors", "pictures", "--threshold", SURE)
    assert answer.status == 0, answer.err
    lines = answer.out.splitlines()
    assert lines[1].split() == ["image", "class", "score", "left", "top", "right", "bottom"]
    (first, *_) = model(focal=True).detect("pictures/tall.png", threshold=float(SURE))[0]
    row = next(line for line in lines if line.strip().startswith("pictures/tall.png"))
    assert row.split()[-5:] == [f"{first.score:.1%}", *(f"{end:.0f}" for end in first.corners)]


@pytest.mark.parametrize("output", ["", "-o {folder}/table.txt"])
def test_a_row_is_a_line_however_long_names_are_where_no_terminal_shows_it(
    nas: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, output: str
) -> None:
    image = tmp_path / "-".join(["long"] * 20) / "image.png"
    image.parent.mkdir()
    quarters(30, 30).save(image)
    monkeypatch.setenv("COLUMNS", "40")
    answer = nas("predict", "classes.safetensors", image, *output.format(folder=tmp_path).split())
    assert answer.status == 0, answer.err
    table = (tmp_path / "table.txt").read_text() if output else answer.out
    (row,) = [line for line in table.splitlines() if line.strip().startswith(str(image))]
    assert row.count("%") == 3


def test_json_and_csv_say_the_same(nas: Command) -> None:
    told = json.loads(nas("predict", "finder.safetensors", "pictures", "--json", "--threshold", SURE).out)
    expected = model(focal=True).detect("pictures/tall.png", "pictures/wide.png", threshold=float(SURE))
    assert [one["image"] for one in told] == ["pictures/tall.png", "pictures/wide.png"]
    for one, boxes in zip(told, expected, strict=True):
        assert [(box["class"], box["score"]) for box in one["boxes"]] == [
            (box.name, pytest.approx(box.score, abs=1e-6)) for box in boxes
        ]
        assert [[box[end] for end in ("left", "top", "right", "bottom")] for box in one["boxes"]] == [
            pytest.approx(list(box.corners), abs=1e-3) for box in boxes
        ]
    text = nas("predict", "finder.safetensors", "pictures", "--format", "csv", "--threshold", SURE).out
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == sum(map(len, expected))
    assert rows[0]["class"] in NAMES
    assert float(rows[0]["right"]) == pytest.approx(expected[0][0].right, abs=0.01)


def test_json_and_another_format_contradict_each_other(nas: Command) -> None:
    answer = nas("predict", "classes.safetensors", "pictures", "--json", "--format", "csv")
    assert (answer.status, answer.out) == (2, "")
    assert "--format csv: --json is the same as --format json; leave one of the two out" in " ".join(answer.err.split())
    assert nas("predict", "classes.safetensors", "pictures", "--json", "--format", "json").status == 0


def test_files_of_a_folder_that_are_no_images_are_left_out_and_counted(
    nas: Command, home: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(home / "pictures", tmp_path / "mixed")
    for name in ("README", "labels.json", "invoice.pdf", ".hidden.txt"):
        (folder / name).write_text("no picture")
    answer = nas("predict", "classes.safetensors", folder, "--json")
    assert (answer.status, len(json.loads(answer.out))) == (0, 2)
    assert f"left out of {folder}: not named like an image: 3, the first README\n" in answer.err
    named = nas("predict", "classes.safetensors", folder / "invoice.pdf")
    assert named.status == 1
    assert "invoice.pdf: cannot be read as an image (no image that Pillow reads)" in named.err
    for picture in folder.glob("*.png"):
        picture.unlink()
    empty = nas("predict", "classes.safetensors", folder)
    assert empty.status == 2
    assert "the folder holds no image (not named like an image: 3, the first README)" in " ".join(empty.err.split())


def test_all_missing_images_are_named(nas: Command) -> None:
    answer = nas("predict", "classes.safetensors", "a.png", "pictures", "b.png")
    assert answer.status == 2
    assert "error: a.png, b.png: no such image or folder of images" in answer.err
    many = nas("predict", "classes.safetensors", *(f"{i}.png" for i in range(9)))
    assert "error: 0.png, 1.png, 2.png, 3.png, 4.png and 4 more: no such" in " ".join(many.err.split())


def test_an_image_in_which_nothing_is_found_is_named(nas: Command) -> None:
    answer = nas("predict", "finder.safetensors", "pictures/wide.png", "--threshold", "1")
    assert answer.out.split()[-2:] == ["pictures/wide.png", "nothing"]
    told = json.loads(nas("predict", "finder.safetensors", "pictures/wide.png", "--threshold", "1", "--json").out)
    assert told == [{"image": "pictures/wide.png", "boxes": []}]
    text = nas("predict", "finder.safetensors", "pictures/wide.png", "--threshold", "1", "--format", "csv").out
    assert text.splitlines()[1] == "pictures/wide.png,,,,,,,"


def test_boxes_are_drawn_on_what_can_be_read(nas: Command, tmp_path: Path) -> None:
    folder = tmp_path / "drawn"
    answer = nas(
        "predict", "finder.safetensors", "pictures", "broken.png", "--threshold", SURE, "--draw", str(folder)
    )  # fmt: skip
    assert answer.status == 1
    assert f"2 drawn in {folder}" in answer.err
    assert "broken.png not readable" in " ".join(answer.out.split())
    assert "broken.png: cannot be read as an image" in answer.err
    assert "1 of 3 images could not be read" in answer.err
    assert sorted(path.name for path in folder.iterdir()) == ["tall.png", "wide.png"]
    with Image.open(folder / "wide.png") as found:
        assert found.size == (480, 240)
    again = nas("predict", "finder.safetensors", "pictures", "--draw", str(folder))
    assert again.status == 2
    assert "tall.png exists already; name another folder to draw in" in again.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["classes.safetensors", "--draw", "d"], "--draw: classes.safetensors is a classifier and finds no boxes"),
        (["classes.safetensors", "--threshold", "0.2"], "--threshold: classes.safetensors is a classifier"),
        (["finder.safetensors", "--top", "2"], "--top 2: finder.safetensors is a detector, which gives"),
        (["finder.safetensors", "--device", "gpu"], "unknown device 'gpu'"),
        (["finder.safetensors", "--threshold", "50"], "--threshold 50 is not allowed; write a score from 0 to 1"),
    ],
)  # fmt: skip
def test_what_a_network_has_no_answer_to_is_refused(words: list[str], message: str, nas: Command) -> None:
    answer = nas("predict", words[0], "pictures", *words[1:])
    assert answer.status == 2
    assert message in " ".join(answer.err.split())
    assert not Path("d").exists()


@pytest.mark.parametrize(("form", "file"), [("python", "exported.py"), ("safetensors", "exported.safetensors")])
def test_an_export_with_weights_says_how_to_predict_with_it(nas: Command, tmp_path: Path, form: str, file: str) -> None:
    written = nas("export", "classes.safetensors", "--format", form, "-o", tmp_path / file)
    place = tmp_path / file
    following = f"\nNext:  nas predict {place} IMAGE...\n       nas evaluate {place} --data NAME[:PATH]\n"
    assert written.out.endswith(following), written.err
    assert nas("predict", tmp_path / file, "pictures").status == 0


def test_a_file_that_is_there_is_overwritten_only_by_force(nas: Command, tmp_path: Path) -> None:
    kept = tmp_path / "kept.csv"
    kept.write_text("mine")
    given = ("predict", "classes.safetensors", "pictures", "--format", "csv", "-o")
    refused = nas(*given, kept)
    assert (refused.status, kept.read_text()) == (2, "mine")
    assert "kept.csv exists already; take another name, or replace it with --force" in " ".join(refused.err.split())
    assert nas(*given, kept, "--force").status == 0
    assert kept.read_text().startswith("image,")
    assert "the folder" in nas(*given, tmp_path / "none" / "a.csv").err


def test_a_classifier_says_what_it_always_said(nas: Command) -> None:
    told = json.loads(nas("predict", "classes.safetensors", "pictures", "--top", "2", "--json").out)
    assert [len(one["classes"]) for one in told] == [2, 2]
    assert len(json.loads(nas("predict", "classes.safetensors", "pictures/tall.png", "--json").out)[0]["classes"]) == 3


def test_answers_that_are_no_numbers_are_no_prediction(nas: Command, tmp_path: Path) -> None:
    broken = model_of(["conv"])
    torch.nn.init.constant_(next(broken.network.stem.parameters()), torch.nan)
    write_model(broken, tmp_path / "broken.safetensors")
    answer = nas("predict", tmp_path / "broken.safetensors", "pictures")
    assert (answer.status, "answers became nan on these images" in answer.err) == (1, True), answer.err


def test_a_search_has_no_weights_to_predict_with(nas: Command, tmp_path: Path) -> None:
    finished_run(tmp_path / "runs" / "first", complete=2)
    for named, more in ((str(tmp_path / "runs" / "first"), ()), ("first", ("--runs", str(tmp_path / "runs")))):
        found = nas("predict", named, "photo.png", *more)
        assert found.status == 2
        assert f"{named}: a search, which keeps no weights; nas train {named} trains its best network" in " ".join(
            found.err.split()
        )
