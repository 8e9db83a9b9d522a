"""The `nas` command in this process: what a person types, the exit status and what they read."""

import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from nas.cli import main


@dataclass(frozen=True)
class Answer:
    """What a command left behind."""

    status: int
    out: str
    err: str


Command = Callable[..., Answer]


@pytest.fixture
def nas(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs `nas` with arguments as they are typed."""

    def run(*arguments: object) -> Answer:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["nas", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capsys.readouterr()
        return Answer(int(end.value.code or 0), out, err)

    monkeypatch.setenv("COLUMNS", "200")
    return run
