"""The folder of a full training: what is kept in it comes back, and a damaged file is named."""

import json
import math
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import trained_fixtures
from trained_fixtures import begun, ended, history, model_of

from nas.errors import NasError, RunError, SettingError
from nas.evaluation.plugins import Outside
from nas.record.ending import Ending
from nas.record.folders import find_trained, is_trained
from nas.record.models import BEST
from nas.record.trained import Trained
from nas.training.full.progress import Epoch
from nas.training.full.settings import make_train_config

NAMES = ("a", "b", 'c "<&>" ü', "d")


@pytest.fixture
def trained(tmp_path: Path) -> Trained:
    return ended(tmp_path / "runs" / "signs", NAMES)


# ---- a new folder


def test_a_new_folder_holds_what_was_settled(tmp_path: Path) -> None:
    trained = begun(tmp_path / "deep" / "signs", seed=7, data="image_folder:/some where/ü", time=90.5, teacher="x")
    again = Trained(str(trained.folder))
    assert again.config == trained.config
    assert (again.config.seed, again.config.time, again.config.data) == (7, 90.5, "image_folder:/some where/ü")
    assert again.architecture == trained_fixtures.network(4)
    assert again.environment == trained_fixtures.ENVIRONMENT
    assert again.name == "signs"
    assert (again.history, again.ending, again.state()) == ([], None, None)
    assert repr(again) == f"Trained({again.folder}: 0 epochs)"
    with pytest.raises(SettingError, match="no such file"):
        again.model()


def test_every_setting_survives_its_file(tmp_path: Path) -> None:
    recipe = {"learning_rate": 1e-05, "base_batch": 512, "ema": 0.99996, "balance": "sampling", "mirror": "never"}
    settings = {"recipe": recipe, "patience": 3, "monitor": "macro_f1", "resolution": 48, "log": ("tensorboard",)}
    trained = begun(tmp_path / "signs", **settings, device="cpu", loaders=0, threads=2, start="runs/first: 1")
    assert Trained(trained.folder).config == trained.config


