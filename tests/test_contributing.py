"""CONTRIBUTING.md: its recipes give kinds that work, its map, floors and words are those of the package."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"<!-- (\S+) -->\n```\w+\n(.*?)```\n", TEXT, flags=re.DOTALL))
HOUSE = ("nas", "search_spaces", "tests", "pyproject.toml")


def _part(begin: str, end: str) -> str:
    """The part of the text between two headings."""
    return TEXT.partition(begin)[2].partition(end)[0]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the house into which the files of the examples were put, and nothing else."""
    folder = tmp_path_factory.mktemp("house")
    for name in HOUSE:
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, folder / name)
    for path, text in FILES.items():
        assert not (folder / path).exists(), f"{path} is in the house already: choose another example"
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def _python(house: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(house), "COLUMNS": "200", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=house, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


COMMANDS = """
import sys
from nas.cli import main

for line in sys.argv[1:]:
    sys.argv = ["nas", *line.split()]
    try:
        main()
    except SystemExit as end:
        if end.code:
            raise
    print(end="\\f")
"""


def _nas(house: Path, *lines: str) -> list[str]:
    """What each command prints, one after the other in one process of that house."""
    return _python(house, "-c", COMMANDS, *lines).stdout.split("\f")[:-1]


PYTHON = [path for path in FILES if path.endswith(".py")]


def test_the_recipes_are_those_promised() -> None:
    """A block is one file, its test and a space; a task the same with what it needs."""
    assert list(FILES) == [
        "nas/network/blocks/convnext.py",
        "tests/network/blocks/test_convnext.py",
        "mine.yaml",
        "nas/costs/targets/exported.py",
        "nas/evaluation/objectives/depth.py",
        "nas/data/sets/turned.py",
        "nas/training/tasks/orientation.py",
        "nas/network/heads/direction.py",
        "turned.yaml",
    ]


def _passed(house: Path, folders: list[str], selected: str) -> set[str]:
    """The tests that passed, as `Test_kind::test_name` or `test_name`, without their parameters."""
    done = _python(house, "-m", "pytest", *folders, "-k", selected, "-vv", "-p", "no:cacheprovider")
    return set(re.findall(r"\.py::([\w:]+).* PASSED", done.stdout))


@pytest.mark.long
def test_the_suites_cover_new_kinds_unasked(house: Path) -> None:
    folders = [
        "tests/network/blocks",
        "tests/network/heads",
        "tests/space/test_search_spaces.py",
        "tests/costs/targets",
        "tests/evaluation/objectives",
    ]
    kinds = "Test_exported or Test_depth or Test_turned or Test_direction"
    passed = _passed(
        house, [*folders, "tests/data/test_conformance.py"],
        f"convnext or letters_differ or zoo_offers or zoo_can_build or {kinds}",
    )  # fmt: skip
    assert passed >= {
        "Test_convnext::test_the_output_has_the_promised_shape",
        "Test_convnext::test_every_value_of_every_option_builds",
        "Test_convnext::test_gradients_reach_every_parameter",
        "Test_convnext::test_it_exports",
        "Test_convnext::test_it_is_a_block_with_a_letter_of_its_own",
        "test_the_zoo_offers_every_block_at_every_stage",
        "test_the_zoo_can_build_every_block_at_every_stage",
        "test_convnext_computes_what_timm_computes",
        "Test_exported::test_it_clocks_a_network_as_often_as_asked",
        "Test_exported::test_every_type_of_numbers_runs",
        "Test_depth::test_what_is_told_beforehand_is_what_is_read",
        "Test_turned_digits::test_every_class_is_trained",
        "Test_turned_digits::test_a_seed_gives_the_same_set_twice",
        "Test_turned_angles::test_images_and_labels_are_plain",
        "Test_turned_angles::test_the_parts_are_disjoint_and_complete",
        "Test_direction::test_the_output_has_the_promised_shape",
        "Test_direction::test_gradients_reach_every_parameter",
    }


@pytest.mark.long
def test_a_space_may_offer_a_new_block(house: Path) -> None:
    mine, zoo = _nas(house, "spaces mine.yaml", "spaces hybrid_zoo")
    assert "convnext | moat" in mine
    assert "kernel_size" in mine
    assert "convnext" in zoo


POINT = """
resolution: 8
stem: {kind: conv, width: 8}
stages: [{block: conv, depth: 1, width: 8, stride: 1}]
"""


@pytest.mark.long
def test_a_profile_times_a_new_target(house: Path) -> None:
    (house / "point.yaml").write_text(POINT)
    (shown,) = _nas(house, "profile point.yaml --target exported --seconds 0.1 --json")
    assert json.loads(shown)["latency_ms"]["target"] == "exported"


@pytest.mark.long
def test_a_search_learns_a_new_task_and_weighs_a_new_objective(house: Path) -> None:
    shown = "--space turned.yaml --data turned_angles --task orientation"
    assert f"nas search {shown} --budget 20" in TEXT
    small = "--budget 2 --confirm 0 --objectives angle_error,depth --max depth=1 --name turned"
    _nas(house, f"search {shown} {small}")
    run = house / "runs" / "turned"
    outcomes = [json.loads(line)["outcome"] for line in (run / "trials.jsonl").read_text().splitlines()]
    assert [outcome["state"] for outcome in outcomes] == ["complete", "complete"]
    for outcome in outcomes:
        assert outcome["metrics"]["angle_error"] < 30, "so far is off on the mean what has learnt nothing"
        assert outcome["metrics"]["depth"] == 1
    assert re.search(r"Angle error \((°|\\u00b0)\)", (run / "report.html").read_text(encoding="utf-8"))


TURN = """
resolution: 16
channels: 1
classes: 2
stem: {kind: conv, width: 8}
stages: [{block: conv, depth: 1, width: 8, stride: 2}]
head: {kind: direction}
"""


@pytest.mark.long
def test_a_network_of_a_new_task_is_trained_judged_and_written(house: Path) -> None:
    (house / "turn.yaml").write_text(TURN)
    _, judged, _ = _nas(
        house, "train turn.yaml --data turned_angles --task orientation --epochs 1 --name turn", "evaluate turn",
        "export turn --format python -o turned.py",
    )  # fmt: skip
    page = (house / "runs" / "turn" / "report.html").read_text(encoding="utf-8")
    assert "nas predict" not in page
    assert ".softmax" not in page.partition("<h2>Next")[2]
    assert "Angle error" in judged
    written = (house / "turned.py").read_text(encoding="utf-8")
    assert re.search(r"^OUTPUTS = .direction.$", written, re.MULTILINE)
    assert "softmax" not in written.partition('"""')[2].partition('"""')[0]


@pytest.mark.long
def test_a_look_at_a_space_trains_its_networks_on_the_task(house: Path) -> None:
    asked = "--data turned_angles --subset 64 --task orientation --budget 5 -n 3"
    (shown,) = _nas(house, f"profile turned.yaml {asked}")
    assert "a budget of 5 takes about" in shown


REFUSALS = """
import nas, nas.config, nas.errors

turned = {"space": "turned.yaml", "data": "turned_angles", "task": "orientation"}
print(nas.config.make_config(turned).objectives)
others = {"space": "cvt_family", "data": "digits", "task": "classification", "objectives": ("accuracy", "macs")}
for name, value in others.items():
    try:
        nas.search(**turned | {name: value}, budget=1)
    except nas.errors.UserError as error:
        print(error)
"""


@pytest.mark.long
def test_what_does_not_fit_a_task_is_refused(house: Path) -> None:
    assert _python(house, "-c", REFUSALS).stdout.splitlines() == [
        "('angle_error', 'latency')",
        "head 'pool' gives logits; the task orientation needs direction: direction, or --task classification",
        "data set 'digits' holds classes; this task needs angles: write --task classification (heads: class_token, "
        "mobilenet, norm_pool, pool), or name other data",
        "data set 'turned_angles' holds angles; this task needs classes: write --task orientation (heads: direction), "
        "or name other data",
        "objectives: accuracy is no metric of the task orientation: angle_error",
    ]


def test_the_examples_keep_the_style(house: Path) -> None:
    pytest.importorskip("ruff")
    _python(house, "-m", "ruff", "check", *PYTHON)
    _python(house, "-m", "ruff", "format", "--check", *PYTHON)


def test_the_quick_suite_leaves_out_what_is_left_out_unasked() -> None:
    """What is left out must not come back with a -m of one's own."""
    asked = ["tests/engine/test_search.py", "-m", "not long", "--collect-only", "-p", "no:cacheprovider"]
    found = _python(ROOT, "-m", "pytest", *asked).stdout
    assert "test_the_same_seed_gives_the_same_search" in found
    for mark, name in (("long", "a_kill_in_the_middle"), ("slow", "a_long_search"), ("faults", "kills_over_and_over")):
        assert name not in found, mark


def test_the_floors_are_those_of_the_contract() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    assert "\n".join(contracts[0]["layers"]) in TEXT


MAP = _part("## The map", "## The floors").partition("```")[2].partition("```")[0].strip("\n")


def test_the_map_fits_one_screen() -> None:
    assert len(MAP.splitlines()) <= 45


def test_the_map_has_every_room_and_stone() -> None:
    for path in (ROOT / "nas").iterdir():
        if path.suffix == ".py" and not path.name.startswith("_"):
            assert re.search(rf"^  {path.name} ", MAP, re.MULTILINE), f"{path.name} is not on the map"
        elif path.is_dir() and any(path.glob("*.py")):
            assert re.search(rf"^  {path.name}/ ", MAP, re.MULTILINE), f"{path.name}/ is not on the map"


def test_the_map_names_what_is_there() -> None:
    room = ROOT / "nas"
    for line in MAP.splitlines():
        if line.startswith("  ") and line[2] != " ":
            room = ROOT / "nas" / line.split()[0] if line.split()[0].endswith("/") else ROOT / "nas"
        elif not line.startswith(" "):
            room = ROOT
        for name in re.findall(r"\b\w+(?:\.py\b|/)", line):
            assert any((home / name).exists() for home in (room, room.parent, *_folders(room))), f"{name}: {line}"


def _folders(room: Path) -> list[Path]:
    return [path for path in room.iterdir() if path.is_dir()]


def test_the_words_are_those_of_the_code() -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "nas").rglob("*.py"))
    words = re.findall(r"`([A-Z]\w+)`", _part("## The words", "## The checks"))
    assert len(words) > 20
    for word in words:
        assert re.search(rf"^(class {word}\b|{word} = )", source, re.MULTILINE), f"{word} is no type of the package"
