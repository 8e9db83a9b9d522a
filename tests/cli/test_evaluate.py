"""nas evaluate: a table for people, JSON for programs, a page for both; what cannot be judged is refused in a line."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from command import Command
from detections import model
from documents import photos
from run_fixtures import finished_run
from small_models import model_of

from nas.network.build import build
from nas.record.models import write_model
from nas.training.model import Model


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with a classifier, a detector and labelled pictures, where the test stands."""
    monkeypatch.chdir(tmp_path)
    write_model(model_of(["conv"]), tmp_path / "net.safetensors")
    write_model(model(focal=True), tmp_path / "finder.safetensors")
    photos(tmp_path / "new", ("a", "b", "d"), 6)


def test_it_prints_metrics_the_worst_classes_and_the_page(nas: Command) -> None:
    answer = nas("evaluate", "net.safetensors", "--data", "image_folder:new")
    assert answer.status == 0, answer.err
    lines = [" ".join(line.split()) for line in answer.out.splitlines()]
    assert "net.safetensors on image_folder:new: 18 images" in lines
    told = json.loads(nas("evaluate", "net.safetensors", "--data", "image_folder:new", "--json").out)
    (said,) = [line for line in lines if line.startswith("Accuracy ")]
    accuracy = told["metrics"]["accuracy"]
    assert re.findall(r"[\d.]+(?= %)", said) == [f"{100 * accuracy[key]:.2f}" for key in ("value", "low", "high")]
    table = lines[next(i for i, line in enumerate(lines) if line.startswith("class recognised")) + 2 :]
    assert [line.split()[0] for line in table[:3]] == [one["class"] for one in told["classes"] if one["images"]]
    assert "page evaluation.html" in lines
    assert "Next: open evaluation.html in a browser" in lines
    assert Path("evaluation.html").read_text().startswith("<!doctype html>")


def test_of_many_classes_the_worst_stand_in_a_table_of_eighty_columns(
    nas: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    names = tuple(f"sign {number:02d}" for number in range(12))
    architecture = replace(model_of(["conv"]).architecture, classes=12)
    write_model(Model(build(architecture, seed=0), names, (0.5,) * 3, (0.2,) * 3), tmp_path / "many.safetensors")
    photos(tmp_path / "many", names, 2)
    answer = nas("evaluate", "many.safetensors", "--data", "image_folder:many")
    lines = [" ".join(line.split()) for line in answer.out.splitlines()]
    at = lines.index("the worst 10 of 12 classes")
    assert lines[at + 2] == "class recognised 95 % interval images taken for"
    assert all(line.startswith("sign ") for line in lines[at + 4 : at + 14])


def test_json_is_alone_and_says_where_the_page_is(nas: Command) -> None:
    answer = nas("evaluate", "finder.safetensors", "--data", "voc:boxed", "--json")
    assert answer.status == 2
    answer = nas("evaluate", "net.safetensors", "--data", "image_folder:new", "--json", "-o", "a.html")
    told = json.loads(answer.out)
    assert (told["images"], told["part"], told["page"], told["boxes"]) == (18, "all", "a.html", None)
    assert sum(map(sum, told["confusion"])) == 18
    assert Path("a.html").is_file()


def test_what_is_left_out_is_told_and_that_other_parts_were_not_decoded(nas: Command) -> None:
    Path("new/a/notes.txt").write_text("mine")
    words = ("evaluate", "net.safetensors", "--data", "image_folder:new")
    whole, part = (" ".join(nas(*words, *more).out.split()) for more in ((), ("--part", "test")))
    left = "1 left out of the data: no image that Pillow reads: a/notes.txt"
    assert f"{left} net.safetensors" in whole
    assert f"{left} (of the other parts only headers were read)" in part


def test_a_page_that_takes_an_earlier_ones_place_is_told_of(nas: Command) -> None:
    words = ("evaluate", "net.safetensors", "--data", "image_folder:new")
    note = "note: evaluation.html replaces an earlier evaluation; --output FILE keeps both"
    assert [note in " ".join(nas(*words).out.split()) for _ in range(2)] == [False, True]
    answer = nas(*words, "--json")
    assert json.loads(answer.out)["page"] == "evaluation.html"
    assert note in " ".join(answer.err.split())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("net.safetensors", "net.safetensors: does not say which images it was trained on; name images with --data"),
        (
            "absent.onnx --data digits",
            "absent.onnx: no such file or folder. Give a folder that nas train or nas export",
        ),
        ("net.safetensors --data image_folder:new --part tests", "unknown part 'tests'. Did you mean 'test'?"),
        ("net.safetensors --data image_folder:new --device cdua", "unknown device 'cdua'. Did you mean 'cuda'?"),
        ("finder.safetensors --data image_folder:new", "holds classes; finder.safetensors is judged by boxes"),
        ("run --data digits", "run: a search, which keeps no weights; nas train run trains its best network to the"),
        ("net.safetensors --data image_folder:new -o net.safetensors", "net.safetensors exists already and is no"),
        ("net.safetensors --data image_folder:new -o no/a.html", "no/a.html: the folder no does not exist; make it"),
        ("net.safetensors --data image_folder:new -o new", "new: cannot be written (Is a directory)"),
    ],
)
def test_what_cannot_be_judged_is_refused_in_a_line(nas: Command, tmp_path: Path, words: str, said: str) -> None:
    finished_run(tmp_path / "runs" / "run")
    answer = nas("evaluate", *words.split())
    assert (answer.status, answer.out) == (2, "")
    assert said in " ".join(answer.err.split())
