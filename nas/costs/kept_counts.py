"""Counts kept in the cache folder, a line for each piece, so that another process need not run the piece again.

They hold for the torch and for the source of the package that counted them. Pieces of kinds from outside the package
are not kept, as their source may change unseen.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path

from nas.files import cache_folder
from nas.network.pieces import Piece
from nas.registry import BLOCKS, HEADS, STEMS, Registry

Numbers = tuple[int, ...]
NUMBERS, LARGEST = 4, 2**63  # of a piece, as many as a Count has; beyond the numbers that there are
COUNTING = ("network/**/*.py", "costs/*.py")
TIMING = ("network/**/*.py", "costs/**/*.py")
"""The source that counts of pieces depend on, and that which times do."""
REGISTRIES: dict[str, Registry] = {"stem": STEMS, "block": BLOCKS, "head": HEADS}


@dataclass(frozen=True)
class Ledger:
    """A file of counts by piece, read once; lines that other processes write later are missed, none is lost."""

    file: Path
    known: dict[str, Numbers] = field(default_factory=dict)

    def find(self, piece: Piece) -> Numbers | None:
        """Return the numbers kept of a piece, or None."""
        return self.known.get(repr(piece))

    def keep(self, piece: Piece, numbers: Numbers) -> None:
        """Keep the numbers of a piece, in the file too if that can be written."""
        self.known[repr(piece)] = numbers
        line = json.dumps([repr(piece), *numbers]) + "\n"
        with suppress(OSError):
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with self.file.open("ab", buffering=0) as stream:  # one write, so that processes do not mix lines
                stream.write(line.encode())


def ledger() -> Ledger:
    """Return the ledger of the cache folder."""
    return _opened(cache_folder())


def lasting(piece: Piece) -> bool:
    """Tell whether a piece is of a kind of this package."""
    kind = REGISTRIES[piece.part].get(piece.kind)
    return str(getattr(kind, "__module__", "")).startswith("nas.")


@cache
def _opened(folder: Path) -> Ledger:
    file = folder / "counts" / f"{source_digest(*COUNTING)}.jsonl"
    return Ledger(file, dict(_read(file)))


def _read(file: Path) -> Iterator[tuple[str, Numbers]]:
    """Read the lines that are whole."""
    with suppress(OSError):
        for line in file.read_bytes().splitlines():
            with suppress(ValueError, RecursionError):
                match json.loads(line):
                    case [str(name), *numbers] if len(numbers) == NUMBERS and all(map(_is_number, numbers)):
                        yield name, tuple(numbers)


def _is_number(value: object) -> bool:
    return type(value) is int and 0 <= value < LARGEST


@cache
def source_digest(*patterns: str) -> str:
    """Digest what is kept depends on: torch, and the source of the package in files of these patterns."""
    root = Path(__file__).parents[1]
    digest = hashlib.sha256(version("torch").encode())
    for path in sorted({path for pattern in patterns for path in root.glob(pattern)}):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
