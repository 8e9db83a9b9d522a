"""timm's own model tests (its tests/test_models.py) on networks that were written for it, and what they add.

The networks differ in stem, blocks and head; the third one has a class token.
"""

import ast
import math
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from outside import site as site
from written_code import CLASSES, architecture, assert_tidy, run, trained

import nas
from nas.errors import RunError, SettingError
from nas.evaluation.plugins import load_plugins
from nas.network.architecture import Architecture, HeadSpec, StageSpec, StemSpec
from nas.report.exported import open_exported
from nas.report.formats import Shipment
from nas.report.formats.timm import timm as written
from nas.report.source.files import run_file
from nas.report.source.timm_text import model_name, source
from nas.training.model import Model

NETWORKS = {
    "pooled": architecture(
        stages=(StageSpec("mbconv", 1, 16, 2), StageSpec("conv", 2, 24, 2), StageSpec("transformer", 2, 32, 2)),
        head=HeadSpec("pool", {"hidden": True}),
        name="Pooled-net 1",
        resolution=32,
    ),
    "mobile": architecture(
        StemSpec("mobilenet", 8),
        (StageSpec("inverted_residual", 2, 16, 2), StageSpec("moat", 1, 32, 2, {"head_dim": 8})),
        HeadSpec("mobilenet", {"hidden": 40}),
        name="mobile",
        resolution=32,
        channels=1,
    ),
    "with_token": architecture(
        StemSpec("cvt", 16),
        (StageSpec("cvt", 1, 16, 1, {"head_dim": 8}), StageSpec("vit", 2, 32, 2, {"head_dim": 8})),
        HeadSpec("class_token"),
        name="token",
        resolution=32,
    ),
    "windows": architecture(
        StemSpec("swin", 16),
        (StageSpec("swin", 2, 16, 1, {"head_dim": 8, "window": 3}), StageSpec("bello", 1, 32, 2)),
        HeadSpec("norm_pool"),
        name="windows",
        resolution=32,
    ),
}
NAMES = {"pooled": "pooled_net_1", "mobile": "mobile", "with_token": "token", "windows": "windows"}


@pytest.fixture(scope="module", params=NETWORKS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("written")


@pytest.fixture(scope="module")
def model(kind: str, folder: Path, timm: Any) -> Iterator[Model]:
    """A trained model, written, checked and registered with timm as by a user's import."""
    model, path = trained(NETWORKS[kind]), folder / f"{kind}.py"
    lines = written.write(Shipment(model.architecture, model), path)
    assert f'timm.create_model("{NAMES[kind]}")' in lines[0]
    assert not timm.is_model(NAMES[kind]), "the check leaves timm's registry as it was"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "written", run_file(path))
        yield model


@pytest.fixture
def x(model: Model) -> torch.Tensor:
    return torch.rand(2, model.architecture.channels, 32, 32)


def test_the_files_are_tidy_and_speak_of_timm_alone(kind: str, model: Model, folder: Path) -> None:
    text = (folder / f"{kind}.py").read_text()
    assert_tidy(folder / f"{kind}.py")
    assert not re.search(r"\b(nas|pydantic|Annotated)\b", text)
    modules = {n.module.split(".")[0] for n in ast.walk(ast.parse(text)) if isinstance(n, ast.ImportFrom)}
    assert modules <= {"torch", "timm", "dataclasses", "collections", "pathlib", "typing", "functools"}


@torch.no_grad()
def test_pretrained_computes_what_the_model_does(kind: str, model: Model, x: torch.Tensor, timm: Any) -> None:
    theirs = timm.create_model(NAMES[kind], pretrained=True).eval()
    mean, std = (torch.tensor(theirs.pretrained_cfg[key]).view(-1, 1, 1) for key in ("mean", "std"))
    assert torch.equal(theirs((x - mean) / std), model(x))
    assert list(theirs.state_dict()) == list(model.network.state_dict())
    assert timm.is_model_pretrained(NAMES[kind])


@torch.no_grad()
@pytest.mark.parametrize("batch_size", [1])
def test_model_forward(kind: str, model: Model, timm: Any, batch_size: int) -> None:
    theirs = timm.create_model(NAMES[kind], pretrained=False).eval()
    for size in ((32, 32), (64, 48)):
        outputs = theirs(torch.randn(batch_size, model.architecture.channels, *size))
        assert outputs.shape == (batch_size, 3)
        assert not outputs.isnan().any()


