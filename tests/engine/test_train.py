"""nas.train from a network and data to a verdict: what it leaves, what it may begin with, and what it refuses."""

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from command import Command
from outside import forget
from picture_folders import damage, write
from PIL import Image
from run_fixtures import finished_run
from small_searches import CONVOLUTION_FIRST, search
from small_trainings import CLASSES, PLAIN_STAGES, archive, network
from test_contributing import FILES
from torch.nn import functional as F

import nas
from nas import document
from nas.data import load, stored
from nas.data.pictures import read_picture
from nas.engine.attendant import Attendant
from nas.engine.beginning import find_recipe
from nas.engine.train import go_on, train
from nas.errors import DataError, RunError, SettingError, UserError
from nas.files import readable
from nas.record.models import BEST
from nas.record.networks import find_network
from nas.record.trained import Trained
from nas.training.catalogue import load_task
from nas.training.full.speed import autocast
from nas.training.tasks import Predictions

QUICK = {
    "epochs": 2, "batch_size": 16, "warmup": 0.5, "learning_rate": 1e-2, "ema": 0.0, "mirror": "never", "crop": 1.0,
    "operations": 0, "final_learning_rate": 0.0,
}  # fmt: skip
FILES_LEFT = {
    "training.yaml", "architecture.yaml", "summary.csv", BEST, "last.pt", "verdict.json", "environment.json",
    "seal.json", "report.html",
}  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data and the runs of this file."""
    folder = tmp_path_factory.mktemp("home")
    archive(folder / "four.npz")
    return folder


@pytest.fixture(scope="module")
def four(home: Path) -> str:
    """Four classes with names that need care."""
    return f"npz:{home / 'four.npz'}"


def begin(home: Path, name: str, what: Any = None, changes: dict[str, Any] | None = None, **settings: Any) -> Trained:
    """Train a tiny network for a moment."""
    what = network(classes=4) if what is None else what
    return train(what, name=name, runs=home / "runs", recipe="small", changes=QUICK | (changes or {}), **settings)


@pytest.fixture(scope="module")
def first(home: Path, four: str) -> Trained:
    """A training to the end."""
    return begin(home, "first", data=four, seed=1, command="nas train 'x'", changes={"epochs": 4})


# ---- what it leaves


def test_a_training_leaves_all_its_files(first: Trained) -> None:
    left = {path.name for path in first.folder.iterdir() if not path.name.startswith(".")}
    assert left == FILES_LEFT
    assert not [path for path in first.folder.iterdir() if re.match(r"\.\w+\.\w+\.[0-9a-f]{8}$", path.name)]
    assert first.config.recipe_name == "small"
    assert (
        first.config.recipe.model_dump()
        == nas.training.full.recipe.load_recipe("small", QUICK | {"epochs": 4}).model_dump()
    )
    assert [epoch.number for epoch in first.history] == [1, 2, 3, 4]
    assert first.environment["command"] == "nas train 'x'"
    assert first.environment["unreadable"] == []


def test_the_network_learnt_and_the_best_epochs_weights_are_kept(first: Trained) -> None:
    ending = first.ending
    assert ending is not None
    accuracies = [epoch.metrics["accuracy"] for epoch in first.history]
    assert ending.epoch == 1 + accuracies.index(max(accuracies))
    assert ending.verdict.metrics["accuracy"].value > 0.8


def test_top5_is_left_out_of_data_with_at_most_five_classes(first: Trained) -> None:
    assert "top5" in load_task("classification").among(6).metrics
    told = ["accuracy", "balanced_accuracy", "macro_f1"]
    assert all(list(epoch.metrics) == told for epoch in first.history)
    assert list(first.ending.verdict.metrics) == told
    assert "Top-5" not in (first.folder / "report.html").read_text()


def test_the_verdict_is_that_of_the_kept_weights_on_the_test_part(first: Trained, four: str) -> None:
    data = load(four, seed=0, resolution=8)
    model = nas.load(first.folder)
    with torch.no_grad():
        logits = model(torch.from_numpy(data.images[data.test]).float() / 255)
    found = Predictions(logits, torch.from_numpy(data.labels[data.test]))
    verdict = first.ending.verdict
    for name, metric in load_task("classification").among(4).metrics.items():
        assert verdict.metrics[name].value == pytest.approx(metric.compute(found))
    assert verdict.images == len(data.test) == sum(map(sum, verdict.confusion))
    validation = torch.from_numpy(data.images[data.validation]).float() / 255
    epoch = first.history[first.ending.epoch - 1]
    with torch.no_grad(), autocast(first.config.recipe, torch.device("cpu")):
        logits = model(validation).float()
    loss = F.cross_entropy(logits, torch.from_numpy(data.labels[data.validation]))
    assert epoch.validation_loss == pytest.approx(float(loss), abs=1e-4)


def test_the_weights_carry_classes_normalisation_and_where_they_come_from(first: Trained, four: str) -> None:
    data = load(four, seed=0, resolution=8)
    model = nas.load(first.folder)
    assert model.classes == data.classes == tuple(readable(name) for name in sorted(CLASSES))
    pixels = data.images[data.train] / 255
    assert model.mean.flatten().tolist() == pytest.approx(pixels.mean((0, 2, 3)).tolist(), abs=1e-6)
    assert model.std.flatten().tolist() == pytest.approx(pixels.std((0, 2, 3)).tolist(), abs=1e-6)
    facts = model.facts
    assert (facts["data"], facts["seed"], facts["epochs"], facts["recipe"]) == (four, 1, 4, "small")
    assert facts["test"]["accuracy"]["value"] == first.ending.verdict.metrics["accuracy"].value
    assert facts["params"] == sum(p.numel() for p in model.network.parameters())
    assert facts["latency"]["median"] > 0
    assert facts["command"] == "nas train 'x'"
    assert facts["versions"]["torch"]


def test_class_names_come_through_the_page_unharmed(first: Trained) -> None:
    page = (first.folder / "report.html").read_text(encoding="utf-8")
    assert "<script>alert(1)" not in page
    assert "übermäßig 进步" in page


def test_the_pictures_are_those_of_the_mistakes(home: Path, four: str) -> None:
    untrained = begin(home, "untrained", data=four, changes={"epochs": 1, "learning_rate": 1e-9})
    verdict, pictures = untrained.ending.verdict, untrained.ending.pictures
    data = load(four, seed=0, resolution=8)
    assert len(pictures) == len(verdict.mistakes) == 12
    for mistake, picture in zip(verdict.mistakes, pictures, strict=True):
        row = data.test[mistake.row]
        assert data.labels[row] == mistake.label != mistake.predicted
        assert np.array_equal(np.asarray(opened(picture)), data.images[row][0])


def opened(picture: str) -> Image.Image:
    import base64
    import io

    return Image.open(io.BytesIO(base64.b64decode(picture)))


def test_a_finished_training_is_gone_on_with_at_once_and_untouched(first: Trained) -> None:
    before = {path: path.stat().st_mtime_ns for path in first.folder.iterdir()}
    began: list[Any] = []
    said: list[str] = []
    start = time.perf_counter()
    again = go_on(first.folder, attendant=Attendant(began=lambda *args: began.append(args), noted=said.append))
    assert time.perf_counter() - start < 2
    assert not began
    assert said == [f"{first.name} is finished: there is nothing left to train"]
    assert again.ending == first.ending
    assert {path: path.stat().st_mtime_ns for path in first.folder.iterdir()} == before


def test_what_was_damaged_after_the_end_is_written_anew(home: Path, four: str) -> None:
    done = begin(home, "damaged", data=four, changes={"epochs": 1})
    ended, past = done.ending, done.history
    for name in ("verdict.json", "summary.csv"):
        (done.folder / name).write_text("nonsense")
    again = go_on("damaged", runs=home / "runs")
    assert again.ending.verdict == ended.verdict
    assert again.history == past


def test_a_training_follows_its_attendant(home: Path, four: str) -> None:
    calls: list[str] = []
    attendant = Attendant(
        began=lambda trained, dataset, progress: calls.append(f"began {trained.name} {len(progress.history)}"),
        stepped=lambda progress, loss: calls.append("step"),
        judged=lambda epoch, progress: calls.append(f"judged {epoch.number} {progress.best > 0}"),
    )
    begin(home, "attended", data=four, attendant=attendant)
    steps = calls.index("judged 1 True") - 1
    assert calls == ["began attended 0", *["step"] * steps, "judged 1 True", *["step"] * steps, "judged 2 True"]


def test_without_data_it_says_where_a_network_was_drawn_for_others(home: Path, four: str) -> None:
    said: list[str] = []
    attendant = Attendant(noted=said.append)
    begin(home, "usual", time="1s", attendant=attendant)
    begin(home, "named", data=four, what=network(classes=9), attendant=attendant)
    begin(home, "alike", time="1s", what=network(classes=10), attendant=attendant)
    (warning,) = [line for line in said if "is for" in line]
    assert re.search("is for 4 classes .* of 1 channels, and is fitted to the 10 of 1 of its task", warning)


def test_patience_ends_a_training_that_does_not_improve(home: Path, four: str) -> None:
    said: list[str] = []
    done = begin(home, "patient", data=four, patience=2, changes={"epochs": 50, "learning_rate": 1e-12, "warmup": 0},
                 attendant=Attendant(noted=said.append))  # fmt: skip
    assert len(done.history) == 3
    assert said == ["ended by --patience: no better accuracy in 2 epochs"]
    assert done.ending.epoch == 1
    (done.folder / "verdict.json").unlink()
    assert len(go_on(done.folder).history) == 3, "going on does not begin it again"


def test_the_monitored_metric_decides_which_epoch_is_the_best(home: Path, four: str) -> None:
    done = begin(home, "monitored", data=four, monitor="macro_f1", changes={"epochs": 3})
    values = [epoch.metrics["macro_f1"] for epoch in done.history]
    assert done.ending.epoch == 1 + values.index(max(values))


@pytest.mark.long
def test_a_training_may_end_by_time(home: Path, four: str) -> None:
    start = time.perf_counter()
    done = begin(home, "timed", data=four, time="2s")
    assert time.perf_counter() - start < 12
    assert done.config.time == 2
    assert sum(epoch.seconds for epoch in done.history) >= 2
    assert len(done.history) > 2


def test_tensorboard_gets_the_curves(home: Path, four: str) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    done = begin(home, "followed", data=four, log="tensorboard")
    events = EventAccumulator(str(done.folder / "tensorboard")).Reload()
    found = [(event.step, event.value) for event in events.Scalars("validation/accuracy")]
    assert found == [(e.number, pytest.approx(e.metrics["accuracy"])) for e in done.history]
    assert len(events.Scalars("loss/train")) == 2


# ---- what it begins with


def test_the_weights_of_a_training_go_on_being_trained(home: Path, four: str, first: Trained) -> None:
    again = begin(home, "again", "first", data=four, seed=1, changes={"epochs": 1, "learning_rate": 1e-12, "warmup": 0})
    assert again.config.start == str(first.folder)
    best = first.history[first.ending.epoch - 1]
    assert again.history[0].metrics["accuracy"] == pytest.approx(best.metrics["accuracy"], abs=0.07)
    for name, value in first.model().network.named_parameters():
        assert torch.allclose(again.model().network.get_parameter(name), value, atol=1e-5)


def test_a_file_of_weights_does_too(home: Path, four: str, first: Trained) -> None:
    again = begin(home, "from_file", first.folder / BEST, data=four, changes={"epochs": 1, "learning_rate": 1e-12})
    for name, value in first.model().network.named_parameters():
        assert torch.allclose(again.model().network.get_parameter(name), value, atol=1e-5)


def test_with_other_classes_the_classifier_begins_anew(home: Path, first: Trained) -> None:
    said: list[str] = []
    data = archive(home / "three.npz", ("x", "y", "z"))
    other = begin(home, "other", first.folder, data=data, changes={"epochs": 1, "learning_rate": 1e-12},
                  attendant=Attendant(noted=said.append))  # fmt: skip
    assert said == [f"{first.folder} knows other classes: the classifier begins anew"]
    own, theirs = other.model(), first.model()
    assert own.classes == ("x", "y", "z")
    for name, value in own.network.named_parameters():
        if not name.startswith("head.classifier"):
            assert torch.allclose(value, theirs.network.get_parameter(name), atol=1e-5)


def test_another_resolution_resizes_what_knows_places(home: Path, four: str, first: Trained) -> None:
    larger = begin(home, "larger", "first", data=four, resolution=16, changes={"epochs": 1})
    assert larger.architecture.resolution == 16
    assert larger.model().architecture.resolution == 16


@pytest.mark.long
def test_a_teacher_is_learnt_from_and_written_down(home: Path, four: str, first: Trained) -> None:
    changes = {"epochs": 1, "teaching": 1.0}
    taught = begin(home, "taught", data=four, teacher=str(first.folder), seed=1, changes=changes)
    assert taught.config.teacher == taught.model().facts["teacher"] == str(first.folder)
    alone = begin(home, "alone", data=four, seed=1, changes=changes)
    pages = [(one.folder / "report.html").read_text() for one in (taught, alone)]
    assert ["of the teacher's answers, so the two do not compare" in page for page in pages] == [True, False]
    names = [name for name, _ in alone.model().network.named_parameters()]
    assert any(
        not torch.equal(alone.model().network.get_parameter(n), taught.model().network.get_parameter(n)) for n in names
    )
    by_name = begin(home, "by_name", data=four, teacher="first", seed=1, changes=changes)
    for name, value in taught.model().network.named_parameters():
        assert torch.equal(by_name.model().network.get_parameter(name), value), "by its name in runs"


# ---- what it refuses, before anything is written


def test_what_says_nothing_of_few_classes_is_not_watched_or_weighed(home: Path, four: str) -> None:
    said = "top5: says nothing of data with 4 classes; write accuracy or balanced_accuracy or macro_f1"
    refused(home, SettingError, said, data=four, monitor="top5")
    with pytest.raises(SettingError, match=said):
        nas.search(data=four, objectives="top5,macs", budget=1, resolution=8, runs=home / "weighed")


def refused(home: Path, error: type[Exception], said: str, what: Any = None, **settings: Any) -> None:
    before = sorted((home / "runs").iterdir()) if (home / "runs").exists() else []
    with pytest.raises(error, match=said):
        begin(home, "refused", what, **settings)
    assert (sorted((home / "runs").iterdir()) if (home / "runs").exists() else []) == before


@pytest.mark.parametrize(
    ("settings", "error", "said"),
    [
        ({"data": "nothing"}, DataError, "unknown data set 'nothing'"),
        ({"data": "npz:/none.npz"}, DataError, "/none.npz should be a file"),
        ({"task": "clasification"}, SettingError, "Did you mean 'classification'"),
        ({"monitor": "acuracy"}, SettingError, "unknown metric 'acuracy'. Did you mean 'accuracy'"),
        ({"patience": 0}, SettingError, "patience: found 0"),
        ({"time": "soon"}, SettingError, "time soon: write a time such as 90s"),
        ({"time": "0s"}, SettingError, "time 0s: write a time"),
        ({"time": -3}, SettingError, "time: found -3"),
        ({"seed": -1}, SettingError, "seed: found -1"),
        ({"device": "tpu"}, SettingError, "device: found 'tpu'"),
        ({"epochs": 3}, SettingError, r"unknown setting 'epochs'; write changes=\{'epochs': \.\.\.\}"),
        ({"changes": {"batch_size": 1}}, SettingError, "batch_size: found 1"),
        ({"changes": {"epochs": 0}}, SettingError, "^epochs: found 0"),
        ({"teacher": "nobody"}, SettingError, "teacher nobody: "),
        ({"what": "nothing"}, SettingError, "no network 'nothing'"),
        ({"what": "hybrid_zoo"}, UserError, "an architecture has one value here"),
        ({"resolution": 3}, SettingError, "resolution: found 3"),
    ],
    ids=str,
)
def test_wrong_input_is_refused_in_words(
    home: Path, four: str, settings: dict[str, Any], error: type[Exception], said: str
) -> None:
    refused(home, error, said, **({"data": four} | settings))


def test_a_name_that_is_taken_or_is_none_is_refused(home: Path, four: str, first: Trained) -> None:
    for name, said in (("first", "exists already"), ("a/b", "without slashes"), ("", "without slashes")):
        with pytest.raises(SettingError, match=said):
            begin(home, name, data=four)


def test_weights_that_do_not_fit_the_data_are_refused(home: Path, first: Trained) -> None:
    data = archive(home / "colour.npz", channels=3)
    refused(home, SettingError, r"the weight 'stem\.conv1\.weight' is .*, the network needs", "first", data=data)


def test_a_teacher_of_other_classes_or_without_weights_is_refused(home: Path, four: str, first: Trained) -> None:
    data = archive(home / "three.npz", ("x", "y", "z"))
    refused(home, SettingError, "its classes are not those of the data", data=data, teacher="first")
    Trained.create(home / "unbegun", first.config, first.architecture, {}, first.outside)
    refused(home, SettingError, "has no weights yet", data=four, teacher=str(home / "unbegun"))
    finished_run(home / "found", complete=1)
    said = "teacher .*found: a search, which keeps no weights"
    refused(home, SettingError, said, data=four, teacher=str(home / "found"))


def test_a_teacher_that_learnt_on_is_refused_on_going_on(home: Path, first: Trained) -> None:
    config = first.config.model_copy(update={"teacher": str(first.folder)})
    taught = Trained.create(
        home / "taught", config, first.architecture, {}, first.outside, data=first.seal["data"], teacher="a hash"
    )
    with pytest.raises(SettingError, match=r"teacher .*first: is not the one that .*taught began with; give back the"):
        go_on(taught.folder)
    without = config.model_copy(update={"teacher": None})
    (taught.folder / "training.yaml").write_text(document.dump(without.model_dump(mode="json")))
    with pytest.raises(SettingError, match="teacher None: is not the one"):
        go_on(taught.folder)


def test_a_thousand_classes_cannot_teach_ten(home: Path, four: str, timm: Any, tmp_path: Path) -> None:
    net = timm.create_model("resnet10t")
    timm.models.save_for_hf(net, str(tmp_path), safe_serialization=True, model_config={"num_classes": 1000})
    refused(home, SettingError, "knows 1000 classes, the data have 4", data=four, teacher=f"local-dir:{tmp_path}")


def test_images_none_of_which_can_be_read_are_refused(home: Path, tmp_path: Path) -> None:
    folder = write(tmp_path / "photos", count=8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stored, "IN_MEMORY", 0)
        for file in folder.rglob("*.jpg"):
            damage(file)
        refused(home, DataError, "no image of the training part can be read", network(channels=3, classes=2),
                data=f"image_folder:{folder}", loaders=0)  # fmt: skip


# ---- images that cannot be read


@pytest.mark.parametrize("held", [True, False])
def test_images_that_cannot_be_read_are_named_and_left_out(
    home: Path, tmp_path: Path, held: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write(tmp_path / "photos" / "train", count=20, side=24).parent
    write(folder / "test", count=8, side=24)
    broken = {
        f"train/{damage(folder / 'train' / 'cat' / '3.jpg')}",
        f"test/{damage(folder / 'test' / 'cat' / '0.jpg')}",
    }
    monkeypatch.setattr(stored, "IN_MEMORY", stored.IN_MEMORY if held else 0)
    changes = {"epochs": 1, "learning_rate": 1e-9}
    done = begin(home, f"unreadable-{held}", network(channels=3, classes=2), data=f"image_folder:{folder}",
                 loaders=0, changes=changes)  # fmt: skip
    named = [*done.environment["unreadable"], *done.ending.unreadable]
    assert {text.partition(" (")[0] for text in named} == broken
    verdict = done.ending.verdict
    assert verdict.images == 15
    data = load(f"image_folder:{folder}", resolution=8)
    page = (done.folder / "report.html").read_text()
    for mistake, picture, name in zip(verdict.mistakes, done.ending.pictures, done.ending.names, strict=True):
        row = data.test[[mistake.row]]
        drawn = read_picture(folder / name, 8).pixels
        assert np.array_equal(np.asarray(opened(picture)), drawn)
        assert f"{name}</bdi>" in page
        assert data.labels[row][0] == mistake.label
        assert np.array_equal(np.asarray(opened(picture)), data.images[row][0].transpose(1, 2, 0))
    assert all(text in page for text in broken)


# ---- kinds from outside


@pytest.fixture
def plugin(tmp_path: Path) -> Iterator[Path]:
    """A file with a task whose targets are no classes, with data and a head for it: those of CONTRIBUTING.md."""
    kinds = [text for name, text in FILES.items() if name.endswith(("turned.py", "orientation.py", "direction.py"))]
    assert len(kinds) == 3
    names = '\n__all__ = ["turned_digits", "turned_angles", "orientation", "direction"]\n'
    (tmp_path / "angles.py").write_text("\n".join(kinds) + names)
    yield tmp_path / "angles.py"
    forget()


def test_a_task_without_classes_is_trained_with_its_plug_in_which_goes_along(home: Path, plugin: Path) -> None:
    net = {"name": "turned", "resolution": 8, "stem": {"kind": "conv", "width": 8}, "head": {"kind": "direction"}}
    (plugin.parent / "turned.yaml").write_text(json.dumps(net | {"stages": PLAIN_STAGES}))
    settings = {"data": "turned_angles", "task": "orientation"}
    nas.evaluation.plugins.load_plugins(plugin)
    done = begin(home, "turned", plugin.parent / "turned.yaml", changes={"epochs": 1, "batch_size": 64}, **settings)
    found = done.ending.verdict
    assert 0 < found.metrics["angle_error"].low < found.metrics["angle_error"].value < 120
    assert found.ece is None
    assert (done.folder / "report.html").exists()
    assert json.loads((done.folder / "verdict.json").read_text())["verdict"]["ece"] is None
    assert [file.name for file in done.outside.files] == ["angles.py"]
    forget()
    plugin.unlink()
    assert nas.load(done.folder).facts["task"] == "orientation"
    assert Trained(done.folder).ending.verdict == found
    for how, said in (
        ({"teacher": "first"}, "tells the classes of whole images, and the task orientation learns angles"),
        ({"changes": {"balance": "weights"}}, "no classes"),
    ):
        refused(home, SettingError, said, "turned", **settings, **how)


# ---- going on


def test_data_that_have_changed_are_refused(home: Path, tmp_path: Path) -> None:
    data = archive(tmp_path / "d.npz")
    done = begin(home, "changed", data=data, changes={"epochs": 1})
    (done.folder / "verdict.json").unlink()
    archive(tmp_path / "d.npz", count=164)
    with pytest.raises(DataError, match=r"has 41 images, not 40.*; .* Put the data back .* begin another training"):
        go_on(done.folder)
    archive(tmp_path / "d.npz", CLASSES[:3])
    with pytest.raises(DataError, match=r"npz:d\.npz is not what .*changed began with: the class .* is lacking"):
        go_on(done.folder)
    (done.folder / "seal.json").unlink()  # as in older ones
    with pytest.raises(SettingError, match="has other classes or images than when the training began"):
        go_on(done.folder)
    archive(tmp_path / "d.npz")
    assert go_on(done.folder).ending is not None


def test_the_state_of_another_architecture_is_refused(home: Path, four: str) -> None:
    one = begin(home, "one", data=four, changes={"epochs": 1})
    other = begin(home, "two", network(classes=4, stages=PLAIN_STAGES), data=four, changes={"epochs": 1})
    (other.folder / "last.pt").write_bytes((one.folder / "last.pt").read_bytes())
    (other.folder / "verdict.json").unlink()
    with pytest.raises(
        RunError, match=r"last\.pt: the state of another training \(the network has no weight 'stages"
    ) as error:
        go_on(other.folder)
    assert len(str(error.value)) < 400


def test_a_state_that_is_damaged_says_what_is_left(home: Path, four: str) -> None:
    done = begin(home, "broken", data=four, changes={"epochs": 1})
    (done.folder / "verdict.json").unlink()
    (done.folder / "last.pt").write_bytes((done.folder / "last.pt").read_bytes()[:500])
    with pytest.raises(RunError, match=r"last\.pt: cannot be read .*; begin another training from .*best\.safetensors"):
        go_on(done.folder)
    with pytest.raises(SettingError, match=r"no training 'brokn'. Did you mean 'broken'"):
        go_on("brokn", runs=home / "runs")


@pytest.fixture(scope="module")
def searched(home: Path, four: str) -> Callable[..., Trained]:
    """Trains a network of a search, under a name and settings, for an epoch."""
    (home / "tiny.yaml").write_text(CONVOLUTION_FIRST)
    search(home / "tiny.yaml", "found", 1, data=four, confirm=0, objectives="macs,balanced_accuracy,accuracy",
           recipe={"subset": 32, "mirror": "never"}, target="onnxruntime")  # fmt: skip

    def trained(what: str, name: str, **settings: Any) -> Trained:
        return train(home / "runs" / what, name=name, runs=home / "runs", changes={"epochs": 1}, **settings)

    return trained


@pytest.fixture(scope="module")
def own(searched: Callable[..., Trained]) -> list[Trained]:
    """A training of a network of a search, and one of what came of that, of which nothing was told."""
    return [searched("found", "own"), searched("own", "own-again")]


@pytest.fixture(scope="module")
def told(searched: Callable[..., Trained]) -> Trained:
    """A training that was told otherwise."""
    recipe = {"epochs": 1, "mirror": "auto"}
    return searched("found", "told", monitor="accuracy", recipe=recipe, target="file:phone.yaml")


@pytest.mark.long
def test_a_network_of_a_run_is_trained_on_the_data_of_the_run(own: list[Trained], four: str) -> None:
    assert [one.config.data for one in own] == [four] * 2


def test_the_metric_that_a_search_weighed_chooses_the_epoch(own: list[Trained], told: Trained) -> None:
    """Accuracy would choose otherwise where classes are of unequal size, for which the search weighed another."""
    assert [one.config.monitor for one in own] == ["balanced_accuracy"] * 2
    assert told.config.monitor == "accuracy"


def test_images_are_mirrored_as_in_the_search_unless_told(own: list[Trained], told: Trained) -> None:
    assert [one.config.recipe.mirror for one in own] == ["never"] * 2
    assert told.config.recipe.mirror == "auto"


def test_a_recipe_in_hand_leaves_open_what_its_file_does(home: Path, own: list[Trained]) -> None:
    found = find_network("found", home / "runs")
    given = ("small", nas.training.full.recipe.load_recipe("small"))
    recipes = [find_recipe(one, None, found, {"task": "classification"})["recipe"] for one in given]
    assert [recipe["mirror"] for recipe in recipes] == ["never"] * 2


@pytest.mark.long
def test_the_latency_of_a_verdict_is_that_of_the_searchs_target(
    own: list[Trained], told: Trained, searched: Callable[..., Trained]
) -> None:
    """One of another target, several times as long, would look like a fault of the training."""
    assert [one.ending.costs["latency"]["target"] for one in own] == ["onnxruntime"] * 2
    assert told.ending.costs["latency"]["target"] == "cpu", "the one of a device elsewhere cannot be measured here"
    with pytest.raises(SettingError, match="Did you mean 'onnxruntime'"):
        searched("found", "wrong", target="onxruntime")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("--time 10s --epochs 3", "--time and --epochs"),
        ("--teaching 0.7", "--teaching: there is no teacher"),
        ("--resume --name other", "leave out --name"),
    ],
)
def test_options_that_leave_each_other_without_meaning_are_refused(
    nas: Command, tmp_path: Path, options: str, says: str
) -> None:
    answer = nas("train", "vit_rel", "--runs", tmp_path, *options.split())
    assert answer.status == 2
    assert says in answer.err
    assert not list(tmp_path.iterdir())


def test_a_page_that_cannot_be_written_is_told_though_the_training_ended(home: Path, four: str) -> None:
    done = begin(home, "pageless", data=four, changes={"epochs": 1})
    (done.folder / "verdict.json").unlink()
    (done.folder / "report.html").unlink()
    (done.folder / "report.html").mkdir()
    with pytest.raises(SettingError, match=r"report\.html: cannot be written"):
        go_on(done.folder)
    assert Trained(done.folder).ended


def test_parts_of_one_image_are_refused_before_anything_is_written(home: Path, four: str) -> None:
    small = network(classes=4, stages=[{"block": "conv", "depth": 1, "width": 8, "stride": 2} for _ in range(3)])
    with pytest.raises(SettingError, match="--accumulate 16: leaves parts of one image, too few for BatchNorm"):
        begin(home, "by-one", small, data=four, changes={"accumulate": 16})
    assert not (home / "runs" / "by-one").exists()
    assert begin(home, "by-two", small, data=four, changes={"accumulate": 8, "epochs": 1}).ended


def test_a_result_and_a_model_are_refused_with_what_to_write(home: Path, first: Trained) -> None:
    result = finished_run(home / "runs" / "searched", complete=1).pick()
    with pytest.raises(SettingError, match=f"found trial {result.number} of a search; write its run with the number"):
        begin(home, "never", result)
    with pytest.raises(SettingError, match="found a model; write the folder or the file of its weights"):
        begin(home, "never", first.model())
    assert not (home / "runs" / "never").exists()
