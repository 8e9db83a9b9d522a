"""Names -> plug-ins, in any folder, without importing what is not asked for."""

import sys
from pathlib import Path

import pytest
from outside import offer
from outside import site as site

from nas import registry
from nas.config import make_config
from nas.data import load
from nas.engine import plan
from nas.errors import SettingError, SpaceError
from nas.evaluation.evaluator import Evaluator
from nas.registry import BLOCKS, OBJECTIVES, Registry, nearest, suggest
from nas.space.library import load_space
from nas.training.catalogue import check_objective

ALL = [value for value in vars(registry).values() if isinstance(value, Registry)]


@pytest.mark.parametrize("kinds", ALL, ids=lambda kinds: kinds.folder)
def test_every_kind_has_an_object_of_its_name_with_a_docstring(kinds):
    assert kinds.names() == sorted(kinds.names())
    assert len(kinds.names()) >= 1
    for name in kinds.names():
        found = kinds.get(name)
        assert found is kinds.get(name)
        plain = getattr(found, "__name__", name).replace("_", "").lower()
        assert plain == name.replace("_", "")


def test_a_file_holds_the_kinds_that_it_names_or_one_of_its_own_name(tmp_path):
    (tmp_path / "plain.py").write_text("raise SystemExit('imported')\n")
    (tmp_path / "several.py").write_text('"""Two."""\n\n__all__ = ["second", "first"]\nraise SystemExit\n')
    (tmp_path / "_private.py").write_text("")
    (tmp_path / "__init__.py").write_text('__all__ = ["contract"]\n')
    assert Registry(str(tmp_path), "thing").names() == ["first", "plain", "second"]


def test_an_unknown_name_gets_the_nearest_and_all():
    with pytest.raises(SettingError, match=r"unknown objective 'latncy'. Did you mean 'latency'\? Allowed: energy, "):
        OBJECTIVES.get("latncy")
    with pytest.raises(SettingError, match=r"unknown objective 'latncy'. Did you mean 'latency'\? Allowed: accuracy, "):
        check_objective("latncy")
    with pytest.raises(SpaceError, match=r"unknown block 'q'\. Allowed: "):
        BLOCKS.check("q", SpaceError)


@pytest.mark.parametrize("name", ["_base", "__init__", "", ".", "../heads/pool", "Conv"])
def test_what_is_no_kind_is_no_kind(name):
    with pytest.raises(SettingError, match="unknown block"):
        BLOCKS.get(name)


def test_suggest_says_when_nothing_is_allowed():
    assert suggest("x", []) == "Allowed: (none)."


def test_a_name_that_one_begins_with_stands_for_it() -> None:
    assert nearest("val", ["all", "train", "validation", "test"]) == "validation"


def test_of_very_many_names_the_nearest_is_shown() -> None:
    names = [f"network_{i}" for i in range(50)]
    assert suggest("netwrk_7", names) == "Did you mean 'network_7'?"
    assert "network_49" in suggest("q", names)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("convnxt", "convnext"), ("mbconf", "mbconv"), ("knne", "knee"), ("coatnet0", "coatnet_0"),
        ("memroy", "memory"), ("accurary", "accuracy"), ("cifar-10", "cifar10"), ("safetensor", "safetensors"),
        ("bottlneck", "bottleneck"), ("cuda-compile", "cuda-compiled"), ("sampeler", "sampler"),
        ("mnist", "fashion_mnist"), ("onnx", "onnxruntime"), ("batch", "latency_batch"),
    ],
)  # fmt: skip
def test_a_typo_or_a_part_of_a_name_finds_it(name: str, meant: str) -> None:
    assert nearest(name, ["swin_t", "tpe", meant, "npz"]) == meant


@pytest.mark.parametrize("name", ["nope", "", "e", "gpus", "flops", "qqqq"])
def test_a_name_that_shares_little_with_any_finds_none(name: str) -> None:
    known = ["knee", "tpe", "npz", "top5", "plugins", "coatnet_0"]
    assert nearest(name, known) == ""
    assert "Did you mean" not in suggest(name, known)


