"""Plug-in files: what they may hold, what is wrong with them in one line, and what a search takes along."""

import pickle
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from command import Command
from outside import forget, offer
from outside import site as site

from nas.config import SearchConfig
from nas.costs.counts import counted
from nas.errors import SettingError
from nas.evaluation.catalogue import objective
from nas.evaluation.limits import Limits
from nas.evaluation.objectives import Candidate, Conditions
from nas.evaluation.plugins import Outside, load_plugins
from nas.network.build import build
from nas.network.options import options_of
from nas.network.pieces import Piece, attends, pieces
from nas.record.models import read_model, write_model
from nas.registry import ALL, BLOCKS, OBJECTIVES, registry_of
from nas.space.library import load_architecture, load_space
from nas.space.space import SearchSpace
from nas.training.model import Model

HEAD = """
from typing import Literal
from torch import nn
from optuna.samplers import BaseSampler, RandomSampler
from nas.costs.targets import Target, cpu_clock
from nas.data.sets import Dataset
from nas.data.sets.digits import digits
from nas.evaluation.objectives import Objective
from nas.network.blocks import Block
from nas.network.heads import Head
from nas.network.stems import Stem
from nas.record.trackers import Tracker
from nas.report.formats import Format
from nas.training.tasks.classification import classification
"""
EVERY = (
    "from __future__ import annotations\n"
    + HEAD
    + """
from pathlib import Path
__all__ = ["my_block", "MyStem", "my_head", "my_data", "my_objective", "my_sampler", "my_executor", "my_score",
           "my_target", "my_task", "my_format", "my_tracker"]
class MyBlock(Block):
    letter = "Q"
    def __init__(self, site, *, kernel_size: Literal[3, 5] = 3): super().__init__()
class MyStem(Stem): ...
class MyHead(Head): ...
def my_data(path: Path, *, seed: int, resolution: int | None = None) -> Dataset: ...
my_objective = Objective("minimize", known=lambda candidate: 1.0)
def my_sampler(seed: int, problem: Problem) -> RandomSampler: ...
class Mine:
    def execute(self, ask, tell, prepare, placement): ...
    def there(self, look, placement): ...
my_executor = Mine()
def my_score(network, sample) -> float: ...
my_target = Target("cpu", prepare=print)
my_format = Format("mine", lambda shipment, path: [])
class MyTracker(Tracker):
    def begin(self, subject): return 0
    def note(self, step, values): ...
    def end(self, ending, files): ...
from dataclasses import replace
my_task = replace(classification, metrics={"my_metric": classification.metrics["accuracy"]})
"""
).replace("problem: Problem", "problem: object")
BLOCK = HEAD + "class {}(Block):\n    letter = 'Q'\n    def __init__(self, site): super().__init__()\n"


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_a_file_may_offer_every_sort_of_kind(site: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "mine.py", EVERY)
    (plugin,) = load_plugins(path)
    found = {registry.noun: sorted(set(registry.names()) - set(registry._homes)) for registry in ALL}
    assert found == {
        "block": ["my_block"],
        "stem": ["MyStem"],
        "head": ["my_head"],
        "data set": ["my_data"],
        "objective": ["my_objective"],
        "sampler": ["my_sampler"],
        "executor": ["my_executor"],
        "score": ["my_score"],
        "target": ["my_target"],
        "task": ["my_task"],
        "format": ["my_format"],
        "tracker": ["my_tracker"],
    }
    block = BLOCKS.get("my_block")
    assert (block.__name__, block.__module__) == ("MyBlock", "nas_plugin_mine")
    assert pickle.loads(pickle.dumps(block)) is block
    assert BLOCKS.origin("my_block") == str(path)
    assert BLOCKS.label("my_block") == f"my_block ({path})"
    assert options_of(BLOCKS, "my_block")["kernel_size"].allows(5), "annotations that are texts are read"
    assert objective("my_metric").trained
    assert load_plugins(path) == (plugin,), "a second time nothing happens"
    assert registry_of("block") is pickle.loads(pickle.dumps(BLOCKS))


