"""Names are text wherever they are printed, and can be pasted where they stand in a command."""

import io
import subprocess
from pathlib import Path

import pytest
from command import Command
from run_fixtures import empty_run, finished_run, trial

import nas as package
from nas.cli.display import Display, watch
from nas.cli.outcome import conclude
from nas.cli.terminal import Terminal, line
from nas.errors import RunError
from nas.evaluation.job import Job
from nas.evaluation.units import duration
from nas.files import quoted

NASTY = ["exp[lr=0.1]", "[bold]x[/]", "[/b]", ":star:", "a b's", "-x", "caf\udce9", "\x1b[31mred", "*", "~", ""]


def printed(**more: object) -> Terminal:
    return Terminal(file=io.StringIO(), width=200, **more)


def text(console: Terminal) -> str:
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


def test_a_name_is_printed_as_it_is() -> None:
    console = printed()
    for name in NASTY[:6]:
        console.say((name, "bold"), " ", name)
        console.print(name)
    assert text(console).splitlines() == [said for name in NASTY[:6] for said in (f"{name} {name}", name)]


def test_control_characters_do_not_steer_the_terminal() -> None:
    assert line("\x1b[31mred", ("\udce9\n", "bold")).plain == "\\x1b[31mred\\xe9\n"


@pytest.mark.parametrize("name", NASTY)
def test_a_quoted_name_is_one_word_to_a_shell(name: str) -> None:
    said = subprocess.run(["bash", "-c", f"printf %s {quoted(name)}"], capture_output=True, check=True).stdout
    assert said == (b"./-x" if name == "-x" else name.encode(errors="surrogateescape"))
    assert not quoted(name).startswith("-")


def test_the_end_of_a_run_names_what_there_is_and_quotes_what_to_type(tmp_path: Path) -> None:
    run, console = finished_run(tmp_path / "a b[lr=0.1]", complete=3, data="image_folder:my photos"), printed()
    package.write_report(run)
    conclude(console, run)
    said = text(console)
    assert f"\n  best    {run.folder}/best.yaml\n" in said
    assert f"\nNext:  nas show '{run.folder}/best.yaml'\n" in said
    assert f"nas train '{run.folder}' --data 'image_folder:my photos' --name NAME\n" in said


@pytest.mark.parametrize(
    ("failed", "rejected", "says"),
    [(0, 0, ""), (2, 0, ", 2 failed"), (0, 3, ", 3 rejected"), (2, 3, ", 2 failed, 3 rejected")],
)
def test_the_end_of_a_run_counts_what_did_not_come_through(
    tmp_path: Path, failed: int, rejected: int, says: str
) -> None:
    run, console = finished_run(tmp_path / "a", complete=3, failed=failed, rejected=rejected), printed()
    conclude(console, run)
    some = f"3 of {3 + failed}" if failed else "3"
    trained = f"a: {some} architectures trained in {duration(run.elapsed)}{says}; "
    assert f"{trained}{len(run.front())} on the Pareto front\n" in text(console)


def test_a_live_picture_shows_names_as_they_are(tmp_path: Path) -> None:
    run = finished_run(tmp_path / "a", complete=2)
    display = Display(printed(force_terminal=True, _environ={"TERM": "xterm"}))
    job = Job(0, run.trials[0].architecture, 0, purpose="measure", asked=("[/b]",))
    display.began(job, run)
    console = printed()
    console.print(display.live.get_renderable())
    assert "measuring [/b] in full" in text(console)
    assert "★" in text(console)


def test_a_search_that_found_nothing_says_why_and_names_no_file_that_is_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], nas: Command
) -> None:
    run = empty_run(tmp_path / "a")
    run.append(trial(run, 0, "rejected", reason="params is 9, over the limit"))
    run.append(trial(run, 1, "failed"))
    package.write_report(run)
    reason = "nothing came of it: of 2 trials 1 rejected, 1 failed; "
    reason += "the first, trial 1, failed: the loss became nan in epoch 2"
    with pytest.raises(RunError, match=reason):
        watch(lambda watcher: run)
    said = capsys.readouterr().out
    assert "report.html" in said
    assert "best.yaml" not in said
    assert "Next:" not in said
    answer = nas("report", tmp_path / "a")
    assert (answer.status, reason in answer.err) == (0, True)


@pytest.mark.parametrize("columns", ["0", "1", "x"])
def test_a_terminal_of_no_width_is_not_believed(nas: Command, monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert "cvt_family" in nas("spaces").out


def test_no_other_console_prints() -> None:
    """Markup in a name is a traceback of rich's, so that only the one console may be made."""
    files = [path for path in Path(package.__file__).parent.rglob("*.py") if path.name != "terminal.py"]
    assert [str(path) for path in files if "rich.markup" in (code := path.read_text()) or " Console(" in code] == []
