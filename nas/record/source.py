"""Which nas this is: the version of its package, and the commit of its source tree."""

import os
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

THIS = "nas/record/source.py"  # from the root of the source tree


def versions(packages: tuple[str, ...]) -> dict[str, str]:
    """Return the versions of the packages that are installed, as nas itself need not be."""
    found = {}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def source_commit(file: Path = Path(__file__)) -> str | None:
    """Return the commit of the source tree that nas runs from, by this file of it.

    Returns None where git is missing, and where nas lies in a folder of another project, as in its virtual environment.
    """
    if _git(file.parent, "ls-files", "--full-name", "--error-unmatch", file.name) != THIS:
        return None
    return _git(file.parent, "describe", "--always", "--dirty", "--abbrev=12") or None


def _git(folder: Path, *arguments: str) -> str:
    """Ask git, and return what it prints, nothing where it fails or is missing."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}  # a hook's repository
    try:
        asked = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True, text=True, errors="replace", check=False, env=ours, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except OSError:
        return ""
    return asked.stdout.strip() if asked.returncode == 0 else ""
