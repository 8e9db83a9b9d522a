"""Files that are not what their name says: noise, pages, pickles that would run code, and files cut short."""

import io
import pickle
import random
from collections.abc import Iterator
from pathlib import Path

import torch


class Payload:
    """Unpickled, it makes a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (self.marker,)  # type: ignore[return-value]


def pickled(marker: Path) -> bytes:
    """A pickle that makes a file."""
    return pickle.dumps(Payload(marker))


def saved(marker: Path) -> bytes:
    """The same as torch.save writes it."""
    file = io.BytesIO()
    torch.save({"weight": Payload(marker)}, file)
    return file.getvalue()


def hostile(good: bytes, marker: Path) -> Iterator[tuple[str, bytes]]:
    """Yield names and contents, none of which is a good file; opening one must not make `marker`."""
    yield "empty", b""
    yield "a page", b"<!DOCTYPE html><html><body>404 Not Found</body></html>"
    yield "a pickle", pickled(marker)
    yield "a torch file", saved(marker)
    for seed in range(3):
        yield f"noise {seed}", random.Random(seed).randbytes(1000)
    for share in (0.01, 0.1, 0.3, 0.5, 0.8, 0.99):
        yield f"cut at {share}", good[: int(len(good) * share)]
    yield "the last byte missing", good[:-1]