@pytest.mark.parametrize("batch_size", [2])
def test_model_backward(kind: str, model: Model, timm: Any, batch_size: int) -> None:
    theirs = timm.create_model(NAMES[kind], pretrained=False, num_classes=42).train()
    outputs = theirs(torch.randn(batch_size, model.architecture.channels, 32, 32))
    outputs.mean().backward()
    for name, parameter in theirs.named_parameters():
        assert parameter.grad is not None, f"No gradient for {name}"
    assert outputs.shape[-1] == 42
    assert theirs.num_classes == 42
    assert not outputs.isnan().any()


@torch.no_grad()
def test_model_default_cfgs(kind: str, model: Model, x: torch.Tensor, timm: Any) -> None:
    theirs = timm.create_model(NAMES[kind], pretrained=False).eval()
    state_dict, cfg, side = theirs.state_dict(), theirs.default_cfg, theirs.default_cfg["pool_size"]
    assert cfg["input_size"] == (model.architecture.channels, 32, 32)
    assert cfg["label_names"] == CLASSES
    tokens = kind == "with_token"

    outputs = theirs.forward_features(x)
    expected = (2, 1 + math.prod(side), theirs.num_features) if tokens else (2, theirs.num_features, *side)
    assert outputs.shape == expected
    assert torch.equal(theirs.forward_head(outputs), theirs(x))
    pooled = theirs.forward_head(outputs, pre_logits=True)
    assert pooled.shape == (2, theirs.head_hidden_size)

    theirs.reset_classifier(0)
    assert torch.equal(theirs(x), pooled)
    assert torch.equal(theirs.forward_head(theirs.forward_features(x), pre_logits=True), pooled)

    theirs.reset_classifier(0, "")
    assert torch.equal(theirs(x), outputs)
    theirs = timm.create_model(NAMES[kind], pretrained=False, num_classes=0).eval()
    assert theirs(x).shape == (2, theirs.head_hidden_size)
    assert isinstance(theirs.get_classifier(), torch.nn.Identity)
    theirs = timm.create_model(NAMES[kind], pretrained=False, num_classes=0, global_pool="").eval()
    assert theirs(x).shape == expected

    without = {name: value for name, value in state_dict.items() if not name.startswith(cfg["classifier"])}
    theirs.load_state_dict(without, strict=True)
    assert cfg["classifier"] + ".weight" in state_dict
    assert cfg["first_conv"] + ".weight" in state_dict


@torch.no_grad()
def test_model_load_pretrained(kind: str, model: Model, timm: Any) -> None:
    """Pretrained weights load with another number of classes and of channels."""
    channels = 4 - model.architecture.channels
    theirs = timm.create_model(NAMES[kind], pretrained=True, in_chans=channels, num_classes=5).eval()
    assert theirs(torch.rand(1, channels, 32, 32)).shape == (1, 5)
    name = theirs.default_cfg["first_conv"] + ".weight"
    ours = model.network.state_dict()
    theirs_first = theirs.state_dict()[name]
    torch.testing.assert_close(theirs_first.sum(1), ours[name].sum(1))
    others = [n for n in ours if n != name and not n.startswith(theirs.default_cfg["classifier"])]
    assert all(torch.equal(theirs.state_dict()[n], ours[n]) for n in others)


@torch.no_grad()
def test_model_forward_features(kind: str, model: Model, timm: Any) -> None:
    """`features_only` gives a map of each stage, of the sides that `feature_info` says."""
    theirs = timm.create_model(NAMES[kind], pretrained=True, features_only=True).eval()
    info = theirs.feature_info
    assert info.channels() == [stage.width for stage in model.architecture.stages]
    for height, width in ((32, 32), (96, 50)):
        outputs = theirs(torch.randn(1, model.architecture.channels, height, width))
        assert len(outputs) == len(info.channels())
        for channels, reduction, o in zip(info.channels(), info.reduction(), outputs, strict=True):
            assert o.shape == (1, channels, math.ceil(height / reduction), math.ceil(width / reduction))
            assert not o.isnan().any()