def test_a_file_without_a_list_holds_the_kind_of_its_name(site: Path, tmp_path: Path) -> None:
    load_plugins(write(tmp_path / "conv_plus.py", BLOCK.format("ConvPlus")))
    assert BLOCKS.get("conv_plus").__name__ == "ConvPlus"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\ndef f(:\n", r"mine\.py:2: not Python: invalid syntax"),
        ("x = '\xff'", r"mine\.py.*: not Python: "),
        ("x\0", r"mine\.py.*: (not Python|cannot be run): .*null bytes"),
        ("import no_such_package", r"mine\.py:1: cannot be run: ModuleNotFoundError: .*'no_such_package'"),
        ("\n\nraise SystemExit(3)", r"mine\.py:3: cannot be run: SystemExit: 3"),
        ("def f():\n    1 / 0\nf()", r"mine\.py:2: cannot be run: ZeroDivisionError: division by zero"),
        ("", r"mine\.py: offers no kind; name those that it defines: __all__ = \["),
        ("__all__ = []", r"mine\.py: offers no kind"),
        ("__all__ = 'block'", r"mine\.py: __all__ is 'block'; write a list of names"),
        ("__all__ = ['a b']", r"mine\.py: __all__ is \['a b'\]; write a list of names"),
        ("__all__ = ['block']", r"mine\.py: __all__ names 'block', which the file does not define"),
        ("__all__ = ['x']\nx = 3", r"mine\.py: 'x': found an object of int; a kind is a class of Block, Stem, Head or"),
        ("__all__ = ['X']\nclass X(int): ...", r"mine\.py: 'X': found the class X\(int\); a kind is a class of Block"),
        ("__all__ = ['f']\ndef f(): ...", r"'f': found a function that does not say what it returns; .*-> Dataset"),
        ("__all__ = ['f']\ndef f() -> int: ...", r"'f': found a function that returns <class 'int'>; a kind is"),
        ("__all__ = ['f']\ndef f() -> 'Gone': ...", r"'f': found a function whose annotations cannot be read"),
        (HEAD + "__all__ = ['f']\ndef f(path: None) -> Dataset: ...", "'f': found a data set without the parameter s"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_one_line(site: Path, tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "mine.py").write_bytes(text.encode("latin-1"))
    with pytest.raises(SettingError, match=message) as error:
        load_plugins(tmp_path / "mine.py")
    assert "\n" not in str(error.value)
    assert "nas_plugin_mine" not in sys.modules


@pytest.mark.parametrize("path", ["gone.py", ".", "a\0b.py", "x" * 5000, "/dev/zero"])
def test_what_is_no_file_is_refused(site: Path, tmp_path: Path, path: str) -> None:
    with pytest.raises(SettingError, match=r"^--plugins .*; write the path of a Python file$"):
        load_plugins(path if path.startswith("/") else str(tmp_path / path))


def test_a_clash_names_both_and_leaves_nothing_behind(site: Path, tmp_path: Path) -> None:
    offer(site, "my-blocks", "1.0", "[nas.blocks]", "theirs = my_blocks:Theirs")
    text = '__all__ = ["good", "{0}"]\n' + BLOCK.format("Good") + "{1} = Good\n"
    for name, other in (("conv", "nas"), ("theirs", "package my-blocks 1.0")):
        path = write(tmp_path / "mine.py", text.format(name, name))
        with pytest.raises(SettingError, match=rf"mine\.py: block '{name}' is already in {other}; rename"):
            load_plugins(path)
        assert "good" not in BLOCKS.names()
    first = write(tmp_path / "mine.py", '__all__ = ["good"]\n' + BLOCK.format("Good"))
    second = write(tmp_path / "other.py", '__all__ = ["good"]\n' + BLOCK.format("Good"))
    load_plugins(first)
    with pytest.raises(SettingError, match=rf"other\.py: block 'good' is already in {re.escape(str(first))}; rename"):
        load_plugins(second)
    first.write_text(first.read_text() + "# changed\n")
    with pytest.raises(
        SettingError, match=r"mine\.py of the same name and another content \(\w{10}\) is loaded; use them"
    ):
        load_plugins(first)


def test_an_objective_may_not_hide_a_metric(site: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "mine.py", HEAD + "__all__ = ['accuracy']\naccuracy = Objective('minimize')\n")
    load_plugins(path)
    with pytest.raises(SettingError, match=r"objective 'accuracy' of .*mine\.py: a task has a metric of that name"):
        objective("accuracy")


def test_errors_of_a_space_say_where_a_kind_is_from(site: Path, tmp_path: Path) -> None:
    load_plugins(write(tmp_path / "mine.py", '__all__ = ["convolution_x"]\n' + BLOCK.format("ConvolutionX")))
    stage = {"block": "convolution", "depth": 1, "width": 8, "stride": 1}
    with pytest.raises(ValueError, match=r"unknown block 'convolution'\. .*, convolution_x \(\S+mine\.py\), cvt"):
        load_space({"stem": {"kind": "conv", "width": 8}, "stages": [stage]})


@pytest.mark.long
def test_what_is_taken_along_is_there_before_all_else(site: Path, tmp_path: Path) -> None:
    """A process that has neither the file nor its kinds unpickles a function that needs both."""
    path = write(tmp_path / "mine.py", EVERY)
    outside = Outside(load_plugins(path))
    parcel = pickle.dumps((outside.carry(BLOCKS.origin), outside.carry(BLOCKS.get("my_block"))))
    (tmp_path / "parcel").write_bytes(parcel)
    path.unlink()
    code = (
        "import inspect, pathlib, pickle\n"
        "origin, block = pickle.loads(pathlib.Path('parcel').read_bytes())\n"
        "print(origin('my_block'), block.function.letter, 'letter' in inspect.getsource(block.function))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.split() == [str(path), "Q", "True"], done.stderr


def test_what_is_not_to_be_had_is_said_when_it_is_needed(site: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "mine.py", EVERY + "import sys\nif 'pytest_node' in vars(sys): import rare_package\n")
    broken = pickle.dumps(Outside(load_plugins(path)).carry(BLOCKS.get))
    forget()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "pytest_node", True, raising=False)
        arrived = pickle.loads(broken)
        with pytest.raises(SettingError, match=r"mine\.py:42: cannot be run: ModuleNotFoundError: .*'rare_package'"):
            arrived("my_block")
    arrived = pickle.loads(pickle.dumps(Outside((), {"my-blocks": "1.0"}).carry(BLOCKS.get)))
    with pytest.raises(
        SettingError, match=r"the package my-blocks 1\.0, .* is not installed here; write: pip install my-"
    ):
        arrived("my_block")
    assert "my_objective" not in OBJECTIVES.names()


UNTYPED = """
from nas.network.blocks import Block
__all__ = ["untyped"]
class untyped(Block):
    letter = "X"
    def __init__(self, site, *, k=3):
        super().__init__()
"""


def test_an_option_without_a_type_is_told_by_block_and_file(site: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(UNTYPED)
    load_plugins(tmp_path / "mine.py")
    with pytest.raises(SettingError, match=r"mine\.py: untyped: the option k has no type: write k: int"):
        options_of(BLOCKS, "untyped")


def test_an_option_may_not_be_called_like_what_every_block_has(site: Path, tmp_path: Path) -> None:
    text = (
        HEAD + "class Mine(Block):\n    letter = 'Q'\n    def __init__(self, site, *, depth: Literal[1, 2] = 1): ...\n"
    )
    load_plugins(write(tmp_path / "mine.py", text))
    with pytest.raises(
        SettingError, match=r"block 'mine': every block has a depth of its own .* rename the option depth"
    ):
        options_of(BLOCKS, "mine")


def test_a_metric_may_not_mean_something_else_than_that_of_another_task(site: Path, tmp_path: Path) -> None:
    turned = "replace(classification.metrics['accuracy'], goal='minimize')"
    text = f"{HEAD}from dataclasses import replace\nmine = replace(classification, metrics={{'accuracy': {turned}}})\n"
    with pytest.raises(
        SettingError, match="task 'mine': the task classification has a metric 'accuracy' of another goal"
    ):
        load_plugins(write(tmp_path / "mine.py", text))
    assert objective("accuracy").goal == "maximize"


def test_a_trained_objective_is_recorded_where_it_is_weighed_alone(site: Path, tmp_path: Path) -> None:
    text = HEAD + "mine = Objective('minimize', trained=True, noted=True, measure=print)\n"
    with pytest.raises(SettingError, match="leave noted out"):
        load_plugins(write(tmp_path / "mine.py", text))


def test_a_goal_that_is_none_is_refused(site: Path, tmp_path: Path) -> None:
    """What is not to be maximised would be minimised."""
    file = tmp_path / "goals.py"
    file.write_text(f"{HEAD}__all__ = ['best']\nbest = Objective('maximise', known=lambda candidate: 1.0)\n")
    with pytest.raises(SettingError, match=r"goals\.py:\d+: .*unknown goal 'maximise'. Did you mean 'maximize'"):
        load_plugins(file)


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ("device='cdua'", "unknown device 'cdua'. Did you mean 'cuda'"),
        ("device='cpu', dtypes=('float32', 'bfloat61')", "unknown dtype 'bfloat61'. Did you mean 'bfloat16'"),
    ],
)
def test_a_target_with_a_device_or_a_dtype_that_is_none_is_refused(
    site: Path, tmp_path: Path, facts: str, says: str
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(f"{HEAD}__all__ = ['fast']\nfast = Target({facts}, prepare=lambda network, x, setting: None)\n")
    with pytest.raises(SettingError, match=rf"mine\.py:\d+: .*{says}"):
        load_plugins(file)


def test_an_objective_that_asks_for_what_is_not_there_is_told_what_is(site: Path, tmp_path: Path) -> None:
    file = tmp_path / "asks.py"
    file.write_text(f"{HEAD}__all__ = ['half']\nhalf = Objective('minimize', known=lambda one: one.params / 2)\n")
    load_plugins(file)
    asked = Candidate(load_architecture("moat_0"))
    with pytest.raises(SettingError, match=r"asks\.py:\d+: .*'params'. A Candidate has architecture, conditions"):
        objective("half").tell(asked)


FAILING = """
import statistics
__all__ = ["rare"]


def _rare(candidate):
    return statistics.mean([])


rare = Objective("minimize", known=_rare)
"""


def test_an_objective_that_fails_is_told_by_its_name_and_its_own_line(site: Path, tmp_path: Path) -> None:
    file = tmp_path / "fails.py"
    file.write_text(HEAD + FAILING)
    load_plugins(file)
    line = file.read_text().splitlines().index("    return statistics.mean([])") + 1
    with pytest.raises(SettingError, match=rf"fails\.py:{line}: .* objective 'rare': StatisticsError: mean requires"):
        objective("rare").tell(Candidate(load_architecture("moat_0")))


SUMMED = """
import numpy as np
__all__ = ["rare"]


class Rare:
    def predict(self, architecture):
        return 1.0

    def shares(self, pieces):
        return np.ones(len(pieces))

    def total(self, sums):
        return sums


rare = Objective("minimize", adds=lambda conditions: Rare())
"""


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        ("Rare())", "conditions.batch)", r"adds\(conditions\) of .*'batch'\. Conditions have .*batch_size"),
        ("return 1.0", "return {}['gone']", r"predict\(architecture\) of objective 'rare': KeyError: 'gone'"),
        ("return np.ones(len(pieces))", "return {}['gone']", r"shares\(pieces\) of objective 'rare': KeyError"),
        ("return sums", "return {}['gone']", r"total\(sums\) of objective 'rare': KeyError: 'gone'"),
    ],
)
def test_a_sum_over_pieces_that_fails_is_told_by_its_objective_and_its_own_line(
    site: Path, tmp_path: Path, right: str, wrong: str, says: str
) -> None:
    file = tmp_path / "summed.py"
    file.write_text(HEAD + SUMMED.replace(right, wrong))
    load_plugins(file)
    line = next(i for i, text in enumerate(file.read_text().splitlines(), 1) if wrong in text)
    with pytest.raises(SettingError, match=rf"summed\.py:{line}: {says}"):
        _costs(Limits(SearchConfig(objectives=("accuracy", "rare")), Conditions()), load_space("cvt_family"))


