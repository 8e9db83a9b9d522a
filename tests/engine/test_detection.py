"""Detection from the door to the record: searches and trainings of boxes go as those of classes do."""

import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from command import Command
from outside import forget
from small_detection import NET, home
from small_searches import story

import nas
from nas.config import make_config
from nas.data.sets.digit_scenes import Scene, digit_scenes
from nas.engine.attendant import Attendant
from nas.errors import SettingError, SpaceError
from nas.evaluation.evaluator import conditions_of
from nas.evaluation.limits import Limits
from nas.record.command import repeating, unsaid
from nas.record.run import Run
from nas.record.trained import Trained
from nas.space.library import load_architecture, load_space
from nas.space.matching import nearest
from nas.training.full.loop import StoppedError

pytestmark = pytest.mark.long

COUNTED: dict[str, Any] = {"objectives": ("map", "params"), "device": "cpu", "workers": 1}
CHANGES = {
    "epochs": 3, "batch_size": 16, "warmup": 1, "accumulate": 2, "crop": 0.6, "mirror": "always", "operations": 1,
    "erasing": 0.3, "ema": 0.9, "drop_path": 0.1,
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def _forgotten() -> Iterator[None]:
    yield
    forget()


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return home(tmp_path_factory.mktemp("detection"))


@pytest.fixture(scope="module")
def run(settings: dict[str, Any]) -> Run:
    """A search with all that a search may have: a ladder, a limit, scores, a pre-filter and confirmation."""
    return nas.search(
        budget=5, name="whole", rungs=(1, 2), confirm=1, scores=("synflow", "grad_norm", "snip", "naswot"),
        prefilter={"jacob_cov": 0.9}, maximum={"params": 1e6}, pick="map", seed_with=("coatnet_0",),
        **settings, **COUNTED,
    )  # fmt: skip


# ---- what a search takes unless told


def test_space_data_objectives_and_recipe_are_the_tasks_unless_named() -> None:
    found = make_config({"task": "detection"})
    assert (found.space, found.data, found.objectives) == ("detr_family", "digit_scenes", ("map", "latency"))
    assert found.recipe.learning_rate == 1e-3
    named = {"space": "mine.yaml", "data": "coco:a.json", "objectives": ("map50", "macs")}
    told = make_config({"task": "detection", "recipe": {"epochs": 2}, **named})
    assert {name: getattr(told, name) for name in named} == named
    assert (told.recipe.epochs, told.recipe.learning_rate) == (2, 1e-3)
    plain = make_config({})
    assert (plain.space, plain.data, plain.objectives) == ("cvt_family", "cluttered_digits", ("accuracy", "latency"))
    assert make_config(found.model_dump()) == found


def test_a_task_that_does_not_fit_the_space_names_the_one_that_does(settings: dict[str, Any]) -> None:
    with pytest.raises(
        SpaceError, match=r"'detr' gives boxes; the task classification needs logits: .*, or --task detection"
    ):
        nas.search("detr_family", data="digits", budget=1, runs=settings["runs"])
    with pytest.raises(
        SpaceError, match="'pool' gives logits; the task detection needs boxes: detr, or --task classification"
    ):
        nas.search("cvt_family", budget=1, **{k: settings[k] for k in ("task", "data", "plugins", "runs")})
    with pytest.raises(SettingError, match="accuracy is no metric of the task detection: map, map50"):
        nas.search(budget=1, **settings | {"objectives": ("accuracy", "params")})


# ---- a search


def test_a_search_of_detectors_leaves_what_a_search_leaves(run: Run) -> None:
    assert len(run.trials) >= 5
    done = [trial for trial in run.trials if trial.outcome.state == "complete"]
    assert len(done) == 5
    for trial in done:
        assert 0 <= trial.outcome.metrics["map"] <= 1
        assert all(map(math.isfinite, trial.outcome.losses))
        scores = trial.outcome.scores
        assert scores.keys() == {"synflow", "grad_norm", "snip", "naswot", "jacob_cov"}
        assert all(scores[name] is not None for name in ("synflow", "grad_norm", "snip"))
    assert any(further.rung == 1 for further in run.further)
    assert any(further.repeat for further in run.further)
    page = (run.folder / "report.html").read_text()
    assert "mAP" in page
    assert "ccuracy" not in page.partition("<body")[2].partition("<script")[0]


def test_its_pick_and_its_command_are_of_the_task(run: Run) -> None:
    best = max(result.metrics["map"] for result in run.results)
    assert run.pick("map").metrics["map"] == best
    assert "--task detection" in repeating(run)
    assert unsaid(run) == [], "the recipe is the task's"
    assert run.pick("knee").architecture.head.kind == "detr"


def test_known_designs_begin_at_the_nearest_points() -> None:
    space = load_space("detr_family").fit(resolution=64, channels=1, classes=10)
    for known in ("coatnet_0", "moat_0", NET):
        found = space.replay(nearest(space, load_architecture(known)))
        assert found.head.kind == "detr"
    assert found.head.options.items() >= {"width": 48, "encoder": 1, "decoder": 2, "levels": 2}.items()


@pytest.mark.faults
def test_a_search_that_is_killed_goes_on_as_if_it_were_not(settings: dict[str, Any]) -> None:
    folder = Path(settings["runs"]).parent
    line = (
        f"search --task detection --space {settings['space']} --data few_scenes --plugins {settings['plugins'][0]} "
        "--objectives map,params --subset 32 --batch-size 16 --epochs 1 --budget 4 --workers 1 --device cpu "
        "--confirm 1 --name killed"
    )
    record, process = folder / "runs/killed/trials.jsonl", begun(line, folder)
    wait_for(process, record, 2)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    process = begun("resume killed", folder)
    _, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    unhurt = nas.search(budget=4, name="unhurt", confirm=1, **settings, **COUNTED)
    assert story(Run(record.parent)) == story(unhurt)


def begun(line: str, folder: Path) -> "subprocess.Popen[str]":
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen([sys.executable, "-m", "nas.cli", *line.split()], cwd=folder, env=environment,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # fmt: skip


def wait_for(process: "subprocess.Popen[str]", record: Path, lines: int) -> None:
    """Wait until so many trials are on disk."""
    for _ in range(12_000):
        if record.exists() and record.read_bytes().count(b"\n") >= lines:
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    raise AssertionError("the search did not begin")


def test_the_limits_of_a_space_of_detectors_are_found() -> None:
    config = make_config({"task": "detection", "maximum": {"params": 1e5}})
    space = load_space("detr_family").fit(resolution=64, channels=1, classes=10)
    with pytest.raises(SettingError, match="every network of detr_family is above that"):
        Limits(config, conditions_of(config)).check(space)


# ---- from the command line, with every default


def test_the_commands_of_a_search_and_a_training_need_nothing_but_the_task(
    nas: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = Scene(train=24, validation=8, test=8, resolution=32)
    assert digit_scenes.__kwdefaults__["scene"].resolution == 64
    monkeypatch.setitem(digit_scenes.__kwdefaults__, "scene", few)
    monkeypatch.chdir(tmp_path)
    quick = ("--epochs", 1, "--subset", 16, "--confirm", 0, "--workers", 1, "--device", "cpu", "--name", "first")
    answer = nas("search", "--task", "detection", "--budget", 2, *quick)
    assert answer.status == 0, answer.err
    assert "digit_scenes" in answer.out
    assert "mAP" in answer.out or "map" in answer.out
    assert nas("show", "first").status == 0
    assert nas("runs").out.count("mAP") == 1
    answer = nas("train", "first", "--epochs", 1, "--name", "knee", "--device", "cpu")
    assert answer.status == 0, answer.err
    assert "mAP" in answer.out
    done = Trained(tmp_path / "runs/knee")
    assert (done.config.task, done.config.data, done.config.recipe_name) == ("detection", "digit_scenes", "detection")
    assert done.ending
    assert done.ending.verdict.metrics.keys() == {"map", "map50"}


# ---- full trainings


def begin(run: Run, settings: dict[str, Any], name: str, **more: Any) -> Trained:
    return nas.train(
        run.pick("map").architecture, name=name, runs=settings["runs"], plugins=settings["plugins"], device="cpu",
        threads=1, data="few_scenes", changes=CHANGES, **more,
    )  # fmt: skip


@pytest.fixture(scope="module")
def whole(run: Run, settings: dict[str, Any]) -> Trained:
    """A training that nothing interrupted."""
    return begin(run, settings, "whole-training")


def test_a_training_that_stops_goes_on_exactly(run: Run, settings: dict[str, Any], whole: Trained) -> None:
    assert whole.config.task == "detection"
    with pytest.raises(StoppedError):
        begin(run, settings, "stopped", attendant=stopping(1))
    with pytest.raises(StoppedError):
        nas.engine.train.go_on("stopped", runs=settings["runs"], attendant=stopping(3))
    done = nas.engine.train.go_on("stopped", runs=settings["runs"])
    assert [e.loss for e in done.history] == [e.loss for e in whole.history]
    assert done.ending.verdict == whole.ending.verdict
    ours, theirs = done.model().state_dict(), whole.model().state_dict()
    assert all(torch.equal(ours[weight], theirs[weight]) for weight in theirs)


def stopping(steps: int) -> Attendant:
    """An attendant who asks to stop after so many steps."""
    left = [steps]

    def stop() -> bool:
        left[0] -= 1
        return left[0] < 0

    return Attendant(stop=stop)


def test_a_detector_goes_on_with_other_classes(settings: dict[str, Any], whole: Trained, tmp_path: Path) -> None:
    (tmp_path / "fewer.py").write_text(FEWER)
    noted: list[str] = []
    after = nas.train("whole-training", name="after", runs=settings["runs"], data="fewer_classes", device="cpu",
                      threads=1, plugins=(*settings["plugins"], str(tmp_path / "fewer.py")), changes={"epochs": 1},
                      attendant=Attendant(noted=noted.append))  # fmt: skip
    assert any("knows other classes: the classifier begins anew" in line for line in noted)
    assert (whole.architecture.classes, after.architecture.classes) == (10, 5)
    assert after.ending


FEWER = """
from dataclasses import replace

from nas.data.sets import Dataset
from nas.data.sets.digit_scenes import Scene, digit_scenes

__all__ = ["fewer_classes"]


def fewer_classes(path: None, *, seed: int, resolution: int | None = None) -> Dataset:
    scenes = digit_scenes(None, seed=seed, resolution=resolution, scene=Scene(train=48, validation=16, test=16))
    labels = scenes.labels.copy()
    labels[..., 0] = labels[..., 0] // 2
    return replace(scenes, labels=labels, classes=tuple("abcde"))
"""


def test_a_teacher_and_balanced_classes_are_refused(run: Run, settings: dict[str, Any]) -> None:
    with pytest.raises(SettingError, match="--teacher whole: a teacher tells the classes of whole images, and the task "
                                           "detection learns boxes"):  # fmt: skip
        begin(run, settings, "taught", teacher="whole")
    with pytest.raises(SettingError, match="--balance weights: the task detection"):
        nas.train(run.pick("map").architecture, data="few_scenes", plugins=settings["plugins"],
                  runs=settings["runs"], changes={"balance": "weights"})  # fmt: skip


@pytest.mark.parametrize(("name", "notes"), [("mixup", 1), ("cutmix", 1), ("label_smoothing", 0)])
def test_what_is_for_classes_alone_is_refused_of_a_detector_unless_a_recipe_has_it(
    name: str, notes: int, settings: dict[str, Any]
) -> None:
    noted: list[str] = []

    def train(**changes: float) -> None:
        nas.train(NET, data="few_scenes", plugins=settings["plugins"], device="cpu", threads=1, changes=changes,
                  runs=settings["runs"], recipe={"batch_size": 16, name: 0.5},
                  attendant=Attendant(noted=noted.append, stop=lambda: True))  # fmt: skip

    says = (f"--{name.replace('_', '-')} 0.25: only the learning of classes has a use for it, and the task detection "
            "learns boxes; leave it out")  # fmt: skip
    with pytest.raises(SettingError, match=f"^{says}$"):
        train(**{name: 0.25})
    with pytest.raises(StoppedError):
        train()
    assert noted == ["nothing is mixed, as the task detection learns boxes"] * notes
    with pytest.raises(StoppedError):
        train(**{name: 0})
    assert len(noted) == notes


# ---- a backbone that was trained to classify


@pytest.fixture(scope="module")
def classifier(run: Run, settings: dict[str, Any]) -> Trained:
    """The same stem and stages, trained to tell digits apart, at half the resolution."""
    detector = run.pick("map").architecture.to_dict()
    network = detector | {"name": "classifier", "resolution": 8, "head": {"kind": "pool"}}
    return nas.train(network, name="classifier", runs=settings["runs"], data="digits", device="cpu", threads=1,
                     changes={"epochs": 1})  # fmt: skip


def test_stem_and_stages_begin_as_they_were_trained(run: Run, settings: dict[str, Any], classifier: Trained) -> None:
    still = {"changes": CHANGES | {"epochs": 1, "backbone_rate": 0, "ema": 0}}
    noted: list[str] = []
    done = nas.train(run.pick("map").architecture, name="still", runs=settings["runs"], plugins=settings["plugins"],
                     data="few_scenes", device="cpu", backbone="classifier", attendant=Attendant(noted=noted.append),
                     **still)  # fmt: skip
    assert any("stem and stages begin as in classifier" in line for line in noted)
    assert done.config.backbone == "classifier"
    theirs, ours = dict(classifier.model().network.named_parameters()), done.model().network.named_parameters()
    same = {name: bool(torch.equal(value, theirs[name])) for name, value in ours
            if name.startswith(("stem", "stages")) and value.shape == theirs[name].shape}  # fmt: skip
    assert len(same) > 5
    assert all(same.values()), [name for name, value in same.items() if not value]


def test_what_began_with_a_backbone_goes_on_without_it(run: Run, settings: dict[str, Any], classifier: Trained) -> None:
    whole = begin(run, settings, "upon", backbone=str(classifier.folder))
    with pytest.raises(StoppedError):
        begin(run, settings, "upon-stopped", backbone=str(classifier.folder), attendant=stopping(2))
    away = classifier.folder.rename(classifier.folder.with_name("away"))
    try:
        done = nas.engine.train.go_on("upon-stopped", runs=settings["runs"])
    finally:
        away.rename(classifier.folder)
    assert [e.loss for e in done.history] == [e.loss for e in whole.history]
    file = done.folder / "training.yaml"
    file.write_text(file.read_text().replace(f"backbone: {classifier.folder}", "backbone: another"))
    with pytest.raises(SettingError, match="backbone: found another"):
        Trained(done.folder)


def test_another_backbone_is_refused_with_the_first_difference(
    run: Run, settings: dict[str, Any], classifier: Trained, tmp_path: Path
) -> None:
    architecture = run.pick("map").architecture
    data = architecture.to_dict()
    data["stages"][0]["width"] += 4
    common = {"runs": settings["runs"], "plugins": settings["plugins"], "data": "few_scenes"}
    with pytest.raises(SettingError, match=r"another stem or stages: stages\.0\.width is (4|8)\.0 there, and "):
        nas.train(data, backbone="classifier", **common)
    longer = architecture.to_dict()
    longer["stages"].append(longer["stages"][-1] | {"stride": 1})
    with pytest.raises(SettingError, match=r"stages\.2\.block is missing there"):
        nas.train(longer, backbone="classifier", **common)
    architecture.save(tmp_path / "bare.yaml")
    with pytest.raises(SettingError, match=r"bare\.yaml: has no weights"):
        nas.train(architecture, backbone=str(tmp_path / "bare.yaml"), **common)
    with pytest.raises(SettingError, match="has weights already"):
        nas.train("classifier", data="digits", runs=settings["runs"], backbone="classifier")
