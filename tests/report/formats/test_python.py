"""A network as one file of Python: the same function, nothing of this package, and pleasant to read."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from outside import site as site
from written_code import CLASSES, architecture, assert_tidy, of_block, of_head, of_stem, run, trained

import nas
from nas.errors import RunError, SettingError
from nas.evaluation.plugins import load_plugins
from nas.files import is_module, module_name
from nas.network.architecture import Architecture, HeadSpec, StageSpec
from nas.network.build import build
from nas.network.properties import scrambled
from nas.registry import BLOCKS, HEADS, STEMS
from nas.report.formats import Shipment
from nas.report.formats.python import python, source

PARTS = [
    *(pytest.param(of_stem(name), id=f"stem {name}") for name in STEMS.at_hand()),
    *(pytest.param(of_head(name), id=f"head {name}") for name in HEADS.at_hand()),
]
TOKEN = architecture(
    stages=(StageSpec("mbconv", 1, 16, 2), StageSpec("vit", 2, 32, 1, {"head_dim": 8})), head=HeadSpec("class_token")
)


def assert_same(architecture: Architecture, text: str) -> None:
    """The file draws the same new weights by a seed, and computes the same in evaluation and in training."""
    module = run(text)
    torch.manual_seed(3)
    theirs = module.Network(drop_path=0.3)
    ours = build(architecture, drop_path=0.3, seed=3)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert all(torch.equal(a, b) for a, b in zip(ours.state_dict().values(), theirs.state_dict().values(), strict=True))
    theirs.load_state_dict(scrambled(ours).state_dict())
    theirs.eval()
    for shape in ((1, 3, 16, 16), (3, 3, 16, 16), (2, 3, 24, 17)):
        x = torch.randn(shape)
        assert torch.equal(ours(x), theirs(x)), shape
    for network in (ours.train(), theirs.train()):
        torch.manual_seed(4)
        found = network(torch.ones(2, 3, 16, 16))
        answers = [found] if isinstance(found, torch.Tensor) else [found.logits, found.boxes]
        torch.stack([answer.square().sum() for answer in answers]).sum().backward()
    for (name, a), b in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        assert a.requires_grad == b.requires_grad, name
        assert (a.grad is None) == (b.grad is None), name
        assert a.grad is None or torch.equal(a.grad, b.grad), name


def assert_alone(text: str) -> None:
    """Nothing in the file speaks of this package or of searching, and it imports torch and Python's own alone."""
    tree = ast.parse(text)
    assert not re.search(r"\b(nas|pydantic|Annotated|registry|searchable|misfit|carries_token|wants_token)\b", text)
    modules = {(n.module if isinstance(n, ast.ImportFrom) else n.names[0].name).split(".")[0]
               for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom)}  # fmt: skip
    own = {"dataclasses", "collections", "pathlib", "typing", "functools", "itertools", "math"}
    assert modules <= {"torch", *own}
    defined = [node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef | ast.FunctionDef)]
    words = re.findall(r"\w+", text)
    methods = {"forward", "__init__", "build", "normalise"}
    assert [name for name in defined if words.count(name) == 1 and name not in methods] == [], "code that nothing uses"


