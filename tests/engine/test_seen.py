"""Test images are new to all that a training begins with, or it is refused, or says that they are not."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from boxed_folders import PICTURES, coco_file
from command import Command
from small_searches import search
from small_trainings import archive, network

import nas
from nas.config import make_config
from nas.data import load
from nas.engine.attendant import Attendant
from nas.engine.seen import Seen, check_seen
from nas.engine.train import train
from nas.errors import SettingError
from nas.record.environment import read_environment, write_environment
from nas.record.models import BEST
from nas.record.trained import Trained
from nas.training.full.loop import StoppedError
from nas.training.full.settings import make_train_config
from nas.training.model import split_of

QUICK = {"epochs": 1, "batch_size": 16, "warmup": 0, "learning_rate": 1e-9}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of runs, with data that a seed divides, a search and a training of another seed than 0."""
    home = tmp_path_factory.mktemp("home")
    archive(home / "four.npz")
    begin(home, "first", split_seed=1)
    return home


def begin(home: Path, name: str, what: Any = None, said: list[str] | None = None, **settings: Any) -> Trained:
    what = network(classes=4) if what is None else what
    attendant = Attendant(noted=(said if said is not None else []).append)
    return train(what, name=name, runs=home, recipe="small", changes=QUICK, attendant=attendant,
                 **{"data": f"npz:{home / 'four.npz'}"} | settings)  # fmt: skip


def page(trained: Trained) -> str:
    return (trained.folder / "report.html").read_text(encoding="utf-8")


@pytest.mark.long
def test_a_training_is_divided_as_what_it_comes_from(home: Path, tiny: Path) -> None:
    for name, what in (("folder", "first"), ("file", home / "first" / BEST)):
        again = begin(home, name, what)
        assert again.config.split == 1
        assert "that the training never saw" in page(again)
    data = f"npz:{home / 'four.npz'}"
    run = search(tiny, "found", 1, confirm=0, seed=3, data=data)
    assert begin(home, "of_run", run.folder).config.split == 3
    run = search(tiny, "divided", 1, confirm=0, seed=3, split_seed=4, data=data)
    assert begin(home, "of_divided", run.folder).config.split == 4
    of_file = begin(home, "of_best", run.folder / "best.yaml")
    assert of_file.config.split == 4
    exported = nas.export(str(run.folder), "yaml", home / "carried.yaml")
    assert exported.options == f" --data {data} --split-seed 4"


def test_seeds_of_one_network_test_on_the_same_images(home: Path) -> None:
    """Repeats differ in weights and order, and in no part, so that they need no warning."""
    first, again, other = (load(f"npz:{home / 'four.npz'}", seed=split) for split in (0, 0, 1))
    assert np.array_equal(first.test, again.test)
    assert not np.array_equal(first.test, other.test)
    said: list[str] = []
    repeats = [begin(home, f"repeat{seed}", "first", said=said, seed=seed) for seed in (5, 6)]
    assert {repeat.config.split for repeat in repeats} == {1}
    assert not [line for line in said if line.startswith("warning")]
    orders = [repeat.history[0].loss for repeat in repeats]
    assert orders[0] != orders[1]
    fresh = [begin(home, f"fresh{seed}", seed=seed) for seed in (5, 6)]
    assert {repeat.config.split for repeat in fresh} == {0}


def test_the_seed_of_an_earlier_record_divided_the_data(home: Path) -> None:
    """Until there was a second one, the seed did both."""
    assert make_train_config({"seed": 7}).split == make_config({"seed": 7}).split == 7
    assert make_train_config({"seed": 7, "split_seed": 0}).split == 0
    assert split_of({"seed": 7}) == 7
    assert split_of({"seed": 7, "split_seed": 0}) == 0
    assert split_of({}) is None


@pytest.mark.parametrize("role", ["teacher", "backbone"])
def test_what_learnt_from_the_test_images_is_refused_or_warned_of(home: Path, role: str) -> None:
    with pytest.raises(
        SettingError, match=rf"the {role} first learnt from npz:.* by seed 1, .* write --split-seed 1, or --"
    ):
        begin(home, f"{role}_refused", **{role: "first"})
    assert not (home / f"{role}_refused").exists()
    said: list[str] = []
    flattered = begin(home, f"{role}_typed", said=said, split_seed=0, **{role: "first"})
    assert said[0].startswith(f"warning: the {role} first learnt from npz:")
    assert f"the {role} first learnt from" in page(flattered)
    assert "The verdict flatters" in page(flattered)
    assert "on the test part, some of it not new" in page(flattered)
    assert "that the training never saw" not in page(flattered)
    assert f"the {role} first learnt" in flattered.model().facts["overlap"]
    said.clear()
    begin(home, f"{role}_one_seed", said=said, split_seed=1, **{role: "first"})
    assert not [line for line in said if line.startswith("warning")]


