"""Facts of a run in a file of JSON of their own, which is made anew where it is gone."""

import json
from pathlib import Path

from nas import files
from nas.files import Json
from nas.record.folders import damaged
from nas.record.journal import recording


def read_facts(path: Path) -> Json:
    """Read facts, none without the file. Raises RunError for a damaged one."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8-sig"))) if path.exists() else {}
    except (OSError, ValueError, TypeError):
        raise damaged(path) from None


def write_facts(path: Path, facts: Json) -> None:
    """Write facts. Raises RunError when they cannot be written."""
    with recording(path, "make it writable, or free space"):
        files.write(path, json.dumps(facts, indent=1) + "\n")
