"""docs/plugins.md and its package: installed, listed, searched with, killed, resumed, tested by our suites."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import Answer, Command
from outside import forget, on_path

pytestmark = pytest.mark.long

DOCS = Path(__file__).parents[1] / "docs"
TEXT = (DOCS / "plugins.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"<!-- (\S+) -->\n```\w+\n(.*?)```\n", TEXT, flags=re.DOTALL))
COMMANDS = [
    line
    for block in re.findall(r"```bash\n(.*?)```", TEXT, flags=re.DOTALL)
    for line in block.splitlines()
    if line.startswith("nas ")
]
SEARCH = [
    "search",
    "--data",
    "digits",
    "--objectives",
    "accuracy,widest",
    "--subset",
    "64",
    "--plugins",
    "my_blocks.py",
]
BOTH = """
name: both
resolution: 8
stem: {kind: conv, width: 8}
stages:
  - {block: [convnext, pool_former], depth: [1, 2], width: [8, 16], stride: 2}
"""


class Home:
    """A folder with the page's files, in which the example's package is installed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        path = os.pathsep.join([str(DOCS.parent), str(folder / "site"), str(folder)])
        self.environment = os.environ | {"PYTHONPATH": path, "COLUMNS": "200", "OMP_NUM_THREADS": "1"}

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", *arguments], cwd=self.folder, env=self.environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip

    def run(self, *arguments: str, status: int = 0) -> str:
        process = self.start(*arguments)
        out, err = process.communicate()
        assert process.returncode == status, out + err
        return out + err


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home(tmp_path_factory.mktemp("home"))
    install = ["pip", "install", "--no-deps", "--no-build-isolation", "--no-index", "-q", "--target", "site"]
    home.run(*install, str(DOCS / "plugins"))
    for name, text in FILES.items():
        (home.folder / name).write_text(text, encoding="utf-8")
    (home.folder / "both.yaml").write_text(BOTH)
    return home


def _small(command: str) -> list[str]:
    words = shlex.split(command)[1:]
    if "--budget" in words:
        words[words.index("--budget") + 1] = {"search": "2", "resume": "3"}[words[0]]
    if words[0] == "search":
        words += ["--subset", "32", "--resolution", "8", "--confirm", "0"]
    return words


