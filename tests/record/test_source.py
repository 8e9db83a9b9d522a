"""The commit that a run names is that of nas, and of no project around it."""

import shutil
import subprocess
from pathlib import Path

import pytest

from nas.record.source import THIS, source_commit, versions


def repository(root: Path, file: str) -> Path:
    """Make a repository with one commit of one file."""
    path = root / file
    path.parent.mkdir(parents=True)
    path.write_text("")
    for words in (["init", "-q"], ["add", "-A"], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "a"]):
        subprocess.run(["git", "-C", str(root), *words], check=True)
    return path


@pytest.mark.skipif(not shutil.which("git"), reason="needs git")
def test_the_commit_is_that_of_the_source_tree_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = repository(tmp_path / "own", THIS)
    commit = source_commit(own)
    assert commit
    assert len(commit) == 12
    committed = repository(tmp_path / "kept", f".venv/lib/{THIS}")
    assert source_commit(committed) is None
    beside = committed.with_name("ignored.py")
    beside.write_text("")
    assert source_commit(beside) is None
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "kept" / ".git"))
    assert source_commit(own) == commit
    own.write_text("changed")
    assert source_commit(own) == f"{commit}-dirty"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert source_commit(own) is None


def test_a_package_that_is_not_installed_has_no_version() -> None:
    assert set(versions(("torch", "nothing-so-called"))) == {"torch"}
