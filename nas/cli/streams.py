"""Standard output and error that never raise: what a terminal cannot show is spelt, what nobody reads is dropped."""

import codecs
import io
import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TextIO

from nas.files import readable

SIGNS = {"★": "*", "±": "+-", "–": "-", "°": "deg", "…": "...", "→": "->", "×": "x", "µ": "u"}
BARS = dict(zip("▁▂▃▄▅▆▇█", "_.:-=+*#", strict=True))
LINES = {"─": "-", "━": "-", "═": "=", "╸": "-", "╺": "-", "│": "|", "┃": "|", "║": "|"}
SPELT = "nas.spelt"


class Raw(Protocol):
    """Where the bytes of a stream go."""

    def write(self, data: Any, /) -> int | None: ...
    def isatty(self) -> bool: ...
    def fileno(self) -> int: ...


class Steady(io.RawIOBase):
    """Bytes on their way to `below`, which are dropped once it takes no more; `failure` says why."""

    def __init__(self, below: Raw) -> None:
        super().__init__()
        self.below, self.failure = below, None

    failure: OSError | ValueError | None

    def write(self, data: Any, /) -> int:
        """Write all of the data, or what can be written."""
        rest = memoryview(data).cast("B")
        try:
            while rest and self.failure is None:
                taken = self.below.write(rest)
                if taken is None:  # a pipe that does not block is full
                    select.select([], [self.below.fileno()], [])
                rest = rest[taken or 0 :]
        except (OSError, ValueError) as error:  # a closed one raises ValueError
            self.failure = error
        return len(data)

    def writable(self) -> bool:
        """Return True."""
        return True

    def isatty(self) -> bool:
        """Tell whether `below` is a terminal, which a closed one is not."""
        try:
            return self.below.isatty()
        except ValueError:
            return False

    def fileno(self) -> int:
        """Return the number of the file below."""
        return self.below.fileno()


@contextmanager
def steady_streams() -> Iterator[None]:
    """Make sys.stdout and sys.stderr steady within the block.

    Where not all of the output could be written, though its reader did not leave, this is said at the end and makes the
    exit status 1.
    """
    codecs.register_error(SPELT, _spelt)
    before, made = (sys.stdout, sys.stderr), [_steadied(sys.stdout), _steadied(sys.stderr)]
    sys.stdout, sys.stderr = (stream for stream, _ in made)
    try:
        yield
    finally:
        status = sys.exception()
        for stream, _ in made:
            stream.flush()
        failure = made[0][1].failure if made[0][1] else None
        if failure and not isinstance(failure, BrokenPipeError):
            print(f"error: not all output could be written ({_reason(failure)})", file=sys.stderr)  # noqa: T201
            sys.stderr.flush()
        sys.stdout, sys.stderr = before
        if failure and not isinstance(failure, BrokenPipeError) and not getattr(status, "code", 1):
            raise SystemExit(1)


def _reason(failure: OSError | ValueError) -> str:
    return getattr(failure, "strerror", None) or str(failure)


def _steadied(stream: TextIO | None) -> tuple[TextIO, Steady | None]:
    """Return the stream made steady, or one to nowhere in place of one that was closed from the beginning."""
    if stream is None:
        while (file := os.open(os.devnull, os.O_RDWR)) <= 2:  # no other file gets a stream's number
            pass
        return open(file, "w", encoding="utf-8", errors=SPELT), None  # noqa: PTH123
    buffer = getattr(stream, "buffer", None)
    if buffer is None:
        return stream, None
    stream.flush()
    steady, at_once = Steady(getattr(buffer, "raw", buffer)), getattr(stream, "line_buffering", True)
    return io.TextIOWrapper(io.BufferedWriter(steady), stream.encoding, SPELT, line_buffering=at_once), steady


def _spelt(error: UnicodeError) -> tuple[str, int]:
    """Spell what an encoding lacks: a star as `*`, lines as `-` and `|`, letters and bytes by their numbers."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_spell, error.object[error.start : error.end])), error.end


def _spell(sign: str) -> str:
    """Spell a sign in ASCII: `★` as `*`, `┌` as `+`, `é` as `\\xe9`, a byte that is no text as `\\xff`."""
    if known := SIGNS.get(sign) or LINES.get(sign) or BARS.get(sign):
        return known
    if "\u2500" <= sign <= "\u257f":
        return "+"
    return readable(sign).encode("ascii", "backslashreplace").decode()