@torch.no_grad()
def test_feature_maps_are_those_of_the_network(kind: str, model: Model, x: torch.Tensor, timm: Any) -> None:
    found: dict[str, torch.Tensor] = {}
    for index, stage in enumerate(model.network.stages):
        stage.register_forward_hook(lambda _, __, y, i=index: found.update({i: y[0] if isinstance(y, tuple) else y}))
    model.network(x)
    whole = timm.create_model(NAMES[kind], pretrained=True, features_only=True).eval()
    assert all(torch.equal(a, b) for a, b in zip(whole(x), found.values(), strict=True))
    first = timm.create_model(NAMES[kind], pretrained=True, features_only=True, out_indices=(0,)).eval()
    assert [torch.equal(a, found[0]) for a in first(x)] == [True]
    assert sum(p.numel() for p in first.parameters()) < sum(p.numel() for p in whole.parameters())


@torch.no_grad()
def test_model_forward_intermediates(kind: str, model: Model, x: torch.Tensor, timm: Any) -> None:
    theirs = timm.create_model(NAMES[kind], pretrained=False).eval()
    final, maps = theirs.forward_intermediates(x)
    assert torch.equal(final, theirs.forward_features(x))
    assert [m.shape[1] for m in maps] == [info["num_chs"] for info in theirs.feature_info]
    last = theirs.forward_intermediates(x, indices=1, intermediates_only=True)
    assert torch.equal(last[0], maps[-1])
    early = theirs.forward_intermediates(x, indices=[0], stop_early=True, intermediates_only=True)
    assert torch.equal(early[0], maps[0])
    with pytest.raises(ValueError, match="there are the stages 0 to"):
        theirs.forward_intermediates(x, indices=[9])
    for wrong in ({"output_fmt": "NLC"}, {"norm": True}):
        with pytest.raises(ValueError, match="the maps are NCHW"):
            theirs.forward_intermediates(x, **wrong)


def test_what_timm_trains_with(kind: str, model: Model, x: torch.Tensor, timm: Any) -> None:
    """Drop rates, checkpointed gradients equal to plain ones, layer-wise rates, decay on matrices only."""
    theirs = timm.create_model(NAMES[kind], pretrained=True, drop_rate=0.5, drop_path_rate=0.3)
    rates = [m.rate for m in theirs.modules() if type(m).__name__ == "DropPath"]
    assert rates[0] == 0 or kind == "mobile"
    assert rates[-1] == pytest.approx(0.3)
    first, second = theirs.train()(x), theirs(x)
    assert not torch.equal(first, second)
    gradients = []
    for enable in (False, True):
        theirs.set_grad_checkpointing(enable)
        theirs.zero_grad()
        torch.manual_seed(2)
        theirs(x).square().sum().backward()
        gradients.append([p.grad.clone() for p in theirs.parameters()])
    for a, b in zip(*gradients, strict=True):
        torch.testing.assert_close(a, b)
    parameters = dict(theirs.named_parameters())
    assert theirs.no_weight_decay() <= parameters.keys()
    for matcher in (theirs.group_matcher(), theirs.group_matcher(coarse=True)):
        groups = timm.models.group_parameters(theirs, matcher)
        assert sorted(name for names in groups.values() for name in names) == sorted(parameters)
    groups = import_module("timm.optim").param_groups_layer_decay(theirs, no_weight_decay_list=theirs.no_weight_decay())
    assert sum(len(group["params"]) for group in groups) == len(parameters)
    assert len({group["lr_scale"] for group in groups}) > 2


def test_pools_that_there_are_not_are_refused(kind: str, model: Model, timm: Any) -> None:
    with pytest.raises(ValueError, match=r"global_pool is '(avg|token)' or '', not 'max'"):
        timm.create_model(NAMES[kind], global_pool="max")
    with pytest.raises(ValueError, match=r"a classifier needs global_pool='(avg|token)'"):
        timm.create_model(NAMES[kind], global_pool="")


def test_it_reads_back(kind: str, model: Model, x: torch.Tensor, folder: Path) -> None:
    reader = written.reads(folder / f"{kind}.py")
    assert (tuple(reader.classes), reader.channels, reader.resolution) == (CLASSES, x.shape[1], 32)
    with torch.no_grad():
        assert torch.equal(reader.run(x), model(x))