@pytest.mark.parametrize("block", BLOCKS.at_hand())
def test_every_block_with_every_option_is_the_same_function(block: str, tmp_path: Path) -> None:
    for index, network in enumerate(of_block(block)):
        text = source(Shipment(network), "net")
        (tmp_path / f"net_{index}.py").write_text(text)
        assert_alone(text)
        assert_same(network, text)
    assert_tidy(tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("networks", PARTS)
def test_every_stem_and_head_with_every_option_is_the_same_function(
    networks: Iterable[Architecture], tmp_path: Path
) -> None:
    for index, network in enumerate(networks):
        text = source(Shipment(network), "net")
        (tmp_path / f"net_{index}.py").write_text(text)
        assert_alone(text)
        assert_same(network, text)
    assert_tidy(tmp_path)


def test_names_that_clash_get_others(tmp_path: Path) -> None:
    network = architecture(
        stages=(
            StageSpec("conv", 1, 32, 1, {"bam_ratio": 0.25}),
            StageSpec("attention_augmented", 1, 64, 1, {"heads": 2}),
        ),
        head=HeadSpec("mobilenet", {"hidden": 8}),
    )
    text = source(Shipment(network), "net")
    assert {"ConvStem", "ConvBlock", "MobileNetHead", "_normed", "_attention_augmented_normed"} <= set(
        re.findall(r"\w+", text)
    )
    assert_same(network, text)
    (tmp_path / "net.py").write_text(text)
    assert_tidy(tmp_path)


def test_a_trained_model_is_written_checked_and_read(tmp_path: Path) -> None:
    model, path = trained(TOKEN), tmp_path / "net.py"
    lines = python.write(Shipment(TOKEN, model, dynamic_size=True), path)
    assert lines[0] == "runs with torch alone"
    assert "bit for bit for images 1x3x16x16, 3x3x16x16, 1x3x24x16" in lines[2]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["net.pt", "net.py"]
    assert_tidy(path)
    reader = python.reads(path)
    assert (tuple(reader.classes), reader.channels, reader.resolution) == (CLASSES, 3, 16)
    x = torch.rand(2, 3, 16, 16)
    assert torch.equal(reader.run(x), model(x))
    state = torch.load(tmp_path / "net.pt", weights_only=True)
    assert list(state) == list(model.network.state_dict())
    (tmp_path / "net.pt").unlink()
    with pytest.raises(SettingError, match=r"net\.py: its weights cannot be loaded \(FileNotFoundError"):
        python.reads(path)


def test_an_architecture_alone_is_written_with_new_weights(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    assert "by seed" in python.write(Shipment(architecture()), path)[-1]
    assert [file.name for file in tmp_path.iterdir()] == ["net.py"]
    module = run(path.read_text())
    torch.save(build(architecture(), seed=5).state_dict(), tmp_path / "weights.pt")
    x = torch.randn(1, 3, 16, 16)
    assert torch.equal(module.build(tmp_path / "weights.pt")(x), build(architecture(), seed=5).eval()(x))
    assert module.build()(x).shape == (1, 3)
    with pytest.raises(
        SettingError, match=r"has no CLASSES; give a \.py file that nas export wrote of a trained model"
    ):
        python.reads(path)


HOSTILE = ('a"""\nimport os\n', "it's", '"quoted"', "\\", "new\nline", "\u202eright", "snow ☃", "\ud800", "#", "{}", "")


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    network = architecture(name='x"""\nraise SystemExit(1)\n\\', classes=len(HOSTILE))
    text = source(Shipment(network, trained(network, classes=HOSTILE)), "n'; raise SystemExit(1)")
    text.encode()
    assert run(text).CLASSES == HOSTILE
    statements = {type(node).__name__ for node in ast.parse(text).body}
    assert statements == {"Expr", "Import", "ImportFrom", "Assign", "ClassDef", "FunctionDef"}
    assert sum(isinstance(node, ast.Expr) for node in ast.parse(text).body) == 1
    assert all(character.isprintable() or character == "\n" for character in text)
    (tmp_path / "net.py").write_text(text)
    assert_tidy(tmp_path / "net.py")


def shown(file: Path, images: torch.Tensor, out: str) -> torch.Tensor:
    """Run what the file's docstring shows, where the file's folder is found, and return `out`."""
    text = (ast.get_docstring(ast.parse(file.read_text())) or "").split("\n\n", 1)[1].split("\n\n", 1)[1]
    names: dict[str, Any] = {"images": images}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(file.parent)
        patch.syspath_prepend(file.parent)
        patch.delitem(sys.modules, file.stem, raising=False)
        exec("\n".join(line[4:] for line in text.splitlines() if line.startswith("    ")), names)
        sys.modules.pop(file.stem, None)
    answer: torch.Tensor = names[out].detach()
    return answer


def test_the_file_and_its_docstring_need_no_package_of_ours(tmp_path: Path) -> None:
    """In a process of its own that stands in the file's folder, with nothing of ours to be found."""
    model, path = trained(architecture()), tmp_path / "net.py"
    python.write(Shipment(model.architecture, model), path)
    text = (ast.get_docstring(ast.parse(path.read_text())) or "").split("\n\n", 1)[1].split("\n\n", 1)[1]
    code = [line[4:] for line in text.splitlines() if line.startswith("    ")]
    hidden = ["import sys", "sys.modules['nas'] = None", "import torch", "images = torch.rand(2, 3, 16, 16)"]
    told = ["print(tuple(probabilities.shape))"]
    done = subprocess.run([sys.executable, "-c", "\n".join(hidden + code + told)], cwd=tmp_path, capture_output=True,
                          text=True, check=False)  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "(2, 3)\n"), done.stderr


@pytest.mark.long
@pytest.mark.parametrize("name", ["net", "k net-1", "class", "2x"])
def test_the_docstring_names_the_real_files_and_runs(name: str, tmp_path: Path) -> None:
    model, path, x = trained(architecture()), tmp_path / f"{name}.py", torch.rand(2, 3, 16, 16)
    path.write_text(source(Shipment(model.architecture, model), name))
    torch.save(model.network.state_dict(), path.with_suffix(".pt"))
    assert_tidy(path)
    assert f"beside it in {name}.pt" in path.read_text()
    assert torch.equal(shown(path, x, "probabilities"), model(x).softmax(1))


def test_the_docstring_of_an_untrained_network_says_what_is_not_known_and_runs(tmp_path: Path) -> None:
    python.write(Shipment(architecture()), path := tmp_path / "k net-1.py")
    assert_tidy(path)
    assert "the\nnames of the classes, are not known here" in path.read_text()
    assert shown(path, torch.rand(2, 3, 16, 16), "outputs").shape == (2, 3)


@pytest.mark.parametrize(
    ("name", "near"), [("net.v2", "net_v2"), ('n"""; x', "n_x"), ("a\nb", "a_b"), ("2.5", "net_2_5")]
)
def test_names_that_cannot_be_imported_are_refused_with_the_nearest(name: str, near: str, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=rf"Python cannot import a file of this name, .*; take {near}\.py"):
        nas.export(trained(architecture()), "python", tmp_path / f"{name}.py")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["torch", "random", "numpy", "nas"])
