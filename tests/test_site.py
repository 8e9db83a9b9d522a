"""The docs as a site: what is made from the code names all of it, links are led on or refused, and no page is left out.

That the site builds, every link and anchor in it included, is checked by `.ci/run`.
"""

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from command import Command
from documents import ROOT, blocks, commands

import nas
from nas.cli import COMMANDS
from nas.registry import BLOCKS, HEADS, STEMS

RUN_BY = {  # the page, and the test that runs all of it
    "README.md": "test_readme.py",
    "docs/tutorial.md": "test_docs.py",
    "docs/spaces.md": "test_docs.py",
    "docs/budget.md": "test_docs.py",
    "docs/training.md": "test_docs.py",
    "docs/detection.md": "test_docs.py",
    "docs/terminal.md": "test_docs.py",
    "docs/export.md": "test_docs.py",
    "docs/latency.md": "test_docs.py",
    "docs/scores.md": "test_docs.py",
    "docs/python.md": "test_docs.py",
    "docs/backbone.md": "test_docs_backbone.py",
    "docs/data.md": "data/test_docs_data.py",
    "docs/plugins.md": "test_plugins.py",
}
ELSEWHERE = {"docs/distributed.md"}  # its lines take GPUs, or a cluster
PAGES = ["README.md", *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md"))]
NAMES = "|".join(COMMANDS)


@pytest.fixture(scope="module")
def site() -> Iterator[ModuleType]:
    """The script that makes the site."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "docs")
        import make_site

        yield make_site
        for name in ("make_site", "made_pages"):
            del sys.modules[name]


@pytest.fixture(scope="module")
def staged(site: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the site is built from."""
    folder: Path = tmp_path_factory.mktemp("site") / "docs"
    site.stage(folder)
    return folder


@pytest.mark.parametrize("command", [*COMMANDS, "latency collect", "latency fit"])
def test_a_command_has_a_page_with_every_option_of_its_help(command: str, staged: Path, nas: Command) -> None:
    told = (staged / "commands" / f"{command.split()[0]}.md").read_text(encoding="utf-8")
    asked = nas(*command.split(), "--help").out
    options = re.findall(r"^│ +(?:\* +)?(--[a-z][\w-]*)", asked, re.MULTILINE)
    assert "--help" in options
    for option in options:
        assert re.search(rf"<code>(-\w, )?{option}\b", told), option
    for default in re.findall(r"\[default: ([\w./]+)[\];]", asked):
        assert f"| {default}".replace("_", "\\_") in told, default


def test_the_list_of_commands_leads_to_each(staged: Path) -> None:
    told = (staged / "commands" / "index.md").read_text(encoding="utf-8")
    assert re.findall(r"\[nas (\w+)\]\(\1\.md\)", told) == list(COMMANDS)


def test_the_api_has_every_public_name(staged: Path) -> None:
    told = (staged / "api.md").read_text(encoding="utf-8")
    for name in nas.__all__:
        assert f"\n::: nas.{name}\n" in told
        assert f"[nas.{name}](#nas.{name}) | " in told
    assert "| <code>seed\\_with</code> | Networks to start from: coatnet\\_0,RUN:accuracy,FILE. | () |" in told


def test_the_kinds_are_those_of_the_registries(staged: Path) -> None:
    told = (staged / "kinds.md").read_text(encoding="utf-8")
    found = re.findall(r"^### (\w+)$", told, re.MULTILINE)
    assert found == [name for registry in (BLOCKS, STEMS, HEADS) for name in registry.names()]
    assert "| <code>head\\_dim</code> | a whole number from 1 to 512 that divides the width | 32 |" in told


def test_links_lead_to_where_the_site_has_their_targets(staged: Path) -> None:
    told = (staged / "search.md").read_text(encoding="utf-8")
    assert "(project/results.md)" in told
    assert "(nas/engine/samplers/pareto.py)" in told, "a file that is no page is taken along"
    assert (staged / "nas" / "engine" / "samplers" / "pareto.py").is_file()
    assert "(../plugins.md)" in (staged / "project" / "contributing.md").read_text(encoding="utf-8")


def test_a_broken_link_and_a_page_in_no_menu_are_refused(
    site: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("docs", "benchmarks", "deploy", "nas"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "mkdocs.yml"):
        shutil.copy(ROOT / name, tmp_path / name)
    monkeypatch.setattr(site, "ROOT", tmp_path)
    (tmp_path / "docs" / "lost.md").write_text("# Lost\n\n[there](nowhere.md)\n")
    with pytest.raises(site.SiteError, match=r"docs/lost\.md: nowhere\.md is no file of the repository"):
        site.stage(tmp_path / "first" / "docs")
    (tmp_path / "docs" / "lost.md").write_text("# Lost\n\n`[code](nowhere.md)` [found](search.md)\n")
    with pytest.raises(site.SiteError, match=r"its nav and the pages differ in lost\.md"):
        site.stage(tmp_path / "second" / "docs")


def test_each_page_is_run_by_the_test_that_is_said() -> None:
    for page, test in RUN_BY.items():
        assert Path(page).name in (ROOT / "tests" / test).read_text(encoding="utf-8"), f"{test} does not name {page}"


RUN = {line for page in RUN_BY for line in commands(page)}


@pytest.mark.parametrize("page", [page for page in PAGES if page not in {*RUN_BY, *ELSEWHERE}])
def test_no_page_has_lines_that_no_test_runs(page: str) -> None:
    assert [line for line in commands(page) if line not in RUN] == []
    assert not blocks(page, "python")
    assert not blocks(page, "yaml")


@pytest.mark.parametrize("page", PAGES)
def test_every_option_that_a_page_names_is_one_of_its_command(page: str, nas: Command) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for command, rest in re.findall(rf"\bnas ((?:latency )?(?:{NAMES}|collect|fit))\b((?: (?!nas )[^\s`#;|]+)*)", text):
        for option in re.findall(r"(?<= )--[a-z][\w-]*", rest):
            assert re.search(rf"\s{option}\b", _help(command, nas)), f"nas {command} has no {option}"


HELP: dict[str, str] = {}


def _help(command: str, nas: Command) -> str:
    if command not in HELP:
        HELP[command] = nas(*command.split(), "--help").out
    return HELP[command]