def _costs(limits: Limits, space: SearchSpace) -> None:
    """Ask for the costs of a space's first network, alone and in a table."""
    decisions, architecture = space.record(lambda _, values: values[0])
    limits.cheap(architecture)
    domains = space.domains(decisions)
    table = limits.table(space)
    assert table
    table(domains, np.ones((1, len(domains)), np.int32))


NARROW = """
__all__ = ["narrow"]


class Narrow(Block):
    letter = "Z"

    def __init__(self, site, *, ratio: int = 2):
        super().__init__()

    @classmethod
    def misfit(cls, option, value, width):
        return f"width {width} is too small for {option} {value}" if width / option < value else None
"""


def test_a_block_whose_misfit_fails_is_told_by_its_name_and_its_own_line(site: Path, tmp_path: Path) -> None:
    file = tmp_path / "narrow.py"
    file.write_text(HEAD + NARROW)
    load_plugins(file)
    stage = {"block": "narrow", "depth": 1, "width": [8, 16], "stride": 2}
    with pytest.raises(SettingError, match=r"narrow\.py:\d+: misfit\(option, value, width\) of block 'narrow': Type"):
        load_space({"stem": {"kind": "conv", "width": 8}, "stages": [stage]})


WRONG = """
__all__ = ["wrong"]


class Wrong(Block):
    letter = "Z"

    def __init__(self, site, *, ratio: int = 2):
        super().__init__()
        self.layer = nn.Conv2d(site.in_width, site.width, 3, site.stride, 1)

    def forward(self, x, token=None):
        return self.layer(x)

    @classmethod
    def {hook}(cls, *given):
        return 1 / 0
"""


