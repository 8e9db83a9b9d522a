"""What Ray stands on, looked at beforehand and without Ray: an address that answers, a folder and shared memory."""

import os
import re
import socket
import sys
import tempfile
from pathlib import Path

from nas.costs.machine import shares_memory
from nas.errors import SettingError

PATIENCE = 5.0  # seconds for a cluster to answer
SOCKETS = 72  # bytes of a path that Ray adds: /ray/session_2026-11-26_21-42-24_189065_1234567/sockets/plasma_store.1
LAST_PORT = 65535
LONGEST = 107 if sys.platform == "linux" else 103  # bytes that the path of a Unix socket may have
GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"  # HTTP/2's, with empty settings
SETTINGS = b"\4\0\0\0\0\0"  # from the fourth byte of the answer that gRPC gives


def split_address(address: str, flag: str) -> tuple[str, int]:
    """Return the host and the port of `host:port` or `ray://host:port`. Raises SettingError for other texts."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not re.fullmatch(r"[\w.:%-]+", host) or not re.fullmatch("[0-9]{1,5}", port) or not 0 < int(port) <= LAST_PORT:
        raise SettingError(f"{flag}: write host:port, such as 10.0.0.1:6379, or auto for the cluster on this machine")
    return host, int(port)


def check_address(address: str, flag: str) -> None:
    """Raise SettingError when no gRPC server, as each Ray cluster has one, answers at the address."""
    host, port = split_address(address, flag)
    try:
        with socket.create_connection((host, port), timeout=PATIENCE) as line:
            if os.environ.get("RAY_USE_TLS", "0") != "1":
                _greet(line)
    except (OSError, UnicodeError) as error:
        raise no_answer(flag, f"{host}:{port}: {getattr(error, 'strerror', None) or error}") from None


def no_answer(flag: str, cause: str) -> SettingError:
    """The error for an address at which no cluster is."""
    return SettingError(f"{flag}: no Ray cluster answers ({cause}). Start one with: ray start --head")


def _greet(line: socket.socket) -> None:
    """Raise OSError where what listens speaks no HTTP/2."""
    line.sendall(GREETING)
    answer = b""
    while len(answer) < 9:  # the head of a frame
        part = line.recv(9 - len(answer))
        if not part:
            break
        answer += part
    if answer[3:5] != SETTINGS[:2]:
        raise OSError("what listens there is not Ray")


def ray_folder() -> Path:
    """Return the folder for Ray's files: the first that takes a file and leaves a socket's path its length.

    Raises SettingError when there is none, or no shared memory.
    """
    if not shares_memory():
        raise SettingError("workers: Ray, which runs several, needs shared memory, and /dev/shm is missing or closed "
                           "to you; write --workers 1")  # fmt: skip
    folders = [os.environ.get(name, "") for name in ("RAY_TMPDIR", "TMPDIR", "TEMP", "TMP")]
    tried = [folder for folder in (*folders, "/tmp", "/var/tmp", "/dev/shm") if folder]
    for folder in map(Path, tried):
        if len(os.fsencode(folder.absolute())) + SOCKETS <= LONGEST and _takes_files(folder):
            return folder.absolute()
    raise SettingError(f"workers: Ray, which runs several, needs a folder for its files, whose path has at most "
                       f"{LONGEST - SOCKETS} bytes, and cannot write to any of {', '.join(dict.fromkeys(tried))}; "
                       "name another with TMPDIR, or write --workers 1")  # fmt: skip


def _takes_files(folder: Path) -> bool:
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"0" * 4096)
    except OSError:
        return False
    return True
