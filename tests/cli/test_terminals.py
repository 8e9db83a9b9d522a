"""Every command on a terminal without colours, on a narrow one, on a dumb one, and with a reader that leaves."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from documents import photos
from PIL import Image
from run_fixtures import finished_run
from small_searches import CONVOLUTION_FIRST, search
from terminals import Asked, Seen, Terminals
from trained_fixtures import ended

from nas.cli import COMMANDS

pytestmark = pytest.mark.long

SEARCH = "--space tiny.yaml --data digits --objectives accuracy,params --subset 32 --sampler random --confirm 0"
LINES = {
    "search": f"search {SEARCH} --budget 8",
    "resume": "resume runs/searched",
    "calibrate": "calibrate --space tiny.yaml --data digits --subset 32 -n 8 --rungs 1,2 --workers 1",
    "train": "train runs/knee --resume",
    "report": "report runs/first",
    "runs": "runs",
    "compare": "compare runs/first runs/other",
    "layout": "layout runs/first --members 20",
    "export": "export runs/first --force -o net.yaml",
    "evaluate": "evaluate runs/knee --data image_folder:signs",
    "predict": "predict runs/knee images",
    "show": "show runs/first",
    "profile": "profile runs/first --seconds 0.1",
    "spaces": "spaces",
    "latency": "latency --help",
    "dashboard": "dashboard --help",
}
MORE = {
    "help": "--help",
    "version": "--version",
    "many options": "search --help",
    "a space": "spaces cvt_family",
    "a large space": "spaces hybrid_zoo",
    "no network": "spaces cvt_family --contains coatnet_0",
    "two networks": "show runs/first coatnet_0",
    "costs of a space": "profile tiny.yaml -n 4",
    "a training": "report runs/knee",
    "an error": "show cvt_familly",
}
NEW = {"search": "--name new{}"}  # what may not be there yet
STATUS = {"no network": 1, "an error": 2}
COLOUR = re.compile(r"\x1b\[([\d;]*;)?(3[0-8]|4[0-8]|9[0-7]|10[0-7])(;[\d;]*)?m")
ESCAPE = re.compile(r"\x1b\[[\d;?]*[A-Za-z]")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with runs, a training and images."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "tiny.yaml").write_text(CONVOLUTION_FIRST)
    for name, sampler in (("first", "pareto"), ("other", "tpe")):
        finished_run(folder / "runs" / name, sampler=sampler, complete=20)
    ended(folder / "runs" / "knee")
    search(folder / "tiny.yaml", "searched", 2, confirm=0)
    photos(folder / "signs", ("stop", "yield", "priority", "no entry"), 6)
    (folder / "images").mkdir()
    for i in range(2):
        Image.fromarray(np.full((8, 8, 3), 40 * i, np.uint8)).save(folder / "images" / f"{i}.png")
    return folder


@pytest.fixture(scope="module")
def terminals(home: Path) -> Iterator[Terminals]:
    made = Terminals()
    calibrated = made.run(Asked(LINES["calibrate"].split(), str(home)))  # later ones find it
    assert calibrated.status == 0, calibrated
    yield made
    made.close()


def run(terminals: Terminals, home: Path, name: str, where: str, more: str = "", **asked: object) -> Seen:
    line = f"{(LINES | MORE)[name]} {NEW.get(name, '').format('_' + where)} {more}"
    seen = terminals.run(Asked(line.split(), str(home), **asked))  # type: ignore[arg-type]
    assert seen.status == STATUS.get(name, 0), seen
    assert "Traceback" not in seen.out + seen.err
    return seen


EVERY = pytest.mark.parametrize("name", [*LINES, *MORE])


def test_every_command_is_among_them() -> None:
    assert LINES.keys() == COMMANDS.keys()


@EVERY
def test_a_narrow_terminal_cuts_nothing_off_and_no_color_is_heeded(terminals: Terminals, home: Path, name: str) -> None:
    seen = run(terminals, home, name, "narrow", columns=40, environment={"NO_COLOR": "1"})
    assert not COLOUR.search(seen.out)
    assert "…" not in seen.out
    tables = [line for line in ESCAPE.sub("", seen.out).splitlines() if set(line.strip()) == {"─"}]
    assert all(len(line.rstrip()) <= 40 for line in tables)


@EVERY
def test_a_dumb_terminal_gets_text_alone(terminals: Terminals, home: Path, name: str) -> None:
    seen = run(terminals, home, name, "dumb", columns=80, environment={"TERM": "dumb"})
    assert "\x1b" not in seen.out
    assert not re.search(r"\r(?!\n)", seen.out)


@EVERY
def test_a_reader_that_leaves_is_no_error(terminals: Terminals, home: Path, name: str) -> None:
    more = "--json" if name == "runs" else ""
    seen = run(terminals, home, name, "left", more, reads=1)
    assert len(seen.out) == (name != "an error")
    assert ("error" in seen.err) == (name == "an error")
    assert not seen.err or name in ("an error", "calibrate")  # which tells its progress there


@pytest.mark.parametrize(
    "name",
    [
        *sorted(LINES.keys() - {"latency", "dashboard"}),
        "a space",
        "no network",
        "two networks",
        "costs of a space",
        "a training",
    ],
)
def test_json_stands_alone_on_the_standard_output(terminals: Terminals, home: Path, name: str) -> None:
    facts = json.loads(run(terminals, home, name, "json", "--json").out)
    assert facts


def test_a_terminal_that_has_colours_gets_them(terminals: Terminals, home: Path) -> None:
    assert COLOUR.search(run(terminals, home, "show", "coloured", columns=80).out)


def test_a_folder_that_was_deleted_is_said(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    code = (
        "import os, sys; os.rmdir('../gone'); sys.argv = ['nas', 'show', 'coatnet_0']; from nas.cli import main; main()"
    )
    path = os.pathsep.join(folder for folder in sys.path if folder)
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path / "gone", env=os.environ | {"PYTHONPATH": path},
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == "error: the folder that you are in was deleted; go to another, as by cd\n"


@pytest.mark.parametrize("columns", ["\u00b2", "wide", "-3", "0"])
def test_a_width_that_is_none_is_passed_over(columns: str) -> None:
    done = subprocess.run([sys.executable, "-m", "nas.cli", "spaces"], env=os.environ | {"COLUMNS": columns},
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "cvt_family" in done.stdout