@pytest.fixture
def inside(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """The same in this process, which begins as a new one does."""
    monkeypatch.chdir(home.folder)
    with on_path(home.folder / "site"):
        yield home


def test_the_pages_commands_run(inside: Home, nas: Command) -> None:
    said = {}
    for command in COMMANDS:
        forget()
        answer = nas(*_small(command))
        assert answer.status == 0, f"{command}\n{answer.out}\n{answer.err}"
        said[command] = answer.out
    assert len(said) == 10
    table = said["nas spaces"]
    for noun, name in (("block", "convnext"), ("data set", "turned_digits"), ("objective", "depth")):
        assert re.search(rf"{noun} +{name} +package nas-example 1\.0", table), table
    assert "pool_former (my_blocks.py) | moat" in said["nas spaces mine.yaml --plugins my_blocks.py"]
    for run in ("mine", "zoo", "images"):
        lines = (inside.folder / "runs" / run / "trials.jsonl").read_text().splitlines()
        assert all(json.loads(line)["outcome"]["state"] == "complete" for line in lines)


def test_workers_of_ray_know_the_kinds_of_files_and_packages(home: Home) -> None:
    arguments = ["--space", "both.yaml", "--budget", "4", "--workers", "2", "--name", "ray", "--confirm", "0"]
    home.run("nas.cli", *SEARCH, *arguments, "--data", "turned_digits", "--objectives", "accuracy,widest,depth")
    run = home.folder / "runs" / "ray"
    trials = [json.loads(line) for line in (run / "trials.jsonl").read_text().splitlines()]
    assert [trial["outcome"]["state"] for trial in trials] == ["complete"] * 4
    assert {"widest", "depth"} <= trials[0]["outcome"]["metrics"].keys()
    assert json.loads((run / "plugins.json").read_text())["packages"] == {"nas-example": "1.0"}
    assert json.loads((run / "environment.json").read_text())["versions"]["nas-example"] == "1.0"


def test_a_search_with_a_file_goes_on_without_it_and_refuses_another(inside: Home, nas: Command) -> None:
    def answer(status: int, *words: str) -> str:
        forget()
        found = nas(*words)
        assert found.status == status, found.out + found.err
        return found.err

    answer(0, *SEARCH, *["--space", "mine.yaml", "--budget", "2", "--workers", "1", "--name", "torn", "--confirm", "0"])
    record, file = Path("runs/torn/trials.jsonl"), Path("my_blocks.py")
    before = record.read_bytes()
    file.rename("away.py")
    try:
        answer(0, "resume", "torn", "--budget", "3")
        file.write_text(FILES["my_blocks.py"] + "# changed\n")
        refused = answer(2, "resume", "torn", "--budget", "4")
    finally:
        Path("away.py").replace(file)
    assert record.read_bytes().startswith(before)
    assert "error: my_blocks.py: changed since runs/torn began" in refused


def test_clashes_and_unknown_names_are_refused_with_where_kinds_are_from(inside: Home, nas: Command) -> None:
    text = FILES["my_blocks.py"].replace('"pool_former"', '"convnext"').replace("PoolFormer", "ConvNeXt")
    Path("again.py").write_text(text)
    refused = nas("spaces", "--plugins", "again.py")
    message = "error: again.py: block 'convnext' is already in package nas-example 1.0; rename it, in __all__"
    assert (refused.status, refused.err) == (2, f"{message} too\n")
    Path("typo.yaml").write_text(BOTH.replace("[convnext,", "[convnxt,"))
    refused = nas("spaces", "typo.yaml", "--plugins", "my_blocks.py")
    assert refused.status == 2
    assert "unknown block 'convnxt'. Did you mean 'convnext'? Allowed: " in refused.err
    assert "conv, convnext (nas-example 1.0), cvt" in refused.err
    assert "pool_former (my_blocks.py)" in refused.err


NARROW = """
from torch import Tensor, nn

from nas.network.blocks import Block, Site

__all__ = ["narrow"]


class Narrow(Block):
    \"\"\"A convolution that loses the map's edge.\"\"\"

    letter = "NA"

    def __init__(self, site: Site, *, kernel_size: int = 3) -> None:
        super().__init__()
        self.conv = nn.Conv2d(site.in_width, site.width, kernel_size, site.stride)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)
"""


@pytest.mark.parametrize(
    ("stem", "said"),
    [
        ("{kind: swin, width: 8}", r"does not run on a map of 8x2x2 \(width 8, stride 2, kernel_size 3\): .*it runs"),
        (
            "{kind: conv, width: 8}",
            r"gives 8x1x1 of a map of 8x4x4 \(width 8, stride 2, kernel_size 3\), where 8x2x2 .*it gives that",
        ),
    ],
)
def test_a_block_that_does_not_run_or_gives_another_map_is_named_with_its_map(
    inside: Home, nas: Command, stem: str, said: str
) -> None:
    Path("narrow.py").write_text(NARROW)
    Path("narrow.yaml").write_text(
        f"name: n\nresolution: 8\nstem: {stem}\nstages: [{{block: narrow, depth: [1, 2], width: 8, stride: 2}}]\n"
    )
    asked = ["--space", "narrow.yaml", "--plugins", "narrow.py", "--objectives", "accuracy,params", "--workers", "1"]
    refused = nas("search", *asked, "--data", "digits", "--subset", "32", "--budget", "2")
    assert refused.status == 2
    assert re.search(f"error: the block 'narrow' {said}\n$", refused.err), refused.err


def test_a_block_that_runs_in_no_network_is_refused_before_the_first_training(inside: Home, nas: Command) -> None:
    """Whatever is weighed, and though the smallest networks do without it; one that runs in some is warned of."""
    Path("narrow.py").write_text(NARROW)
    asked = ["--space", "narrow.yaml", "--plugins", "narrow.py", "--objectives", "accuracy,depth", "--workers", "1"]

    def found(kernels: str) -> Answer:
        Path("narrow.yaml").write_text(
            "name: n\nresolution: 8\nstem: {kind: conv, width: 8}\nstages:\n"
            "  - {block: conv, depth: [1, 2], width: 8, stride: 1}\n"
            f"  - {{block: [conv, narrow], depth: 1, width: 8, stride: 2, kernel_size: {kernels}}}\n"
        )
        return nas("search", *asked, "--data", "digits", "--subset", "32", "--budget", "2", "--name", "narrow")

    refused = found("[3, 5]")
    assert refused.status == 2
    assert "the block 'narrow' " in refused.err
    assert not Path("runs/narrow").exists()
    warned = found("[1, 3]")
    assert warned.status == 0
    assert "some networks of n cannot be trained: the block 'narrow' gives 8x1x1" in warned.err + warned.out


def test_kinds_from_outside_keep_what_ours_keep(home: Home) -> None:
    options = ["-q", "-m", "not slow and not gpu", "-p", "no:cacheprovider", "-W", "ignore", "-k", "not exports"]
    tests = str(DOCS / "plugins" / "tests")
    said = home.run("pytest", *options, "-c", str(DOCS / "plugins" / "pyproject.toml"), tests, "test_my_blocks.py")
    assert re.search(r"^1\d\d passed", said, flags=re.MULTILINE), said


def test_the_pages_line_for_pytest_warns_of_nothing(home: Home) -> None:
    (line,) = re.findall(r"^pytest .*", TEXT, flags=re.MULTILINE)
    unknown = ["-W", "error::pytest.PytestUnknownMarkWarning", "-p", "no:cacheprovider"]
    assert "tests collected" in home.run(*shlex.split(line), "--collect-only", *unknown)
