"""What a shell is answered that asks for completions, by the scripts that nas gives to shells."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from command import Answer, Command
from run_fixtures import empty_run
from trained_fixtures import begun

from nas.cli import COMMANDS, main


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a run and a training in `runs`, where the test stands."""
    empty_run(tmp_path / "runs" / "first")
    begun(tmp_path / "runs" / "knee")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[[str], list[str]]:
    """What is offered after a line, which ends in what is completed."""

    def ask(typed: str) -> list[str]:
        for name, value in {"_NAS_COMPLETE": "complete_bash", "COMP_WORDS": typed,
                            "COMP_CWORD": str(len(typed.split(" ")) - 1)}.items():  # fmt: skip
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["nas"])
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capsys.readouterr()
        assert (end.value.code or 0, err) == (0, "")
        return out.split()

    return ask


@pytest.mark.parametrize(
    ("typed", "among"),
    [
        ("nas ", list(COMMANDS)),
        ("nas sh", ["show"]),
        ("nas --v", ["--version"]),
        ("nas latency ", ["collect", "fit"]),
        ("nas search --spa", ["--space"]),
        ("nas search --space c", ["coatnet_family", "cvt_family"]),
        ("nas search --data clut", ["cluttered_digits"]),
        ("nas search --objectives accuracy,lat", ["accuracy,latency"]),
        ("nas search --seed-with coatnet_0,moat_", [f"coatnet_0,moat_{i}" for i in range(5)]),
        ("nas search --budget 3 --sampler ns", ["nsga2"]),
        ("nas search --target onnx", ["onnxruntime"]),
        ("nas resume ", ["first"]),
        ("nas report ", ["first", "knee"]),
        ("nas compare first f", ["first"]),
        ("nas predict ", ["knee"]),
        ("nas evaluate k", ["knee"]),
        ("nas evaluate knee --data clut", ["cluttered_digits"]),
        ("nas evaluate knee --part t", ["test", "train"]),
        ("nas show first deit_", ["deit_b", "deit_s", "deit_ti"]),
        ("nas spaces moat_", ["moat_family", *(f"moat_{i}" for i in range(5))]),
        ("nas export first --format onnx", ["onnx", "onnx-int8"]),
        ("nas export first --pick k", ["knee"]),
        ("nas train first --recipe ", ["coatnet", "deit", "detection", "detr", "moat", "small"]),
        ("nas train first --teacher k", ["knee"]),
        ("nas resume --runs nowhere ", []),
        ("nas nothing ", list(COMMANDS)),
    ],
)
def test_names_are_offered(home: Path, offered: Callable[[str], list[str]], typed: str, among: list[str]) -> None:
    assert set(offered(typed)) == set(among)


@pytest.mark.parametrize(
    ("shell", "asked", "says"),
    [
        ("zsh", {"_TYPER_COMPLETE_ARGS": "nas sh"}, '"show":"Draw a network'),
        ("fish", {"_TYPER_COMPLETE_ARGS": "nas sh", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}, "show\tDraw a network"),
    ],
)
def test_other_shells_get_the_meanings_too(
    nas: Command, monkeypatch: pytest.MonkeyPatch, shell: str, asked: dict[str, str], says: str
) -> None:
    monkeypatch.setenv("_NAS_COMPLETE", f"source_{shell}")
    script = nas().out
    assert f"_NAS_COMPLETE=complete_{shell}" in script
    assert "nas" in script
    for name, value in (asked | {"_NAS_COMPLETE": f"complete_{shell}"}).items():
        monkeypatch.setenv(name, value)
    answer: Answer = nas()
    assert (answer.status, answer.err) == (0, "")
    assert says in answer.out


def test_a_command_that_python_starts_completes_too(home: Path) -> None:
    asked = {"_NAS_COMPLETE": "complete_bash", "COMP_WORDS": "nas resume fi", "COMP_CWORD": "2"}
    done = subprocess.run(
        [sys.executable, "-m", "nas.cli"], cwd=home, capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)} | asked,
    )  # fmt: skip
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, ["first"], "")


@pytest.fixture
def bash(home: Path) -> Callable[[str], str]:
    """Runs lines of a bash that has `nas`, and a home of its own."""
    program = home / "bin" / "nas"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\nfrom nas.cli import main\nmain()\n")
    program.chmod(0o755)
    path = {"PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}", "HOME": str(home)}
    environment = os.environ | path | {"PYTHONPATH": os.pathsep.join(sys.path)}

    def run(lines: str) -> str:
        asked = ["bash", "--norc", "-c", lines]
        done = subprocess.run(asked, cwd=home, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.mark.skipif(not shutil.which("bash"), reason="no bash here")
def test_bash_completes_by_the_script_that_is_installed(home: Path, bash: Callable[[str], str]) -> None:
    ask = 'COMP_WORDS=(nas resume fi); COMP_CWORD=2; _nas_completion nas; echo "${COMPREPLY[@]}"'
    assert bash(f'eval "$(_NAS_COMPLETE=source_bash nas)"\n{ask}') == "first\n"
    said = bash("nas --install-completion\ntrue")
    assert "completion installed in" in said
    assert bash(f"source {home}/.bashrc\n{ask}") == "first\n"
