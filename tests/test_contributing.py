"""CONTRIBUTING.md: its worked example is a block, its map and floors are those of the package."""

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


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the house into which the files of the example were put, and nothing else."""
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


def test_the_example_is_one_file_its_test_and_a_space() -> None:
    assert list(FILES) == ["nas/network/blocks/convnext.py", "tests/network/blocks/test_convnext.py", "mine.yaml"]


def test_the_suite_covers_a_new_block_unasked(house: Path) -> None:
    selected = "convnext or letters_differ or zoo_offers"
    done = _python(
        house, "-m", "pytest", "tests/network/blocks", "tests/space/test_search_spaces.py", "-k", selected, "-vv"
    )
    passed = set(re.findall(r"::(test_\w+).* PASSED", done.stdout))
    expected = {
        "test_the_output_has_the_promised_shape",
        "test_every_value_of_every_option_builds",
        "test_gradients_reach_every_parameter",
        "test_it_exports",
        "test_letters_differ",
        "test_the_zoo_offers_every_block_at_every_stage",
        "test_the_zoo_can_build_every_block_at_every_stage",
    }
    assert expected <= passed
    assert "test_convnext_computes_what_timm_computes" in done.stdout


def test_a_space_may_offer_a_new_block(house: Path) -> None:
    shown = _python(house, "-m", "nas.cli", "spaces", "mine.yaml").stdout
    assert "convnext | moat" in shown
    assert "kernel_size" in shown
    assert "convnext" in _python(house, "-m", "nas.cli", "spaces", "hybrid_zoo").stdout


def test_the_example_keeps_the_style(house: Path) -> None:
    pytest.importorskip("ruff")
    _python(house, "-m", "ruff", "check", *FILES.keys() - {"mine.yaml"})
    _python(house, "-m", "ruff", "format", "--check", *FILES.keys() - {"mine.yaml"})


def test_the_floors_are_those_of_the_contract() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    assert "\n".join(contracts[0]["layers"]) in TEXT


def test_the_map_names_every_file_and_folder() -> None:
    house = TEXT.partition("## The map")[2].partition("## The floors")[0]
    for path in (ROOT / "nas").iterdir():
        if path.suffix == ".py" and not path.name.startswith("_"):
            assert re.search(rf"\b{path.name}", house), f"{path.name} is not on the map"
        elif path.is_dir() and any(path.glob("*.py")):
            assert f"{path.name}/" in house, f"{path.name}/ is not on the map"
    for name in re.findall(r"\b(\w+\.py)\b", house):
        assert (ROOT / "nas" / name).is_file(), f"the map names {name}, which is not there"