def test_packages_offer_kinds_by_entry_points(site: Path) -> None:
    (site / "theirs.py").write_text(
        "from nas.network.blocks import Block\nclass Theirs(Block):\n    letter = 'Q'\n"
        "from nas.evaluation.objectives import Objective\nsteps = Objective('minimize', known=lambda candidate: 1.0)\n"
    )
    offer(
        site, "my-blocks", "1.0", "[nas.blocks]", "theirs = theirs:Theirs", "[nas.objectives]", "steps = theirs:steps"
    )
    assert {"theirs", "conv"} <= set(BLOCKS.names())
    assert "steps" in OBJECTIVES.names()
    assert "theirs" not in BLOCKS.at_hand()
    assert "theirs" not in sys.modules, "listing imports nothing"
    assert BLOCKS.get("theirs").letter == "Q"
    assert BLOCKS.origin("theirs") == "package my-blocks 1.0"
    assert (BLOCKS.label("theirs"), BLOCKS.label("conv")) == ("theirs (my-blocks 1.0)", "conv")
    assert BLOCKS.origin("conv") == "nas"
    assert registry.from_outside() == [
        ("block", "theirs", "package my-blocks 1.0"),
        ("objective", "steps", "package my-blocks 1.0"),
    ]
    with pytest.raises(SettingError, match=r"unknown block 'thirs'\. .*, swin, theirs \(my-blocks 1\.0\), transformer"):
        BLOCKS.get("thirs")
    with pytest.raises(SettingError, match=r"unknown objective 'stps'\. .*, steps \(my-blocks 1\.0\), "):
        check_objective("stps")


def test_a_package_may_write_a_name_with_dashes(site: Path) -> None:
    (site / "theirs.py").write_text("from nas.costs.targets import Target\nmine = Target('cpu', prepare=print)\n")
    offer(site, "my-targets", "1.0", "[nas.targets]", "my-target = theirs:mine")
    assert registry.target_name("my-target") == registry.target_name("my_target") == "my-target"
    with pytest.raises(SettingError, match=r"unknown target 'my-targt'\. Did you mean 'my-target'\?"):
        registry.target_name("my-targt")


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("import rare_package", r"ModuleNotFoundError: No module named 'rare_package'; mend or uninstall the package"),
        ("", r"AttributeError: module 'broken' has no attribute 'Theirs'; mend"),
        ("1 +", r"SyntaxError: invalid syntax"),
        ("raise SystemExit('no')", r"SystemExit: no; mend"),
    ],
)
def test_a_package_that_cannot_be_imported_harms_those_who_ask_for_it(site: Path, text: str, cause: str) -> None:
    (site / "broken.py").write_text(text)
    offer(site, "my-blocks", "1.0", "[nas.blocks]", "theirs = broken:Theirs", "[nas.tasks]", "other = broken:other",
          "[nas.objectives]", "steps = broken:steps", "[nas.heads]", "flat = broken:Flat")  # fmt: skip
    message = rf"^block 'theirs' of package my-blocks 1\.0 cannot be imported: entry point broken:Theirs: {cause}"
    with pytest.raises(SettingError, match=message):
        BLOCKS.get("theirs")
    config = make_config({"objectives": ("accuracy", "params")})
    Evaluator(config, load("digits"))
    assert plan.fit(load_space("cvt_family"), load("digits"), config.task)


def test_what_is_not_of_its_group_is_refused(site: Path) -> None:
    (site / "odd.py").write_text("x = 3\n")
    offer(site, "my-blocks", "1.0", "[nas.blocks]", "theirs = odd:x")
    with pytest.raises(
        SettingError, match=r"block 'theirs' of package my-blocks 1\.0: entry point odd:x is a int, not a"
    ):
        BLOCKS.get("theirs")


def test_a_name_that_two_offer_is_refused_with_both(site: Path) -> None:
    offer(site, "my-blocks", "1.0", "[nas.blocks]", "conv = a:A", "theirs = a:A")
    offer(site, "your-blocks", "2.1", "[nas.blocks]", "theirs = b:B")
    for name, both in (
        ("conv", "nas and by package my-blocks 1.0"),
        ("theirs", "package my-blocks 1.0 and by package"),
    ):
        with pytest.raises(SpaceError, match=f"block '{name}' is offered by {both}"):
            BLOCKS.check(name, SpaceError)
    assert BLOCKS.get("moat"), "others stay of use"
