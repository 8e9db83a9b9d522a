"""Spaces and architectures by name or path, shipped with nas or in the user's own files."""

import os
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from nas.document import Document, read
from nas.errors import SpaceError, brief
from nas.network.architecture import DRAWN, Architecture, Decision
from nas.network.options import Scalar
from nas.registry import nearest
from nas.settings import plain
from nas.space.grammar import parse_space
from nas.space.slot import Domain
from nas.space.space import SearchSpace


def folder() -> Path:
    """Return the folder of the shipped search spaces, inside the installed package or beside it."""
    inside = Path(str(files("nas"))) / "search_spaces"
    return inside if inside.is_dir() else inside.parent.parent / "search_spaces"


def shipped() -> dict[str, Path]:
    """Return the file of every shipped space by name: the spaces first, then the published networks."""
    paths = [*sorted(folder().glob("*.yaml")), *sorted((folder() / "references").glob("*.yaml"))]
    return {path.stem: path for path in paths}


def find(name: str | Path) -> Document:
    """Read the document of a shipped name, or at a path. Raises SpaceError where there is no such file."""
    path = Path(name)
    if str(name) in shipped():
        return read(shipped()[str(name)])
    if os.path.isdir(path):  # noqa: PTH112  (pathlib raises for names that are too long)
        raise SpaceError(f"{path} is a folder; name a YAML file in it")
    if not os.path.exists(path):  # noqa: PTH110
        near = nearest(str(name), shipped())
        hint = f"Did you mean '{near}'? " if near else ""
        raise SpaceError(f"no search space or architecture '{name}', nor a file of that name. "
                         f"{hint}nas spaces lists those that ship.")  # fmt: skip
    return read(path)


def load_space(source: str | Path | Mapping[str, Any] | SearchSpace) -> SearchSpace:
    """Load a search space from the name of a shipped one, a path, or plain data. One that is loaded stays as it is.

    Raises SpaceError, with file, line, key and remedy, for anything that breaks the grammar.
    """
    return source if isinstance(source, SearchSpace) else parse_space(_document(source, "space"))


def load_architecture(source: str | Path | Mapping[str, Any] | Architecture) -> Architecture:
    """Load an architecture from the name of a shipped network, a path, or plain data. A loaded one stays as it is.

    Raises SpaceError for anything that breaks the grammar, and for choices instead of a value.
    """
    if isinstance(source, Architecture):
        return source
    doc = _document(source, "architecture")
    space = parse_space(doc)

    def refuse(name: str, values: Domain) -> Scalar:
        raise doc.error(
            Decision.parse(name).path,
            f"an architecture has one value here, found the choices {', '.join(map(str, values))}",
        )

    return space.decide(refuse)


def _document(source: str | Path | Mapping[str, Any], what: str) -> Document:
    """Read a name, a path or plain data. Raises SpaceError for anything else."""
    if isinstance(source, Mapping):
        return Document(_as_read(plain(source)), what)
    if isinstance(source, str | os.PathLike):
        return find(plain(source))
    drawn = f", or {DRAWN}" if isinstance(source, SearchSpace) else ""
    raise SpaceError(f"{what}: found {brief(source)}; write a name, a path or plain data{drawn}")


def _as_read(value: Any) -> Any:
    """Turn tuples into lists, which a file has."""
    if isinstance(value, dict):
        return {key: _as_read(kept) for key, kept in value.items()}
    return [_as_read(kept) for kept in value] if isinstance(value, tuple) else value
