"""Small networks of every kind, and what is asked of the files of Python that they are written as."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from small_models import SMALL

from nas.network.architecture import Architecture, HeadSpec, StageSpec, StemSpec
from nas.network.build import build
from nas.network.options import Option, Scalar, declared
from nas.network.properties import scrambled, values_of, width_for
from nas.registry import BLOCKS, HEADS, STEMS
from nas.training.model import Model

CLASSES = ("cat", "dog", "owl")
PLAIN = StemSpec("conv", 8)
STRIDES = (2, 2, 1, 2, 1, 1)
ONE = (StageSpec("conv", 1, 32, 2),)
FITTING = {"heads": 2}
"""Options that a small network needs."""


def architecture(
    stem: StemSpec = PLAIN, stages: tuple[StageSpec, ...] = ONE, head: HeadSpec | None = None, **others: Any
) -> Architecture:
    """A network for images of 16 pixels."""
    return Architecture(
        stem, stages, head or HeadSpec("pool"), **{"resolution": 16, "classes": 3, "name": "tiny"} | others
    )


def of_block(name: str) -> Iterator[Architecture]:
    """Networks of one kind of block, in which every option has every value, six stages each."""
    kind = BLOCKS.get(name)
    values = {option: list(values_of(law)) for option, law in declared(kind).items()}
    stages = []
    for index in range(max((len(v) for v in values.values()), default=1)):
        options = {option: v[index % len(v)] for option, v in values.items()} | {
            k: v for k, v in FITTING.items() if k in values
        }
        stages.append(StageSpec(name, 2, width_for(kind, **options), STRIDES[index % 6], options))
    for start in range(0, len(stages), 6):
        yield architecture(StemSpec("conv", 8, {"stride": 1}), tuple(stages[start : start + 6]))


def of_stem(name: str) -> Iterator[Architecture]:
    """Networks of one stem, with every choice of every option."""
    for options in _each(STEMS.get(name)):
        yield architecture(stem=StemSpec(name, 32, options))


def of_head(name: str) -> Iterator[Architecture]:
    """Networks of one head, with every choice of every option."""
    token = (*ONE, StageSpec("vit", 2, 64, 2), StageSpec("cvt", 1, 64, 1))
    for options in _each(HEADS.get(name)):
        yield architecture(stages=token if HEADS.get(name).wants_token else ONE, head=HeadSpec(name, options))


def _each(kind: Any) -> Iterator[dict[str, Any]]:
    """Every choice of every option that fits, many at once; a head with a transformer of its own has a small one."""
    own, misfit = declared(kind), getattr(kind, "misfit", lambda *_: None)
    small = {name: value for name, value in SMALL.items() if "width" in own and name in own}
    left = {option: _few(law) for option, law in own.items()}

    def fits(options: dict[str, Any]) -> bool:
        return not any(misfit(name, chosen, options.get("width", 0)) for name, chosen in options.items())

    yield small
    while True:
        chosen: dict[str, Any] = {}
        for option, values in left.items():
            if fitting := [value for value in values if fits(small | chosen | {option: value})]:
                chosen[option] = fitting[0]
                values.remove(fitting[0])
        if not chosen:
            return
        yield small | chosen


def _few(law: Option) -> list[Scalar]:
    """Every choice; of numbers, which a file holds as they are, three."""
    values = list(values_of(law))
    return values if len(values) <= 3 or "enum" in law.law.json_schema() else [*values[:2], values[-1]]


def trained(architecture: Architecture, classes: Sequence[str] = CLASSES) -> Model:
    """A model with weights of which none hides a part."""
    network, channels = build(architecture, seed=1), architecture.channels
    scrambled(network)
    mean, std = (0.485, 0.456, 0.406)[:channels], (0.229, 0.224, 0.225)[:channels]
    return Model(network, classes, mean, std).eval()


def run(text: str) -> ModuleType:
    """Run a text as a module of its own."""
    module = ModuleType("written")
    vars(module)["__file__"] = "written.py"
    sys.modules["written"] = module
    exec(compile(text, "written.py", "exec", dont_inherit=True), vars(module))
    return module


def ruff(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """Run Ruff with its own settings. The test that asks is skipped where it is not installed."""
    if find_spec("ruff") is None:
        pytest.skip("ruff is not installed")
    command = [sys.executable, "-m", "ruff", *arguments, "--isolated"]
    return subprocess.run(command, input=given, capture_output=True, text=True)


def assert_tidy(*paths: Path) -> None:
    """Ruff finds nothing to format and nothing to say."""
    for command in (["format", "--diff"], ["check", "--select", "E4,E7,E9,F,I,W"]):
        done = ruff(*command, *map(str, paths))
        assert done.returncode == 0, done.stdout + done.stderr