@pytest.mark.parametrize(
    ("hook", "said", "command"),
    [
        ("by_position", "by_position(options) of block 'wrong'", "profile net.yaml --seconds 0.1"),
        ("remark", "remark(option, value, resolution) of block 'wrong'", "show net.yaml"),
    ],
)
def test_a_hook_of_a_block_that_fails_is_told_by_its_name_and_its_own_line(
    site: Path, nas: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hook: str, said: str, command: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("wrong.py").write_text(HEAD + WRONG.replace("{hook}", hook))
    stage = {"block": "wrong", "depth": 2, "width": 8, "stride": 2}
    network = {"resolution": 16, "classes": 4, "stem": {"kind": "conv", "width": 8}, "stages": [stage]}
    Path("net.yaml").write_text(yaml.safe_dump(network))
    answer = nas(*command.split(), "--plugins", "wrong.py")
    assert answer.status == 2
    assert f"{said}: ZeroDivisionError: division by zero" in " ".join(answer.err.split())
    assert "wrong.py:" in answer.err


LETTERED = """
__all__ = ["lettered"]


class Lettered(Block):
    {}

    def __init__(self, site):
        super().__init__()
"""


@pytest.mark.parametrize(
    ("letter", "said"),
    [
        ("said = 1", "its letter is None; write one or two capitals"),
        ("letter = 'X-1'", "its letter is 'X-1'; write one or two capitals"),
        ("letter = 'C'", "its letter is 'C', which is that of 'conv'; write another"),
    ],
)
def test_a_block_that_layouts_could_not_name_is_refused_with_its_space(
    site: Path, tmp_path: Path, letter: str, said: str
) -> None:
    file = tmp_path / "lettered.py"
    file.write_text(HEAD + LETTERED.format(letter))
    load_plugins(file)
    stage = {"block": ["conv", "lettered"], "depth": 1, "width": 8, "stride": 2}
    with pytest.raises(SettingError, match=rf"block 'lettered' of .*lettered\.py: {re.escape(said)}"):
        load_space({"stem": {"kind": "conv", "width": 8}, "stages": [stage]})


READING = """
import torch

__all__ = ["valued"]


class Valued(Block):
    letter = "VA"

    def __init__(self, site):
        super().__init__()
        self.rates = [rate.item() for rate in torch.linspace(0, site.drop_path, 2)]
        self.layer = nn.Conv2d(site.in_width, site.width, 1, site.stride)

    def forward(self, x):
        return self.layer(x)
"""


def test_a_block_that_reads_values_while_it_is_built_is_counted_kept_and_loaded(site: Path, tmp_path: Path) -> None:
    """On torch's meta device, where this is done for others, no tensor has a value."""
    (tmp_path / "valued.py").write_text(HEAD + READING)
    load_plugins(tmp_path / "valued.py")
    stage = {"block": "valued", "depth": 2, "width": 8, "stride": 2}
    stem = {"kind": "conv", "width": 8}
    network = load_architecture({"resolution": 16, "classes": 4, "stem": stem, "stages": [stage]})
    model = Model(build(network, seed=0), "abcd", [0.5] * 3, [0.5] * 3)
    write_model(model, tmp_path / "net.safetensors")
    again, x = read_model(tmp_path / "net.safetensors"), torch.rand(2, 3, 16, 16)
    assert torch.equal(again(x), model.eval()(x))
    assert [attends(piece) for piece in pieces(network)] == [False] * 4
    large = Piece("block", "valued", (64, 112, 112), 64)  # which for others is counted on the meta device
    assert counted(large).params == 64 * 65


BROKEN = """
from nas.costs.targets import Target
__all__ = ["failing_stem", "failing_format", "failing_target", "stopping_target"]


class FailingStem(Stem):
    def __init__(self, in_channels, width):
        super().__init__()
        raise ValueError("no such width")


def _fail(*given):
    raise OSError("driver not found")


failing_format = Format("failing", _fail, suffix=".fail", weights=False)
failing_target = Target("cpu", prepare=_fail)
stopping_target = Target("cpu", prepare=lambda network, images, setting: _fail)
"""


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("search --space bad.yaml --data digits --budget 1", "stem 'failing_stem': ValueError: no such width"),
        ("export net.yaml --format failing_format -o net.fail",
         "write(shipment, path) of format 'failing_format': OSError: driver not found"),
        ("profile net.yaml --target failing_target",
         "prepare(network, images, setting) of target 'failing_target': OSError: driver not found"),
        ("profile net.yaml --target stopping_target",
         "the clock of target 'stopping_target': OSError: driver not found"),
    ],
)  # fmt: skip
def test_what_fails_of_a_stem_a_format_or_a_target_is_told_by_its_name_and_its_own_line(
    site: Path, nas: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("failing.py").write_text(HEAD + BROKEN)
    network = {"resolution": 16, "classes": 4, "stem": {"kind": "conv", "width": 8},
               "stages": [{"block": "conv", "depth": 1, "width": 8, "stride": 2}]}  # fmt: skip
    Path("net.yaml").write_text(yaml.safe_dump(network))
    Path("bad.yaml").write_text(yaml.safe_dump(network | {"stem": {"kind": "failing_stem", "width": [8, 16]}}))
    answer = nas(*command.split(), "--plugins", "failing.py")
    assert answer.status == 2
    assert re.search(rf"failing\.py:\d+: {re.escape(said)}", " ".join(answer.err.split())), answer.err


LEVELS = """
__all__ = ["reading"]


class Reading(Head):
    wants_maps = True

    def __init__(self, widths, classes):
        super().__init__()
        self.layer = nn.Linear(widths[-1], classes)

    def forward(self, maps, targets=None, padding=None):
        return self.layer(maps[-1].mean((2, 3)))

    @classmethod
    def levels_of(cls, options):
        return options["absent"]
"""


def test_a_head_that_cannot_say_how_many_maps_it_reads_is_told_by_its_name_and_its_own_line(
    site: Path, tmp_path: Path
) -> None:
    file = tmp_path / "reading.py"
    file.write_text(HEAD + LEVELS)
    load_plugins(file)
    network = {"stem": {"kind": "conv", "width": 8}, "head": {"kind": "reading"},
               "stages": [{"block": "conv", "depth": 1, "width": 8, "stride": 2}]}  # fmt: skip
    said = r"reading\.py:\d+: levels_of\(options\) of head 'reading': KeyError"
    with pytest.raises(SettingError, match=said):
        [*pieces(load_architecture(network | {"classes": 4, "resolution": 16}))]
    space = load_space(network | {"resolution": 16})
    with pytest.raises(SettingError, match=said):
        [*pieces(space.fit(resolution=16, channels=3, classes=4).smallest())]
