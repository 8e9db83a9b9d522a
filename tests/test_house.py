"""The house keeps its shape: each measure of `house.py` reaches its goal, and one trial builds one network."""

import textwrap
from pathlib import Path
from typing import Any

import house
import pytest

from nas.config import make_config
from nas.data import load
from nas.evaluation.evaluator import Evaluator
from nas.evaluation.job import Job
from nas.network.architecture import Architecture
from nas.network.build import Network
from nas.space.library import load_architecture

ROOT = Path(__file__).parents[1]
STAGE = {"block": "moat", "depth": 1, "width": 8, "stride": 2, "head_dim": 4}
NET = {"resolution": 8, "channels": 1, "classes": 10, "stem": {"kind": "conv", "width": 8}, "stages": [STAGE]}


@pytest.fixture(scope="module")
def ours() -> house.House:
    return house.House(ROOT)


@pytest.mark.parametrize("measure", house.MEASURES, ids=lambda measure: measure.name.replace(" ", "-"))
def test_a_goal_is_reached(measure: house.Measure, ours: house.House) -> None:
    value, found = measure(ours)
    assert measure.reached(value), "\n".join([f"{measure.name}: {value:g}, goal {measure.goal}", *found])


def test_one_trial_builds_one_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reference network that a latency is timed beside is another architecture, and built once a process."""
    built, real = [], Network.__init__

    def counting(self: Network, architecture: Architecture, *args: Any, **kwargs: Any) -> None:
        built.append(architecture)
        real(self, architecture, *args, **kwargs)

    settings = {
        "objectives": ("accuracy", "latency", "memory", "params"),
        "latency": "measured",
        "target": "cpu",
        "device": "cpu",
        "recipe": {"epochs": 1, "subset": 32},
    }
    evaluator, architecture = Evaluator(make_config(settings), load("digits")), load_architecture(NET)
    monkeypatch.setattr(Network, "__init__", counting)
    outcome = evaluator(Job(0, architecture, 0))
    assert outcome.state == "complete", outcome.reason
    assert built.count(architecture) == 1


# The measures measure: a house of a few files, each crooked in one way.

FLOORS = """
[[tool.importlinter.contracts]]
type = "layers"
exhaustive = true
layers = ["cli", "space | data", "registry"]
"""
REGISTRY = 'class Registry: ...\nBLOCKS = Registry("space/blocks", "block")\n'


def build(root: Path, files: dict[str, str]) -> house.House:
    root.mkdir(exist_ok=True)
    (root / "pyproject.toml").write_text(FLOORS)
    for name, text in ({"registry.py": REGISTRY, "space/blocks/moat.py": ""} | files).items():
        path = root / "nas" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        for folder in path.relative_to(root).parents[:-1]:
            (root / folder / "__init__.py").touch()
    return house.House(root)


@pytest.mark.parametrize(
    "back",
    [
        "import nas.space.a",
        "from nas.space import a",
        "from nas.space.a import X",
        "from .a import X",
        "def f():\n    from nas.space.a import X",
        "if TYPE_CHECKING:\n    from nas.space.a import X",
    ],
)
def test_a_cycle_is_seen_wherever_the_import_stands(tmp_path: Path, back: str) -> None:
    found = house.cycles(build(tmp_path, {"space/a.py": "from nas.space.b import Y", "space/b.py": back}))
    assert found == ["nas.space.a -> nas.space.b -> nas.space.a (2 modules)"]


MOAT = {"space/blocks/moat.py": "from nas.space.a import X"}


@pytest.mark.parametrize(
    "use",
    [
        "BLOCKS.get('moat')",
        "options_of(BLOCKS, 'moat')",
        "kinds = {'block': BLOCKS}",
        "def f(kinds: Registry):\n    return kinds.get('moat')\nf(BLOCKS)",
        "def f(kinds: Registry = BLOCKS):\n    return options_of(kinds, 'moat')",
    ],
)
def test_a_registry_is_an_import_of_its_kinds(tmp_path: Path, use: str) -> None:
    found = house.cycles(build(tmp_path, MOAT | {"space/a.py": f"from nas.registry import BLOCKS\n{use}"}))
    assert found == ["nas.space.a -> nas.space.blocks.moat -> nas.space.a (2 modules)"]


@pytest.mark.parametrize(
    "use",
    [
        "BLOCKS.names()",
        "BLOCKS.check('moat')",
        "x is BLOCKS",
        "def f(kinds: Registry):\n    return kinds.names()\nf(BLOCKS)",
        "def f(kinds: Registry = BLOCKS):\n    return kinds.noun",
    ],
)
def test_asking_for_names_imports_no_kind(tmp_path: Path, use: str) -> None:
    assert not house.cycles(build(tmp_path, MOAT | {"space/a.py": f"from nas.registry import BLOCKS\n{use}"}))


def test_a_registry_by_another_name_is_followed(tmp_path: Path) -> None:
    for use in ("from nas import registry\nregistry.BLOCKS.get('moat')", "from nas.registry import BLOCKS as B\nB"):
        assert house.cycles(build(tmp_path, MOAT | {"space/a.py": use}))


def test_a_package_stands_before_its_modules(tmp_path: Path) -> None:
    around = {"data/__init__.py": "from nas.space.a import X", "data/b.py": "", "space/a.py": "import nas.data.b"}
    assert house.cycles(build(tmp_path, around)) == ["nas.data -> nas.space.a -> nas.data (2 modules)"]
    inside = {"data/__init__.py": "from nas.data.b import Y", "data/b.py": "import nas.data.c", "data/c.py": ""}
    assert not house.cycles(build(tmp_path / "inside", inside | {"space/a.py": ""}))


def test_floors_hold_downwards_and_sideways(tmp_path: Path) -> None:
    files = {"cli/a.py": "import nas.space.a", "space/a.py": "import nas.data.b", "data/b.py": "import nas.cli.a"}
    found = house.arcs_up(build(tmp_path, files))
    ends = ["nas.data.b -> nas.cli.a", "nas.space.a -> nas.data.b"]
    assert [arc for arc in found if not arc.endswith(("cli", "data"))] == ends


def test_a_private_module_belongs_to_its_folder(tmp_path: Path) -> None:
    users = ["data/a.py", "data/deep/a.py", "space/a.py", "cli/a.py"]
    files = dict.fromkeys(users, "from nas.data._base import X") | {"data/_base.py": ""}
    files |= {"data/_inner/a.py": "", "data/b.py": "import nas.data._inner.a", "space/b.py": "import nas.data._inner.a"}
    found = house.private_imports(build(tmp_path, files))
    assert found == [
        "nas/cli/a.py:1 nas.data._base",
        "nas/space/a.py:1 nas.data._base",
        "nas/space/b.py:1 nas.data._inner.a",
    ]


def test_functions_are_counted_without_decorators(tmp_path: Path) -> None:
    files = {"a.py": "@x\ndef f():\n" + "    pass\n" * 39, "b.py": "def f():\n" + "    pass\n" * 40}
    assert house.long_functions(build(tmp_path, files)) == ["nas/b.py:1 f: 41"]


def test_an_import_in_a_function_is_counted_once(tmp_path: Path) -> None:
    text = "import nas.b\ndef f():\n    def g():\n        from nas.b import X, Y\n        import os"
    assert house.inner_imports(build(tmp_path, {"a.py": text, "b.py": ""})) == ["nas/a.py:4 nas.b"]
