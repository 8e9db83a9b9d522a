"""Commands in processes of their own, on a terminal or a pipe: what a person sees, and the exit status.

    python tests/terminals.py       reads requests from its input, a line of JSON each, and answers each with a line

It imports what is slow once, and forks a process for each command, so that dozens of commands take seconds.
"""

import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

from forks import become, import_slow


@dataclass(frozen=True)
class Asked:
    """A command to run in a folder, with more of an environment.

    Its output goes to a terminal of so many `columns` or, with 0, to a pipe, which is closed after so many bytes
    (`reads`; None: never).
    """

    words: list[str]
    folder: str
    environment: dict[str, str] = field(default_factory=dict)
    columns: int = 0
    reads: int | None = None


@dataclass(frozen=True)
class Seen:
    """What became of a command. On a terminal `out` has what goes to the standard error too."""

    status: int
    out: str
    err: str


class Terminals:
    """The process that runs commands."""

    def __init__(self) -> None:
        environment = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "NO_COLOR", "FORCE_COLOR")}
        environment |= {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1", "TERM": "xterm-256color"}
        self.process = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        env=environment, text=True)  # fmt: skip

    def run(self, asked: Asked) -> Seen:
        """Run a command to its end."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(asdict(asked)) + "\n")
        self.process.stdin.flush()
        return Seen(**json.loads(self.process.stdout.readline()))

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(60)  # a busy machine takes its time


def _serve() -> None:
    import nas.cli
    from nas.costs.counts import cost
    from nas.costs.latency import sampling
    from nas.engine import ending
    from nas.evaluation.objectives import timed
    from nas.network.build import build
    from nas.registry import BLOCKS, DATA, HEADS, OBJECTIVES, SAMPLERS, STEMS, TARGETS, TASKS
    from nas.space.library import load_architecture

    import_slow()
    for registry in (BLOCKS, STEMS, HEADS, DATA, OBJECTIVES, SAMPLERS, TASKS, TARGETS):
        for name in registry.at_hand():
            registry.get(name)
    sampling.NETWORKS, sampling.ROUNDS = 8, 1
    timed.LATENCY_SECONDS.update(dict.fromkeys(timed.LATENCY_SECONDS, 0.05))
    ending.SECONDS = 0.1
    network = load_architecture("coatnet_0")
    cost(network)
    build(network)
    for line in sys.stdin:
        print(json.dumps(asdict(_forked(Asked(**json.loads(line)), nas.cli.main))), flush=True)


def _forked(asked: Asked, main: Callable[[], object]) -> Seen:
    out, theirs = _terminal(asked.columns) if asked.columns else os.pipe()
    err, their_err = os.pipe()
    child = os.fork()
    if child == 0:
        to_read = theirs if asked.columns else os.open(os.devnull, os.O_RDONLY)
        become(partial(_run, asked, main), asked.folder, to_read, theirs, theirs if asked.columns else their_err)
    os.close(theirs)
    os.close(their_err)
    texts = _read({out: asked.reads, err: None})
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return Seen(code, texts[out].decode(errors="replace"), texts[err].decode(errors="replace"))


def _terminal(columns: int) -> tuple[int, int]:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
    return ours, theirs


def _run(asked: Asked, main: Callable[[], object]) -> None:
    os.environ.update(asked.environment)
    sys.argv = ["nas", *asked.words]
    signal.alarm(120)
    main()


def _read(limits: dict[int, int | None]) -> dict[int, bytes]:
    """Read files to their ends, or close them after so many bytes."""
    found = dict.fromkeys(limits, b"")
    left = set(limits)
    while left:
        for file in select.select(left, [], [])[0]:
            limit = limits[file]
            try:
                data = os.read(file, limit or 65536)
            except OSError:  # a terminal that nobody holds any more
                data = b""
            found[file] += data
            if not data or (limit is not None and len(found[file]) >= limit):
                left.remove(file)
                os.close(file)
    return found


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    _serve()
