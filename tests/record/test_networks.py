"""Every way of naming a network finds it, and a wrong name gets the nearest."""

from dataclasses import replace
from pathlib import Path

import pytest
import run_fixtures
import torch
import trained_fixtures
from small_trainings import network

import nas
from nas.errors import RunError, SettingError, SpaceError, UserError
from nas.network.build import build
from nas.record.models import BEST, write_model
from nas.record.networks import find_network
from nas.record.run import Run
from nas.record.trained import Trained
from nas.report.architectures import write_architectures
from nas.training.model import Model


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a search, a search without a trial, a training and one that has not come to an epoch."""
    folder = tmp_path_factory.mktemp("here") / "runs"
    run_fixtures.finished_run(folder / "first")
    run_fixtures.empty_run(folder / "empty")
    trained_fixtures.ended(folder / "signs")
    trained_fixtures.begun(folder / "begun")
    return folder


def test_published_networks_go_by_their_name(runs: Path) -> None:
    found = find_network("coatnet_0", runs)
    assert found.architecture == nas.load_architecture("coatnet_0")
    assert (found.model, found.trained, found.run) == (None, None, None)
    assert not found.outside.files


def test_a_yaml_file_goes_by_its_path(runs: Path, tmp_path: Path) -> None:
    network().save(tmp_path / "mine.yaml")
    assert find_network(tmp_path / "mine.yaml", runs).architecture == network()
    assert find_network(str(tmp_path / "mine.yaml"), runs).architecture == network()


def test_a_file_in_a_runs_folder_is_of_the_run(runs: Path, tmp_path: Path) -> None:
    """So a training of it has the search's data, divided as there."""
    write_architectures(Run(runs / "first"))
    for file in (runs / "first" / "best.yaml", next((runs / "first" / "front").glob("*.yaml"))):
        found = find_network(file, runs)
        assert found.run is not None
        assert found.run.folder.samefile(runs / "first")
        assert found.architecture == nas.load_architecture(file)
        assert found.model is None
    found = find_network(runs / "signs" / "architecture.yaml", runs)
    assert found.trained is not None
    assert (found.trained.name, found.model) == ("signs", None)
    (tmp_path / "config.yaml").write_text("of: another program\n")
    network().save(tmp_path / "mine.yaml")
    assert find_network(tmp_path / "mine.yaml", runs).home is None


@pytest.mark.parametrize("pick", ["knee", "accuracy", "latency"])
def test_a_run_stands_for_its_knee_or_for_what_is_picked(runs: Path, pick: str) -> None:
    run = Run(runs / "first")
    text = "first" if pick == "knee" else f"first:{pick}"
    found = find_network(text, runs)
    result = run.pick(pick)
    assert found.architecture == replace(result.architecture, name=f"first_{result.number}")
    assert found.run is not None
    assert found.run.folder == runs / "first"
    assert find_network(f"first:{result.number}", runs).architecture == found.architecture
    assert find_network(runs / text, runs).architecture == found.architecture, "by its path"


def test_a_training_stands_for_its_weights(runs: Path) -> None:
    for name in ("signs", runs / "signs", f"{runs}/signs/"):
        found = find_network(name, runs)
        assert isinstance(found.trained, Trained)
        assert found.model is not None
        assert found.architecture == found.trained.architecture
        x = torch.rand(1, 3, 8, 8)
        assert torch.equal(found.model(x), found.trained.model()(x))


def test_a_training_without_an_epoch_has_no_weights_yet(runs: Path) -> None:
    found = find_network("begun", runs)
    assert found.trained is not None
    assert found.model is None
    with pytest.raises(SettingError, match="no such file"):
        found.trained.model()


def test_a_file_of_weights_goes_by_its_path(runs: Path, tmp_path: Path) -> None:
    model = Model(build(network(), seed=0), tuple("0123456789"), [0.5], [0.5])
    write_model(model, tmp_path / "m.safetensors")
    found = find_network(tmp_path / "m.safetensors", runs)
    assert found.architecture == network()
    assert found.model is not None
    assert found.model.classes == model.classes
    assert find_network(runs / "signs" / BEST, runs).model is not None


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("coatnet_00", "coatnet_0"),
        ("sign", "signs"),
        ("firts", "first"),
        ("firts:accuracy", "first"),
        ("begn", "begun"),
    ],
)
def test_wrong_names_get_the_nearest_of_all_sorts(runs: Path, name: str, near: str) -> None:
    with pytest.raises(SettingError, match=f"no network '{name}': .* Did you mean '{near}'"):
        find_network(name, runs)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("signs", "a training"), ("coatnet_0", "a published network"), ("signs/best.safetensors", "a file")],
)
def test_what_is_one_network_takes_no_pick(runs: Path, name: str, kind: str) -> None:
    name = f"{runs}/{name}" if "/" in name else name
    with pytest.raises(SettingError, match=f"'latency<=2' picks among .* and {name} is {kind}: leave the pick out"):
        find_network(f"{name}:latency<=2", runs)


@pytest.mark.parametrize("name", ["", ":", ":accuracy", "first:", "a\0b", "x" * 5000, ".", "/", "..", "signs:accuracy"])
def test_odd_names_are_refused_in_words(runs: Path, name: str) -> None:
    if name == "first:":
        assert find_network(name, runs).architecture == find_network("first", runs).architecture
        return
    with pytest.raises(UserError) as error:
        find_network(name, runs)
    assert str(error.value)


def test_what_is_no_network_says_what_it_is(runs: Path, tmp_path: Path) -> None:
    with pytest.raises(SpaceError, match="an architecture has one value here"):
        find_network("hybrid_zoo", runs)
    (tmp_path / "broken.yaml").write_text("stem: [")
    with pytest.raises(SpaceError, match=r"broken\.yaml"):
        find_network(tmp_path / "broken.yaml", runs)
    (tmp_path / "broken.safetensors").write_text("<html>")
    with pytest.raises(SettingError, match=r"broken\.safetensors: not a file of weights"):
        find_network(tmp_path / "broken.safetensors", runs)
    with pytest.raises(SettingError, match=r"none\.safetensors: no such file"):
        find_network("none.safetensors", runs)


def test_a_run_without_a_trial_and_an_unknown_pick_are_refused(runs: Path) -> None:
    with pytest.raises(RunError, match=r"empty has no finished trial to pick from; nas resume .*empty goes on"):
        find_network("empty", runs)
    with pytest.raises(UserError, match="acuracy"):
        find_network("first:acuracy", runs)
    with pytest.raises(UserError, match="999"):
        find_network("first:999", runs)


def test_nothing_is_known_where_there_are_no_runs(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"nor a run or training\. .*none is empty; nas spaces lists"):
        find_network("zzzzzz", tmp_path / "none")
