"""Models on disk: what is written comes back, and whatever else a file holds is refused in words and never run."""

import json
import pickle
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from outside import site as site
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save, save_file
from small_trainings import PLAIN_STAGES, network
from trained_fixtures import begun

import nas
from nas.errors import DataError, SettingError
from nas.evaluation.plugins import Outside, read_plugin
from nas.network.build import build
from nas.record.models import BEST, load, made, read_model, write_model
from nas.record.outside import keep_outside
from nas.training.model import Model

CLASSES = ("stop", "don't <b>go</b>", 'say "hi" & ü 进', "")
FACTS = {
    "data": "image_folder:signs",
    "test": {"accuracy": {"value": 0.5}},
    "teacher": None,
    "command": "nas train 'é'",
}


def model(**more: Any) -> Model:
    """A model with weights of its own everywhere, statistics included."""
    net = build(network(classes=4, channels=3, **more), seed=0)
    generator = torch.Generator().manual_seed(0)
    for value in net.state_dict().values():
        if value.is_floating_point():
            value.copy_(value + 0.1 * torch.rand(value.shape, generator=generator))
    return Model(net, CLASSES, [0.1, 0.2, 0.3], [0.4, 0.5, 1 / 3], FACTS).eval()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    write_model(model(), tmp_path / BEST)
    return tmp_path / BEST


def metadata(file: Path) -> dict[str, str]:
    with safe_open(file, "pt") as opened:
        return dict(opened.metadata())


Write = Callable[..., Path]


@pytest.fixture
def written(tmp_path: Path) -> Write:
    """Writes the file with some metadata (as JSON, or None for none at all) or weights replaced."""

    def write(state: dict[str, torch.Tensor] | None = None, **changes: Any) -> Path:
        own = model()
        data = own.to_dict() | changes
        state = own.network.state_dict() if state is None else state
        texts = {name: json.dumps(value) for name, value in data.items() if value is not None}
        save_file({name: value.contiguous() for name, value in state.items()}, tmp_path / "m.safetensors", texts)
        return tmp_path / "m.safetensors"

    return write


def refused(file: Path) -> str:
    """The message that refuses a file, which names it."""
    with pytest.raises(SettingError) as error:
        load(file)
    assert str(error.value).startswith(str(file))
    return str(error.value).removeprefix(f"{file}: ")


# ---- there and back


def test_a_model_comes_back_as_it_was(file: Path) -> None:
    own, again = model(), read_model(file)
    x = torch.rand(2, 3, 8, 8)
    assert torch.equal(own(x), again(x))
    assert again.to_dict() == own.to_dict()
    assert again.classes == CLASSES
    assert again.facts == FACTS
    assert not again.training
    assert torch.equal(again.mean, own.mean)
    assert torch.equal(again.std, own.std)
    for name, value in own.state_dict().items():
        assert torch.equal(again.state_dict()[name], value)
        assert again.state_dict()[name].dtype == value.dtype


def test_a_folder_stands_for_the_file_in_it(file: Path) -> None:
    x = torch.rand(1, 3, 8, 8)
    assert torch.equal(nas.load(file.parent)(x), nas.load(str(file))(x))