def test_another_division_is_warned_of_and_remembered(home: Path) -> None:
    """Weights know the images of every training that they went through, under whatever path."""
    said: list[str] = []
    second = begin(home, "second", "first", said=said, split_seed=2, data=f"npz:{home}/../{home.name}/four.npz")
    assert second.config.split == 2
    assert said[0].startswith("warning: the training first learnt from")
    with pytest.raises(SettingError, match=r"the training second learnt from .* divided by seed 1"):
        begin(home, "third", "second")
    facts = read_environment(second.folder)
    write_environment(second.folder, {key: value for key, value in facts.items() if key not in ("seen", "overlap")})
    assert begin(home, "of_old", "second").config.split == 2, "an older record knows its own division alone"


def test_images_that_joined_the_data_are_warned_of(home: Path) -> None:
    """They are divided anew, so that the test part holds some that the weights have learnt."""
    grown, said = home / "grown.npz", list[str]()
    archive(grown)
    begin(home, "before", data=f"npz:{grown}")
    archive(grown, count=240)
    after = begin(home, "after", "before", said=said, data=f"npz:{grown}")
    told = f"the training before learnt from npz:{grown} when it held other images, some of which may be test images"
    assert said[0].startswith(f"warning: {told}")
    assert told in page(after)
    assert "that the training never saw" not in page(after)


def test_a_test_part_of_its_own_is_the_same_for_all_seeds(home: Path) -> None:
    rng, data = np.random.default_rng(0), home / "parts.npz"
    parts = {"train": 120, "test": 40}
    np.savez(data, **{f"{part}_x": rng.integers(0, 255, (count, 8, 8, 1), np.uint8) for part, count in parts.items()},
             **{f"{part}_y": np.arange(count) % 4 for part, count in parts.items()})  # fmt: skip
    begin(home, "own_parts", data=f"npz:{data}", split_seed=1)
    taught = begin(home, "other_seed", data=f"npz:{data}", teacher="own_parts")
    assert taught.config.split == 0
    assert "that the training never saw" in page(taught)


def test_only_a_typed_division_replaces_the_searchs(nas: Command, home: Path) -> None:
    options = f"--data npz:{home}/four.npz --runs {home} --epochs 1 --batch-size 16 --warmup 0".split()
    for typed, split in (("--seed 3", 1), ("--split-seed 0", 0)):
        answer = nas("train", "first", "--name", f"typed{split}", *typed.split(), *options)
        assert answer.status == 0, answer.err
        assert ("the verdict flatters: the training first learnt" in " ".join(answer.out.split())) is (split != 1)
        assert Trained(home / f"typed{split}").config.split == split


def test_weights_of_a_training_that_was_stopped_tell_all_that_they_learnt_from(home: Path) -> None:
    other = f"npz:{home / 'others.npz'}"
    archive(home / "others.npz", seed=1)
    asked = Attendant(stop=lambda: (home / "stopped" / BEST).exists())
    with pytest.raises(StoppedError):
        train("first", name="stopped", runs=home, recipe="small", changes=QUICK | {"epochs": 2}, attendant=asked,
              data=other)  # fmt: skip
    facts, four = nas.load(home / "stopped").facts, f"npz:{home / 'four.npz'}"
    assert (facts["finished"], facts["task"]) == (False, "classification")
    assert [tuple(one) for one in facts["seen"]] == [(other, 1), (four, 1)]
    with pytest.raises(SettingError, match=r"the backbone stopped learnt from npz:\S+four\.npz divided by seed 1, and"):
        begin(home, "later", backbone="stopped")


@pytest.mark.parametrize("named", ["train", "val"])
def test_data_are_known_by_the_file_of_any_part(tmp_path: Path, named: str) -> None:
    """The test part is cut off by a seed, whichever file is named."""
    boxed = {name: boxes for name, boxes in PICTURES.items() if boxes}
    for part, some in (("train", PICTURES), ("val", {f"v{name}": boxed[name] for name in boxed})):
        coco_file(tmp_path / f"{part}.json", some)
    learnt, data = (f"coco:{tmp_path / part}.json" for part in ("train", named))
    config, known = make_train_config({"data": data, "split_seed": 5}), {"the search found": [Seen(learnt, 0)]}
    with pytest.raises(SettingError, match=r"the search found learnt from coco:.*train\.json divided by seed 0, and"):
        check_seen(config, load(data, seed=5), known, None, lambda line: None)


def test_data_that_a_seed_draws_anew_share_no_images(home: Path) -> None:
    """Test images of one seed are none that another seed has drawn."""
    for data, seen in (("cluttered_digits", ""), ("digits", "the teacher first learnt from digits divided by seed 1")):
        config = make_train_config({"data": data, "split_seed": 0})
        known = {"the teacher first": [Seen(data, 1)]}
        noted = check_seen(config, load(data, seed=0), known, 0, lambda line: None)
        assert noted["overlap"].startswith(seen)
        assert bool(noted["overlap"]) == bool(seen)