def test_a_folder_that_exists_or_cannot_be_written_is_refused(tmp_path: Path, trained: Trained) -> None:
    with pytest.raises(SettingError, match="signs exists already"):
        begun(trained.folder)
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingError, match="cannot be written"):
        begun(tmp_path / "file" / "signs")
    with pytest.raises(SettingError, match="is not a training"):
        Trained(tmp_path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device")
def test_a_folder_that_could_not_be_filled_is_not_left_behind(tmp_path: Path) -> None:
    name = "x" * 250  # of a file too long beside its temporary name, which the folder's is not
    config = make_train_config({})
    plugin = type("Plugin", (), {"name": name, "data": b"", "path": name, "sha256": ""})()
    with pytest.raises(SettingError, match="cannot be written"):
        Trained.create(tmp_path / "signs", config, trained_fixtures.network(4), {}, Outside((plugin,)))
    assert not (tmp_path / "signs").exists()


def test_trainings_are_found_by_name_and_path(tmp_path: Path, trained: Trained) -> None:
    runs = trained.folder.parent
    for name in ("signs", str(trained.folder), trained.folder):
        assert find_trained(name, runs) in (trained.folder, runs / "signs")
    with pytest.raises(SettingError, match=r"no training 'sings'. Did you mean 'signs'"):
        find_trained("sings", runs)
    assert not is_trained(runs)
    assert not is_trained(Path("a\0b"))
    assert not is_trained(Path("x" * 5000))


# ---- what a training keeps


def test_epochs_come_back_to_the_last_digit(tmp_path: Path) -> None:
    trained = begun(tmp_path / "signs")
    rng = np.random.default_rng(0)
    past = [
        Epoch(i, float(rng.random() * 1e3), float(rng.random() * 1e-5), float(rng.normal()), float(rng.random()),
              {"accuracy": float(rng.random()), "macro_f1": 0.1 + 0.2 * i, "top5": 1.0})
        for i in range(1, 30)
    ]  # fmt: skip
    trained.keep_epoch({}, past, None)
    found = trained.history
    assert found == past
    assert all(type(epoch.number) is int for epoch in found)
    lines = (trained.folder / "summary.csv").read_text().splitlines()
    assert lines[0] == "number,seconds,learning_rate,loss,validation_loss,accuracy,macro_f1,top5"
    assert len(lines) == 30


def test_a_value_that_is_no_number_is_kept_as_such(tmp_path: Path) -> None:
    trained = begun(tmp_path / "signs")
    (epoch,) = history(1)
    trained.keep_history([replace(epoch, validation_loss=math.nan), replace(epoch, number=2)])
    first, second = trained.history
    assert math.isnan(first.validation_loss)
    assert second == replace(epoch, number=2)


def test_the_state_comes_back_exactly(tmp_path: Path) -> None:
    trained = begun(tmp_path / "signs")
    state = {
        "weights": torch.randn(3, 4).to(memory_format=torch.contiguous_format), "course": {"epoch": 3, "limit": None},
        "history": [{"metrics": {"accuracy": 1 / 3}}], "random": torch.get_rng_state(),
    }  # fmt: skip
    trained.keep_state(state)
    found = trained.state()
    assert found is not None
    assert torch.equal(found["weights"], state["weights"])
    assert torch.equal(found["random"], state["random"])
    assert (found["course"], found["history"]) == (state["course"], state["history"])
    assert sorted(path.name for path in trained.folder.iterdir() if path.name.startswith(".")) == []


def test_the_best_weights_are_kept_when_an_epoch_is_the_best(tmp_path: Path) -> None:
    trained = begun(tmp_path / "signs")
    best = model_of(trained, NAMES)
    trained.keep_epoch({}, history(1), best)
    x = torch.rand(2, 3, 8, 8)
    assert torch.equal(trained.model()(x), best.eval()(x))
    with torch.no_grad():
        next(iter(best.parameters())).add_(1)
    before = (trained.folder / BEST).stat().st_mtime_ns
    trained.keep_epoch({}, history(2), None)
    assert (trained.folder / BEST).stat().st_mtime_ns == before
    assert trained.model().classes == NAMES


def test_the_end_comes_back(trained: Trained) -> None:
    ending = Trained(trained.folder).ending
    assert ending is not None
    assert ending.verdict == trained_fixtures.verdict(4, 300)
    assert ending.epoch == 5
    assert len(ending.pictures) == len(ending.verdict.mistakes)
    assert ending.costs["latency"]["median"] == 1.234
    text = (trained.folder / "verdict.json").read_text()
    assert json.loads(text)["epoch"] == 5


def test_an_ending_replaces_the_one_that_was_read(trained: Trained) -> None:
    before = trained.ending
    assert before is not None
    trained.keep_ending(Ending(before.verdict, 2), trained.model())
    assert trained.ending is not None
    assert trained.ending.epoch == 2


# ---- damaged files


Damage = Callable[[bytes], bytes]
WAYS: dict[str, Damage] = {
    "empty": lambda data: b"",
    "half": lambda data: data[: len(data) // 2],
    "random": lambda data: np.random.default_rng(0).bytes(len(data)),
    "html": lambda data: b"<!DOCTYPE html><html>404</html>",
    "list": lambda data: b"[]",
    "quote": lambda data: b'"' + data,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["training.yaml", "architecture.yaml"])
def test_a_damaged_folder_cannot_be_opened(trained: Trained, name: str, way: str) -> None:
    file = trained.folder / name
    file.write_bytes(WAYS[way](file.read_bytes()))
    try:
        Trained(trained.folder)
    except NasError as error:
        assert str(trained.folder) in str(error)  # noqa: PT017
    else:
        assert way == "half", "half of a file of settings may be one"


def test_a_folder_that_lacks_its_network_says_so(trained: Trained) -> None:
    (trained.folder / "architecture.yaml").unlink()
    with pytest.raises(RunError, match=r"architecture\.yaml"):
        Trained(trained.folder)


def test_settings_that_do_not_exist_are_named(trained: Trained) -> None:
    with (trained.folder / "training.yaml").open("a") as file:
        file.write("patienc: 3\n")
    with pytest.raises(RunError, match=r"unknown setting 'patienc'. Did you mean 'patience'"):
        Trained(trained.folder)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["verdict.json", "environment.json", "last.pt", BEST])
def test_other_damaged_files_are_named_when_they_are_asked_for(trained: Trained, name: str, way: str) -> None:
    trained.keep_state({"weights": torch.randn(100)})
    file = trained.folder / name
    file.write_bytes(WAYS[way](file.read_bytes()))
    opened = Trained(trained.folder)
    asks: dict[str, Callable[[], object]] = {
        "verdict.json": lambda: opened.ending,
        "environment.json": lambda: opened.environment,
        "last.pt": opened.state,
        BEST: opened.model,
    }
    if (name, way) == ("environment.json", "list"):
        assert asks[name]() == {}
        return
    with pytest.raises(NasError) as error:
        asks[name]()
    assert str(file) in str(error.value)


@pytest.mark.parametrize("way", WAYS)
def test_a_damaged_summary_is_named_or_has_fewer_epochs(trained: Trained, way: str) -> None:
    file = trained.folder / "summary.csv"
    file.write_bytes(WAYS[way](file.read_bytes()))
    try:
        assert len(trained.history) < 6
    except RunError as error:
        assert "summary.csv: damaged; the training writes it anew with --resume" in str(error)  # noqa: PT017


def test_a_hostile_state_is_not_run(trained: Trained, tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[object, ...]:
            return (os.mkdir, (str(tmp_path / "executed"),))

    torch.save({"course": Hostile()}, trained.folder / "last.pt")
    with pytest.raises(RunError, match=r"last\.pt: cannot be read .* begin another training from .*best\.safetensors"):
        trained.state()
    assert not (tmp_path / "executed").exists()


def test_an_end_that_another_process_writes_is_seen(tmp_path: Path) -> None:
    mine = begun(tmp_path / "runs" / "a")
    assert mine.ending is None
    assert not mine.ended
    theirs = ended(tmp_path / "other" / "b")
    shutil.copy(theirs.folder / "verdict.json", mine.folder / "verdict.json")
    assert mine.ended
    assert mine.ending == theirs.ending
    (mine.folder / "verdict.json").write_text("{")
    assert not Trained(mine.folder).ended, "a damaged one is written anew"