def test_a_file_that_hides_a_module_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=rf"{name}\.py: hides the module {name} .*; take net_{name}\.py"):
        nas.export(TOKEN, "python", tmp_path / f"{name}.py")
    assert not list(tmp_path.iterdir())
    assert module_name(name) == f"net_{name}"


def test_a_name_that_import_statements_write_otherwise_is_imported_by_its_text() -> None:
    for name in ("caf\u00e9", "cafe\u0301", "\ufb01ne"):
        assert is_module(name) == (name == "caf\u00e9")


def test_grey_images_and_one_class(tmp_path: Path) -> None:
    network = architecture(channels=1, classes=1)
    model = trained(network, classes=("only",))
    module = run(source(Shipment(network, model), "net"))
    assert (module.CLASSES, module.MEAN, module.CHANNELS) == (("only",), (0.485,), 1)
    theirs = module.Network()
    theirs.load_state_dict(model.network.state_dict())
    x = torch.rand(2, 1, 16, 16)
    assert torch.equal(theirs.eval()(module.normalise(x)), model(x))


def test_a_new_head_takes_another_number_of_classes() -> None:
    module = run(source(Shipment(TOKEN, trained(TOKEN)), "net"))
    assert module.Network(classes=7)(torch.rand(1, 3, 16, 16)).shape == (1, 7)


PLUGIN = """
from typing import TYPE_CHECKING, Annotated, Literal
from pydantic import Field
import torch.nn.functional as F
from torch import nn
from nas.network.blocks import Block, Site
from nas.network.layers.residual import DropPath as Drop
from nas.network.options import Ratio
if TYPE_CHECKING:
    from torch import Tensor
__all__ = ["theirs"]
Network = 2.0  # a name that the file has for something else
DOUBLED = Network * 2
def split(x): return x * DOUBLED
class Theirs(Block):
    letter = "Q"
    def __init__(self, site: Site, *, ratio: Ratio = 0.5, side: Annotated[int, Field(ge=1)] = 3,
                 kind: Literal["a", "b"] = 'a') -> None:
        super().__init__()
        self.conv = nn.Conv2d(site.in_width, site.width, side, site.stride, side // 2)
        self.drop, self.ratio = Drop(site.drop_path), ratio
    def forward(self, x: "Tensor") -> "Tensor":
        split_ = [split(x) for x in (self.conv(x),)]
        return self.drop(getattr(self, "_squash")(F.relu(split_[0])))
    def _squash(self, x):
        return x * self.ratio
    def search_only(self): ...
    @classmethod
    def misfit(cls, option, value, width): return None
"""


def theirs(tmp_path: Path, text: str) -> Architecture:
    """A network of a block from a plug-in file."""
    (tmp_path / "mine.py").write_text(text)
    load_plugins(tmp_path / "mine.py")
    return architecture(stages=(StageSpec("theirs", 2, 8, 2), StageSpec("vit", 1, 64, 1)))


