"""Output that nothing ends: encodings that lack a sign, readers that left, a full disk, a stream that was closed."""

import io
import os
import sys
import threading

import pytest

from nas.cli.streams import Steady, steady_streams


class Target(io.BytesIO):
    """Takes so many bytes, and then fails."""

    def __init__(self, room: int = 1000, error: OSError | None = None) -> None:
        super().__init__()
        self.room, self.error = room, error

    def write(self, data: memoryview, /) -> int:  # type: ignore[override]
        if self.tell() + len(data) > self.room and self.error:
            raise self.error
        return super().write(data)


def run(out: io.BytesIO, encoding: str, text: str, monkeypatch: pytest.MonkeyPatch) -> tuple[object, str]:
    """Print a text as a command that succeeds. Returns its exit status and what is on the standard error."""
    err = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out, encoding))
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(err, encoding))
    with pytest.raises(SystemExit) as end:
        _succeed(text)
    return end.value.code, err.getvalue().decode()


def _succeed(text: str) -> None:
    with steady_streams():
        print(text)
        sys.stdout.flush()
        print(text)
        sys.exit(0)


@pytest.mark.parametrize(
    ("encoding", "spelt"),
    [
        ("ascii", "* knee +- 2 -+-|caf\\xe9 \\xff"),
        ("latin-1", "* knee ± 2 -+-|café \\xff"),
        ("cp1252", "* knee ± 2 -+-|café \\xff"),
        ("utf-8", "★ knee ± 2 ─┼─│café \\xff"),
    ],
)
def test_what_an_encoding_lacks_is_spelt(monkeypatch: pytest.MonkeyPatch, encoding: str, spelt: str) -> None:
    out = Target()
    assert run(out, encoding, "★ knee ± 2 ─┼─│café \udcff", monkeypatch) == (0, "")
    assert out.getvalue().decode(encoding) == f"{spelt}\n" * 2


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (BrokenPipeError(32, "Broken pipe"), 0, ""),
        (OSError(28, "No space left on device"), 1,
         "error: not all output could be written (No space left on device)\n"),
    ],
)  # fmt: skip
def test_output_that_is_not_taken_ends_nothing(
    monkeypatch: pytest.MonkeyPatch, error: OSError, status: int, said: str
) -> None:
    out = Target(room=6, error=error)
    assert run(out, "utf-8", "hello", monkeypatch) == (status, said)
    assert out.getvalue() == b"hello\n"


def test_a_stream_that_was_closed_from_the_beginning_goes_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(SystemExit) as end:
        _succeed("\udcff ★")
    assert end.value.code == 0
    assert sys.stdout is None


def test_a_full_pipe_that_does_not_block_is_waited_for() -> None:
    read, write = os.pipe()
    os.set_blocking(write, False)
    size = 1 << 20
    taken = []
    with os.fdopen(read, "rb") as reader, os.fdopen(write, "wb", buffering=0) as raw:
        thread = threading.Thread(target=lambda: taken.append(len(reader.read(size))))
        thread.start()
        assert Steady(raw).write(b"x" * size) == size
        thread.join()
    assert taken == [size]


def test_a_closed_stream_is_no_terminal() -> None:
    below = io.BytesIO()
    below.close()
    assert not Steady(below).isatty()
