"""Commands in processes of their own that begin at once: real ones, to be waited for, signalled and killed.

    python tests/forks.py       reads requests from its input, a line of JSON each, and answers each with a line

It imports what is slow once, and forks a process for each command, the leader of a session of its own.
"""

import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import NoReturn

IMPORTED = (
    "torch", "torch._dynamo", "optuna", "pandas", "plotly.graph_objects", "plotly.io", "scipy.stats",
    "kornia.augmentation",
    "sklearn.ensemble", "nas.cli.display", "nas.cli.predicting", "nas.cli.showing", "nas.cli.training",
    "nas.engine.search", "nas.engine.train", "nas.evaluation.evaluator", "nas.evaluation.objectives.timed",
    "nas.report.page", "nas.report.training_page",
)  # fmt: skip


def import_slow() -> None:
    """Load what commands take seconds to import, in one thread."""
    for name in IMPORTED:
        importlib.import_module(name)
    import plotly.graph_objects as go
    import torch

    go.Figure(go.Scatter(x=[0], y=[0]), {"template": "plotly"}).to_json()  # plotly imports its parts as they are used
    torch.set_num_threads(1)


class Forked:
    """A call of `nas.cli:main`, or of another function with the words, as `subprocess.Popen` would run it."""

    def __init__(
        self, words: list[str], folder: Path, call: str = "nas.cli:main", environment: Mapping[str, str] = os.environ
    ) -> None:
        self.kept = tempfile.TemporaryDirectory(prefix="forked-")
        self.out, self.err = (Path(self.kept.name, name) for name in ("out", "err"))
        self.args, self.returncode = words, None
        known = {"COLUMNS": "300", **environment}
        self.pid = _asked(["begin", call, words, str(folder), str(self.out), str(self.err), known])

    def poll(self) -> int | None:
        """Return the exit status, or None while it runs."""
        if self.returncode is None:
            self.returncode = _asked(["poll", self.pid])
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal to it alone."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it."""
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout: float = 300) -> int:
        """Wait for its end, and return the exit status."""
        end = time.monotonic() + timeout
        while (status := self.poll()) is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired(self.args, timeout)
            time.sleep(0.01)
        return status

    def communicate(self, timeout: float = 300) -> tuple[str, str]:
        """Wait for its end, and return what it printed."""
        self.wait(timeout)
        return self.out.read_text(), self.err.read_text()


def script(code: str) -> None:
    """Run the text of a program."""
    exec(code, {"__name__": "__main__"})


@cache
def _server() -> "subprocess.Popen[str]":
    """The process that forks. It ends with this one, as nothing writes to it any more."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    return subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            env=environment | {"OMP_NUM_THREADS": "1"}, text=True)  # fmt: skip


def _asked(request: list[object]) -> int | None:
    server = _server()
    assert server.stdin
    assert server.stdout
    server.stdin.write(json.dumps(request) + "\n")
    server.stdin.flush()
    answer: int | None = json.loads(server.stdout.readline())
    return answer


def _serve() -> None:
    import_slow()
    for line in sys.stdin:
        kind, *given = json.loads(line)
        print(json.dumps(_poll(*given) if kind == "poll" else _begin(*given)), flush=True)


def _poll(child: int) -> int | None:
    found, status = os.waitpid(child, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


def _begin(call: str, words: list[str], folder: str, out: str, err: str, environment: dict[str, str]) -> int:
    files = [os.open(os.devnull, os.O_RDONLY), *(os.open(name, os.O_WRONLY | os.O_CREAT) for name in (out, err))]
    child = os.fork()
    if child == 0:
        become(partial(_run, call, words, environment), folder, *files)
    for file in files:
        os.close(file)
    return child


def _run(call: str, words: list[str], environment: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    module, _, function = call.partition(":")
    sys.argv = ["nas", *words]
    getattr(importlib.import_module(module), function)(*([] if call == "nas.cli:main" else words))


def become(run: Callable[[], object], folder: str, *files: int) -> NoReturn:
    """Make this process lead a session of its own in a folder, with three files to read and write, run, and end."""
    status = 70
    try:
        os.setsid()
        os.chdir(folder)
        for number, file in enumerate(files):
            os.dup2(file, number)
        os.closerange(3, 256)
        sys.stdin, sys.stdout, sys.stderr = (open(i, "rw"[i > 0], closefd=False) for i in range(3))  # noqa: SIM115
        run()
        status = 0
    except SystemExit as end:
        status = int(end.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(status)


if __name__ == "__main__":
    _serve()
