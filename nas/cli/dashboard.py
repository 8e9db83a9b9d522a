"""nas dashboard: look at a run in optuna-dashboard, while it goes on and afterwards."""

import errno
import signal
import socketserver
import warnings
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import Annotated, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import nas
from nas.cli.options import RunName, Runs, option
from nas.cli.terminal import Terminal
from nas.errors import SettingError
from nas.record.folders import find_run
from nas.record.mirror import Mirror

HOST = "127.0.0.1"
Application = Callable[[dict[str, object], Callable[..., object]], Iterable[bytes]]


def dashboard(
    run: RunName,
    port: Annotated[int, option("N", "Its port; a free one if this is taken.", min=0, max=65_535)] = 8080,
    runs: Runs = Path("runs"),
) -> None:
    """Look at a run in optuna-dashboard, while it goes on and afterwards.

    It is served to this machine alone, over a mirror that follows the run: what is done there changes nothing in the
    run. Ctrl-C ends it.
    """
    if find_spec("optuna_dashboard") is None:
        raise SettingError("nas dashboard: optuna-dashboard is not installed: pip install 'hybrid-nas[dashboard]'")
    console, found = Terminal(), nas.Run(find_run(run, runs))
    warnings.filterwarnings("ignore", module="optuna", category=UserWarning)  # importances of few trials warn at length
    try:
        with _listening(port) as server:
            with console.doing("reading the run"):
                server.set_app(application(found))
            console.say(f"{found.name}: http://{HOST}:{server.server_port}/  (Ctrl-C ends it)")
            signal.signal(signal.SIGINT, server.end)
            server.serve_forever()
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second one would interrupt the end of libraries


def application(run: nas.Run) -> Application:
    """Make the dashboard of a run's mirror, which is brought up to date before each answer."""
    import optuna_dashboard  # an extra

    mirror = Mirror(run)
    shown: Application = optuna_dashboard.wsgi(mirror.storage)

    def answer(request: dict[str, object], start: Callable[..., object]) -> Iterable[bytes]:
        mirror.update()
        return shown(request, start)

    return answer


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True
    ended = False

    def end(self, _signal: int, _frame: FrameType | None) -> None:
        """Note Ctrl-C, as code that ignores every exception would swallow one."""
        self.ended = True

    def service_actions(self) -> None:
        """Stop between two requests."""
        if self.ended:
            raise KeyboardInterrupt

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a browser that left."""


def _listening(port: int) -> _Server:
    """Listen on a port, or on a free one if it is taken. Raises SettingError where that is not allowed."""
    try:
        return _Server((HOST, port), _Quiet)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return _listening(0)
        raise SettingError(f"--port {port}: {error.strerror}; take another") from None