def test_the_name_of_a_training_stands_for_its_folder(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(tmp_path / "runs" / "signs")
    file.rename(tmp_path / "runs" / "signs" / BEST)
    monkeypatch.chdir(tmp_path)
    assert load("signs").classes == load("runs/signs").classes == load("signs", runs=tmp_path / "runs").classes
    with pytest.raises(SettingError, match=r"no training 'sings'\. Did you mean 'signs'"):
        load("sings")


def test_any_reader_of_safetensors_finds_weights_and_what_belongs_to_them(file: Path) -> None:
    assert load_file(file).keys() == model().network.state_dict().keys()
    found = metadata(file)
    assert found["format"] == "pt"
    assert json.loads(found["classes"]) == list(CLASSES)
    assert nas.load_architecture(json.loads(found["architecture"])) == model().architecture
    assert json.loads(found["mean"]) == pytest.approx([0.1, 0.2, 0.3])


def test_writing_again_replaces_the_file_and_leaves_nothing_beside(file: Path) -> None:
    other = model()
    other.facts["data"] = "digits"
    write_model(other, file)
    assert read_model(file).facts["data"] == "digits"
    assert [path.name for path in file.parent.iterdir()] == [BEST]


def test_a_loaded_model_reads_pictures_as_in_training(file: Path, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (30, 40, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    own = load(file)
    x = own.preprocess(tmp_path / "a.png", str(tmp_path / "a.png"), Image.fromarray(pixels))
    assert x.shape == (3, 3, 8, 8)
    assert torch.equal(x[0], x[1])
    assert torch.equal(x[0], x[2])
    assert own(x).softmax(1).sum(1).tolist() == pytest.approx([1] * 3)
    with pytest.raises(DataError, match="preprocess: no images; give paths, PIL images"):
        own.preprocess()


# ---- files that are no models


def test_files_that_are_missing_or_of_another_sort_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingError, match=r"no training 'nope'\. Allowed: "):
        load("nope")
    with pytest.raises(SettingError, match="no such file"):
        load(tmp_path / "none.safetensors")
    with pytest.raises(SettingError, match=r"best\.safetensors: no such file"):
        load(tmp_path)
    for name in ("net.onnx", "net.pt2", "net.py"):
        (tmp_path / name).write_text("x = 1")
        with pytest.raises(SettingError, match=r"a file for another runtime, .* run it with nas predict"):
            load(tmp_path / name)
        (tmp_path / name).unlink()
    network().save(tmp_path / "net.yaml")
    with pytest.raises(SettingError, match=r"net\.yaml: an architecture, which has no weights; train it by nas train"):
        load(tmp_path / "net.yaml")
    (tmp_path / "runs" / "first").mkdir(parents=True)
    (tmp_path / "runs" / "first" / "config.yaml").write_text("")
    for name, runs in ((tmp_path / "runs" / "first", "runs"), ("first", tmp_path / "runs")):
        with pytest.raises(SettingError, match=r"first: a search, which keeps no weights; .*: nas train .*first"):
            load(name, runs=runs)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "first").mkdir()
    with pytest.raises(SettingError, match=r"^runs/first: a search, which keeps no weights"):
        load("first")
    for name in ("page.safetensors", "page.pt", "page"):
        (tmp_path / name).write_text("<!DOCTYPE html><html><body>404: not found</body></html>")
        assert refused(tmp_path / name).startswith("not a file of weights, but an HTML page; download the file itself")
        (tmp_path / name).write_text("")
        assert refused(tmp_path / name)


@pytest.mark.parametrize("name", ["m.safetensors", "m.pt"])
def test_random_bytes_are_refused(tmp_path: Path, name: str) -> None:
    rng = np.random.default_rng(0)
    for size in (1, 7, 8, 9, 100, 5000):
        for _ in range(15):
            (tmp_path / name).write_bytes(rng.bytes(size))
            assert refused(tmp_path / name)


def test_truncated_files_are_refused_wherever_they_end(file: Path) -> None:
    whole = file.read_bytes()
    for length in [*range(24), 100, 1000, *np.linspace(1001, len(whole) - 1, 25).astype(int).tolist()]:
        file.write_bytes(whole[:length])
        assert refused(file)
    file.write_bytes(whole + b"\0")
    assert refused(file)


def test_flipped_bytes_of_the_header_are_refused_or_change_nothing(file: Path) -> None:
    whole = bytearray(file.read_bytes())
    header = int.from_bytes(whole[:8], "little")
    rng = np.random.default_rng(1)
    for place in [*range(8), *rng.integers(8, 8 + header, 150).tolist()]:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << int(rng.integers(0, 7))
        file.write_bytes(damaged)
        with suppress(SettingError):  # and nothing else is raised
            assert isinstance(load(file), Model)


class Hostile:
    """What would write a file when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.write_text, (self.target, "executed"))


@pytest.mark.parametrize("name", ["m.safetensors", "m.pt", "m.pth", "m"])
def test_a_pickle_is_never_run(tmp_path: Path, name: str) -> None:
    target = tmp_path / "executed"
    (tmp_path / name).write_bytes(pickle.dumps(Hostile(target)))
    assert refused(tmp_path / name)
    torch.save({"weight": Hostile(target)}, tmp_path / name)
    assert refused(tmp_path / name)
    assert not target.exists()
    pickle.loads(pickle.dumps(Hostile(target)))
    assert target.exists(), "it would have been"


def test_copies_of_plug_ins_beside_a_file_run_only_where_it_holds_a_model(
    file: Path, site: Path, tmp_path: Path
) -> None:
    ran, plugin = tmp_path / "ran", tmp_path / "mine.py"
    kind = 'mine = Objective("minimize", known=lambda candidate: 1.0)'
    plugin.write_text(f"from nas.evaluation.objectives import Objective\nopen({str(ran)!r}, 'w')\n{kind}\n")
    keep_outside(tmp_path, Outside((read_plugin(plugin),), {}))
    (tmp_path / "junk.safetensors").write_bytes(b"junk")
    save_file(model().network.state_dict(), tmp_path / "alone.safetensors")
    for name in ("junk", "alone"):
        assert refused(tmp_path / f"{name}.safetensors")
        assert not ran.exists()
    load(file)
    assert ran.exists(), "it would have been"


def test_weights_alone_are_no_model(tmp_path: Path) -> None:
    state = model().network.state_dict()
    save_file(state, tmp_path / "w.safetensors")
    assert "holds no architecture, so it is not a model that nas wrote; load weights alone with nas.load_weights" in (
        refused(tmp_path / "w.safetensors")
    )
    torch.save(state, tmp_path / "w.pt")
    assert "holds no architecture" in refused(tmp_path / "w.pt")


# ---- metadata that are missing, damaged or hostile


@pytest.mark.parametrize("name", ["architecture", "classes", "mean", "std"])
def test_missing_metadata_are_named(written: Write, name: str) -> None:
    assert f"holds no {name}" in refused(written(**{name: None}))


def test_facts_may_be_missing(written: Write) -> None:
    assert load(written(facts=None)).facts == {}


def test_metadata_that_are_not_json_are_refused(tmp_path: Path) -> None:
    data = {"architecture": "{", "classes": "[", "mean": "nonsense", "std": "1]"}
    (tmp_path / "m.safetensors").write_bytes(save(model().network.state_dict(), data))
    assert refused(tmp_path / "m.safetensors")
    data = {"architecture": "[" * 100_000 + "]" * 100_000}
    (tmp_path / "m.safetensors").write_bytes(save(model().network.state_dict(), data))
    assert refused(tmp_path / "m.safetensors")


def huge(**changes: Any) -> dict[str, Any]:
    data = model().architecture.to_dict()
    return data | {"stages": [data["stages"][0] | changes]}


@pytest.mark.parametrize(
    "architecture",
    [
        huge(depth=10**6), huge(depth=10**30), huge(depth=-1), huge(width=10**9), huge(block="no_such_block"),
        huge(block={"from": 1, "to": 9}), huge(expansion=10**9), huge(kernel_size=10**9 + 1),
        model().architecture.to_dict() | {"resolution": 10**9}, model().architecture.to_dict() | {"channels": 10**9},
        model().architecture.to_dict() | {"stages": huge()["stages"] * 100_000},
        model().architecture.to_dict() | {"classes": 10**12}, {"stages": []}, {}, [], 3, "coatnet_0",
        "/etc/passwd", True,
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_architectures_that_cannot_be_are_refused_quickly(written: Write, architecture: Any) -> None:
    file = written(architecture=architecture)
    start = time.process_time()
    said = refused(file)
    assert time.process_time() - start < 5
    assert "damaged" in said or "its architecture" in said


@pytest.mark.parametrize(("depth", "stages"), [(8, 4), (64, 32)])
def test_the_largest_networks_that_may_be_are_refused_before_memory_is_taken(
    written: Write, depth: int, stages: int
) -> None:
    """A hundred gigabytes of weights and more, were they built."""
    stage = {"block": "moat", "depth": depth, "width": 8192, "stride": 1}
    architecture = {"name": "x", "resolution": 8, "channels": 3, "classes": 4, "stem": {"kind": "conv", "width": 8}}
    file = written(architecture=architecture | {"stages": [stage] * stages})
    start = time.process_time()
    assert "weight" in refused(file)
    assert time.process_time() - start < 10


@pytest.mark.parametrize(
    "changes",
    [
        {"classes": ["a", "b", "c"]}, {"classes": list("abcde")}, {"classes": []}, {"classes": 4}, {"mean": [0.5]},
        {"mean": [0.5] * 4}, {"std": [0.5]}, {"std": [0, 0, 0]}, {"std": [0.1, 0.1, -1]}, {"mean": "abc"},
        {"mean": [[0.1], [0.2], [0.3, 0.4]]}, {"mean": {}}, {"std": 3}, {"facts": [1]}, {"facts": "abc"},
    ],
    ids=str,
)  # fmt: skip
def test_metadata_that_do_not_belong_together_are_refused(written: Write, changes: dict[str, Any]) -> None:
    assert refused(written(**changes))


def test_another_number_of_classes_is_told(written: Write) -> None:
    assert refused(written(classes=["a", "b"])) == "names 2 classes for a head of 4"


# ---- weights of another network


def test_weights_of_another_architecture_are_refused_by_the_names_that_differ(written: Write) -> None:
    state = model().network.state_dict()
    other = build(network(classes=4, channels=3, stages=PLAIN_STAGES)).state_dict()
    said = refused(written(state=other))
    assert any(f"the network has no weight '{name}'. Did you mean '" in said for name in other.keys() - state.keys())
    less = dict(state)
    gone = next(iter(less))
    del less[gone]
    assert f"the weight '{gone}' is missing" in refused(written(state=less))


def test_weights_of_another_width_or_number_of_classes_are_refused_with_both_shapes(written: Write) -> None:
    state = model().network.state_dict()
    name = next(n for n in state if n.startswith("head.classifier.") and n.endswith("weight"))
    said = refused(written(state=state | {name: torch.zeros(7, state[name].shape[1])}))
    assert f"the weight '{name}' is (7, {state[name].shape[1]}), the network needs {tuple(state[name].shape)}" in said


def test_weights_in_half_precision_are_taken(written: Write) -> None:
    state = {n: v.half() if v.is_floating_point() else v for n, v in model().network.state_dict().items()}
    again = load(written(state=state))
    x = torch.rand(1, 3, 8, 8)
    assert torch.allclose(again(x), model()(x), atol=0.02)
    assert all(p.dtype == torch.float32 for p in again.parameters())


def test_data_and_weights_make_a_model_whatever_they_were_read_from() -> None:
    own = model()
    again = made(own.to_dict(), own.network.state_dict(), "a page")
    assert torch.equal(again(torch.ones(1, 3, 8, 8)), own(torch.ones(1, 3, 8, 8)))
    with pytest.raises(SettingError, match="a page: holds no architecture"):
        made({}, own.network.state_dict(), "a page")
