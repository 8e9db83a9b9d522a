"""What a person reads who asks for help."""

import inspect
import re

import pytest
from command import Command

from nas.cli import COMMANDS as LINES
from nas.cli.search import search
from nas.config import SearchConfig, parse_budget
from nas.training.recipe import Recipe

GROUP = ("latency", "latency collect", "latency fit")
COMMANDS = ("", *(command for command in LINES if command != "latency"), *GROUP)


@pytest.mark.parametrize("command", COMMANDS)
def test_in_a_terminal_of_a_hundred_columns_a_meaning_takes_a_line(
    nas: Command, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """What stands below an option's line is its default, whole."""
    monkeypatch.setenv("COLUMNS", "100")
    answer = nas(*command.split(), "--help")
    assert answer.status == 0
    rows = [row.strip("│ ") for row in answer.out.splitlines() if row.startswith("│")]
    assert rows
    below = [row for row in rows if not re.match(r"(\* +)?(-|[a-z]+ {2}|[A-Z|]+ {2})", row)]
    assert not [row for row in below if not re.fullmatch(r"\[default: [^]]*\]", row)]


def test_the_defaults_in_the_help_are_those_of_a_search() -> None:
    shown = {name: parameter.default for name, parameter in inspect.signature(search).parameters.items()}
    own = dict(SearchConfig())
    decided = ("space", "data", "objectives", *Recipe.model_fields)  # by the task
    decided += ("latency_batch", "threads", "dtype")  # by a device's file
    assert not any(shown.pop(name, None) for name in decided)
    shown |= {"budget": parse_budget(shown["budget"])}
    assert shown.keys() - own.keys() == {"as_json", "name", "runs"}
    assert {n: v or None for n, v in shown.items() if n in own} == {n: own[n] or None for n in shown if n in own}


@pytest.mark.parametrize("command", [command for command in LINES if command != "latency"])
def test_the_list_of_commands_says_what_a_command_says_of_itself(nas: Command, command: str) -> None:
    line = LINES[command][1]
    assert line in nas("--help").out
    assert line in nas(command, "--help").out


@pytest.mark.parametrize("command", ["search", "calibrate"])
def test_a_default_that_the_task_decides_says_so(nas: Command, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    words = nas(command, "--help").out
    assert re.search(r"--space +NAME|FILE +The search space; see nas spaces.", words)
    assert "[default: (cvt_family; detr_family for detection)]" in words
    assert "[default: (cluttered_digits; digit_scenes for detection)]" in words
    assert re.search(r"--epochs .*\[default: \(1; 2 for detection\)\]", words)


@pytest.mark.parametrize(
    ("command", "row"),
    [
        ("latency collect", r"--batch .*\[default: \(1\)\]"),  # there is no file yet
        ("profile", r"--batch .*\n.*\[default: \(as in the search or file, or 1\)\]"),
        ("search", r"--latency-batch .*\[default: \(1 or the file's\)\]"),
    ],
)
def test_images_at_once_have_the_default_of_their_command(
    nas: Command, monkeypatch: pytest.MonkeyPatch, command: str, row: str
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    assert re.search(row, nas(*command.split(), "--help").out)
