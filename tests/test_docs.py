"""Every command and example of the guides runs as it stands, but for what it spends."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from command import Command
from documents import SPACE, animals, blocks, commands, photos, play, run, tell
from PIL import Image

import nas
from nas.data.sets.digit_scenes import Scene, digit_scenes
from nas.record.run import Run

FIRST = "animals/JPEGImages/000001.jpg"

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with photographs, where the search called `first` has run and a network was trained on photographs."""
    folder = tmp_path_factory.mktemp("guides")
    photos(folder / "photos")
    (folder / "my_recipe.yaml").write_text("epochs: 3\nlearning_rate: 1e-3\n")
    (folder / "tiny.yaml").write_text(SPACE)
    settings = {"recipe": {"subset": 32}, "confirm": 0, "sampler": "random"}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        nas.search("tiny.yaml", data="digits", budget=2, name="first", **settings)
        nas.train("first", data="image_folder:photos", changes={"epochs": 1}, name="photos")
    return folder


@pytest.fixture
def home(searched: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that folder, where the test stands."""
    shutil.copytree(searched, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_the_tutorial_leads_to_a_deployed_file(tmp_path: Path, nas: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    photos(tmp_path / "photos")
    play("docs/tutorial.md", nas)
    (deployed,) = blocks("docs/tutorial.md", "python")
    assert run(["-c", deployed], tmp_path).strip() in ("cats", "dogs")
    noise = np.random.default_rng(0).integers(0, 256, (700, 900, 3), np.uint8)
    Image.fromarray(noise).save("photos/cats/001.jpg")  # which is decoded at a fraction of its size
    told = "e = np.exp(logits[0] - logits.max()); print(json.dumps(dict(zip(classes, (e / e.sum()).tolist()))))"
    *_, by_hand = run(["-c", f"{deployed}\n{told}"], tmp_path).splitlines()
    with_nas = json.loads(nas("predict", "photos.onnx", "photos/cats/001.jpg", "--json").out)[0]
    expected = {one["class"]: one["probability"] for one in with_nas["classes"]}
    assert json.loads(by_hand) == pytest.approx(expected, abs=1e-5)


def test_the_guide_to_training_runs(home: Path, nas: Command, capsys: pytest.CaptureFixture[str]) -> None:
    play("docs/training.md", nas)
    (example,) = blocks("docs/training.md", "python")
    assert tell(example, capsys).startswith("Measured(value=0.")


def test_the_guide_to_detection_leads_to_boxes_on_pictures(
    tmp_path: Path, nas: Command, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(digit_scenes.__kwdefaults__, "scene", Scene(train=32, validation=8, test=8, resolution=32))
    animals(tmp_path / "animals")
    play("docs/detection.md", nas)
    assert len(list((tmp_path / "drawn").iterdir())) == len(list((tmp_path / "again").iterdir())) == 11
    found, deployed = blocks("docs/detection.md", "python")
    assert all(line.split()[0] in ("cat", "dog") for line in tell(found, capsys).splitlines())
    pixels = np.random.default_rng(0).integers(0, 256, (70, 90, 4), np.uint8)
    Image.fromarray(pixels).save("transparent.png")
    Image.fromarray(pixels).resize((1000, 3)).save("thin.png")
    for file, least in ((FIRST, 1), ("transparent.png", 1), ("thin.png", 0)):
        code = deployed.replace('said["facts"]["threshold"]', "0").replace(FIRST, file)
        every = run(["-c", code], tmp_path).splitlines()
        with_nas = json.loads(nas("predict", "finder.onnx", file, "--threshold", 0, "--json").out)[0]["boxes"]
        assert least <= len(with_nas) <= 12
        assert sorted((one["class"], round(one["left"])) for one in with_nas) == sorted(
            (name, int(left)) for name, left, *_ in map(str.split, every)
        )


def test_the_guide_to_the_budget_runs(home: Path, nas: Command) -> None:
    play("docs/budget.md", nas)
    first, longer = (Run(home / "runs" / name) for name in ("first", "longer"))
    again = {trial.key for trial in longer.trials if any(one.trial == trial.number for one in longer.further)}
    assert {result.layout for result in first.front()} <= {trial.layout for trial in longer.trials}
    assert again == {trial.key for trial in longer.trials}, "each from another seed, too"


def test_the_guide_to_the_terminal_runs(home: Path, nas: Command) -> None:
    play("docs/terminal.md", nas)


def test_the_guide_to_export_runs(home: Path, nas: Command, capsys: pytest.CaptureFixture[str]) -> None:
    play("docs/export.md", nas)
    said = [tell(example, capsys) for example in blocks("docs/export.md", "python")]
    assert "'recall'" in said[0]
    assert "'value'" in said[1]
    assert "('cats', 'dogs')" in said[2]


def test_the_guide_to_spaces_runs(tmp_path: Path, nas: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (example,) = blocks("docs/spaces.md", "yaml")
    Path("mine.yaml").write_text(example)
    play("docs/spaces.md", nas)


def test_the_guide_to_latency_runs(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert set(commands("docs/latency.md")) <= set(commands("README.md")), "they are run there"
    (example,) = blocks("docs/latency.md", "python")
    tell(example.replace("cvt_family", "tiny.yaml"), capsys)


def test_the_guide_to_scores_runs(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = blocks("docs/scores.md", "python")
    network = nas.build(nas.load_space("tiny.yaml").fit(resolution=16, channels=3, classes=4).smallest(), seed=0)
    given = {"network": network, "images": torch.randn(8, 3, 16, 16), "classes": torch.arange(8) % 4}
    assert float(tell(example, capsys, **given).split()[0]) > 0


def test_the_guide_to_python_prints_progress_and_what_searches_tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.yaml").write_text(SPACE)
    examples = (text.replace("cvt_family", "tiny.yaml") for text in blocks("docs/python.md", "python"))
    said = tell("".join(examples).replace('"subset": 200', '"subset": 32'), capsys).splitlines()
    assert [line.partition(":")[0] for line in said if " architectures: " in line] == [
        f"{done} of 3 architectures" for done in (1, 2, 3)
    ]
    assert [line.partition(",")[0] for line in said if ", best: " in line] == ["50%: epoch 1", "100%: epoch 2"]
    assert [line.partition(" [")[0] for line in said if line.startswith("sampler=")] == [
        "sampler=pareto",
        "sampler=random",
    ]
    assert any(line.startswith("8 networks were trained in full, twice") for line in said)
