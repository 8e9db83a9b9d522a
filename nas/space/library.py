"""Spaces and architectures by name or path, shipped with nas or in the user's own files."""

import os
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from nas.document import Document, read
from nas.errors import SpaceError
from nas.network.architecture import Architecture, Decision
from nas.network.options import Scalar
from nas.registry import suggest
from nas.space.grammar import parse_space
from nas.space.space import Domain, SearchSpace


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
        raise SpaceError(f"no search space or architecture '{name}', nor a file of that name. "
                         f"{suggest(str(name), shipped())}")  # fmt: skip
    return read(path)


def load_space(source: str | Path | Mapping[str, Any]) -> SearchSpace:
    """Load a search space from the name of a shipped one, a path, or plain data.

    Raises SpaceError, with file, line, key and remedy, for anything that breaks the grammar.
    """
    if isinstance(source, Mapping):
        return parse_space(Document(dict(source), "space"))
    return parse_space(find(source))


def load_architecture(source: str | Path | Mapping[str, Any]) -> Architecture:
    """Load an architecture from the name of a shipped network, a path, or plain data.

    Raises SpaceError for anything that breaks the grammar, and for choices instead of a value.
    """
    doc = Document(dict(source), "architecture") if isinstance(source, Mapping) else find(source)
    space = parse_space(doc)

    def refuse(name: str, values: Domain) -> Scalar:
        raise doc.error(
            Decision.parse(name).path,
            f"an architecture has one value here, found the choices {', '.join(map(str, values))}",
        )

    return space.decide(refuse)