def test_opened_by_its_path_it_leaves_nothing_in_timms_registry(tmp_path: Path, timm: Any) -> None:
    model = trained(replace(NETWORKS["pooled"], name="passing"))
    written.write(Shipment(model.architecture, model), tmp_path / "net.py")
    assert tuple(open_exported(tmp_path / "net.py").classes) == CLASSES
    assert not timm.is_model("passing")


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("MOAT family 17", "moat_family_17"),
        ("2x", "net_2x"),
        ("", "network"),
        ("☃", "network"),
        ('x"; import os', "x_import_os"),
        ("class", "class_local"),
        ("torch", "torch_local"),
        ("resnet50", "resnet50_local"),
        ("print", "print_local"),
        ("__init__", "init"),
    ],
)
def test_names_become_identifiers_that_nothing_else_has(name: str, found: str) -> None:
    assert model_name(name, {"resnet50"}) == found
    assert found.isidentifier()


def test_a_file_that_no_import_takes_says_how_it_is_imported() -> None:
    network = architecture()
    assert "    import my_net  # this file, with its weights" in source(
        Shipment(network, trained(network)), "my_net", "n"
    )
    text = source(Shipment(network, trained(network)), "my-net", "n")
    assert '    import_module("my-net")  # this file, with its weights beside it' in text


def test_an_architecture_alone_registers_without_weights(tmp_path: Path, timm: Any) -> None:
    path = tmp_path / "net.py"
    network = architecture(name='"""\nattend', stages=(StageSpec("vit", 1, 64, 2),))
    assert "timm.create_model" in written.write(Shipment(network), path)[0]
    assert [file.name for file in tmp_path.iterdir()] == ["net.py"]
    assert_tidy(path)
    assert "attend" in run(path.read_text()).NAME
    with pytest.raises(SettingError, match="has no CLASSES"):
        written.reads(path)


PLUGIN = """
from torch import Tensor, nn
from torch.nn import functional as F
from nas.network.heads import Head
class Direction(Head):
    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.classifier = nn.Linear(width, classes)
    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.mean(x))
    def mean(self, x: Tensor) -> Tensor:
        return x.mean((2, 3))
"""


def plugin(tmp_path: Path, text: str) -> Architecture:
    (tmp_path / "direction.py").write_text(text)
    load_plugins(tmp_path / "direction.py")
    return architecture(head=HeadSpec("direction"))


def test_a_head_from_a_file_of_the_users_goes_along(site: Path, tmp_path: Path, timm: Any) -> None:
    network = plugin(tmp_path, PLUGIN)
    assert written.write(Shipment(network, trained(network)), tmp_path / "net.py")


def test_a_file_that_computes_something_else_is_not_left(site: Path, tmp_path: Path, timm: Any) -> None:
    network = plugin(tmp_path, PLUGIN + "Direction.mean = lambda self, x: x.amax((2, 3))\n")
    (tmp_path / "out").mkdir()
    with pytest.raises(RunError, match=r"net\.py: its outputs are not those of the network"):
        nas.export(trained(network), "timm", tmp_path / "out" / "net.py")
    assert not list((tmp_path / "out").iterdir())
    assert not timm.is_model("tiny")


def test_without_timm_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "timm", raising=False)
    monkeypatch.setattr("nas.report.formats.timm.find_spec", lambda name: None)
    assert written.missing() == "timm is not installed, which checks the file; write: pip install --no-deps timm"
    with pytest.raises(SettingError, match="pip install --no-deps timm"):
        written.write(Shipment(architecture()), tmp_path / "net.py")
    with pytest.raises(SettingError, match="pip install --no-deps timm"):
        written.reads(tmp_path / "net.py")
    monkeypatch.setattr("nas.report.formats.timm.find_spec", lambda name: None if name == "torchvision" else name)
    assert f"torchvision; install the build for this torch, {torch.__version__}" in written.missing()


def test_a_head_that_ends_in_no_linear_layer_is_refused(site: Path, tmp_path: Path) -> None:
    network = plugin(tmp_path, PLUGIN.replace("self.classifier(self.mean(x))", "F.normalize(self.classifier(x))"))
    with pytest.raises(SettingError, match=r"head 'direction': timm needs one that ends in `return self\.classifier"):
        source(Shipment(network), "net", "net")