def test_a_block_from_a_file_of_the_users_goes_along(site: Path, tmp_path: Path) -> None:
    network = theirs(tmp_path, PLUGIN)
    text = source(Shipment(network), "net")
    assert_alone(text)
    assert_same(network, text)
    assert "search_only" not in text


IMPORT = "import torch.nn.functional as F"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ([(IMPORT, "import numpy as F")], r"mine\.py:\d+: needs numpy, and such a file may need torch alone"),
        ([("DOUBLED = Network * 2", "for DOUBLED in (4.0,): pass")], r"mine\.py:\d+: 'DOUBLED' is not defined by"),
        ([("DOUBLED = Network * 2", "DOUBLED = 3\nDOUBLED = 4")], r"mine\.py:1: 'DOUBLED' is not defined by one"),
        ([(IMPORT, f"{IMPORT}\nfrom nas.network.layers import gates"), ("Drop(site", "gates.Drop(site")],
         r"mine\.py:\d+: imports the module nas\.network\.layers\.gates as a whole"),
        ([("        split_ =", "        from nas.network.build import build\n        split_ =")],
         r"mine\.py:\d+: imports nas\.network\.build inside a function"),
        ([("        split_ =", "        import scipy\n        split_ =")], r"mine\.py:\d+: needs scipy"),
        ([("side: Annotated[int", "side: Annotated[Site")], r"mine\.py:\d+: Site within Annotated is no plain type"),
    ],
    ids=["another package", "loop", "twice", "module", "import inside", "package inside", "odd law"],
)  # fmt: skip
def test_code_that_cannot_go_along_is_refused_with_its_place(
    site: Path, tmp_path: Path, changes: list[tuple[str, str]], message: str
) -> None:
    text = PLUGIN
    for change in changes:
        assert change[0] in text
        text = text.replace(*change)
    with pytest.raises(SettingError, match=message):
        source(Shipment(theirs(tmp_path, text)), "net")


def test_a_file_that_computes_something_else_is_not_left(site: Path, tmp_path: Path) -> None:
    network = theirs(tmp_path, PLUGIN + "\nTheirs._squash = lambda self, x: x - 1\n")
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "net.py").write_text("the file of before")
    with pytest.raises(
        RunError, match=r"net\.py: its outputs are not those of the network for 1 images: largest differ"
    ):
        nas.export(trained(network), "python", folder / "net.py", force=True)
    assert [(file.name, file.read_text()) for file in folder.iterdir()] == [("net.py", "the file of before")]


def test_a_block_without_a_source_is_refused(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sourceless", ModuleType("sourceless"))
    space = vars(sys.modules["sourceless"])
    exec("from nas.network.blocks import Block\nclass Theirs(Block):\n    letter = 'Q'\n", space)
    BLOCKS.add("theirs", space["Theirs"], "memory")
    with pytest.raises(SettingError, match=r"the source of sourceless cannot be read, so that .* such as onnx"):
        source(Shipment(architecture(stages=(StageSpec("theirs", 1, 8, 1),))), "net")


@pytest.mark.parametrize("text", ["1 +", "raise SystemExit(1)", "import no_such_package", "x = 1", "\0"])
def test_files_that_are_none_of_ours_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "net.py").write_text(text)
    with pytest.raises(SettingError, match=r"net\.py: (cannot be run|has no CLASSES)"):
        python.reads(tmp_path / "net.py")
    with pytest.raises(SettingError, match="no such file"):
        python.reads(tmp_path / "other.py")


PUBLISHED = sorted(path.stem for path in (Path(__file__).parents[3] / "search_spaces" / "references").glob("*.yaml"))


@pytest.mark.slow
@pytest.mark.parametrize("name", PUBLISHED)
def test_published_networks_read_well(name: str, tmp_path: Path) -> None:
    text = source(Shipment(nas.load_architecture(name)), name)
    (tmp_path / f"{name}.py").write_text(text)
    assert_alone(text)
    assert_tidy(tmp_path)


def test_a_file_is_run_beside_a_path_that_is_no_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path, tmp_path])  # Python passes over it
    assert nas.export("tiny_moat_0", "python", tmp_path / "net.py").checks


def test_a_file_is_run_where_torch_comes_by_the_path_alone(tmp_path: Path) -> None:
    code = "import nas; print(nas.export('tiny_moat_0', 'python', 'net.py').checks[0])"
    path = os.pathsep.join(folder for folder in sys.path if folder)
    done = subprocess.run([sys._base_executable, "-c", code], cwd=tmp_path, env=os.environ | {"PYTHONPATH": path},
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "net.py").exists()
