"""Lay Python out as people do, by Black (https://black.readthedocs.io)."""

from functools import lru_cache

from black import format_str
from black.mode import Mode, TargetVersion
from black.parsing import InvalidInput

WIDTH = 88  # Black's own
MODE = Mode(line_length=WIDTH, target_versions={TargetVersion.PY311})


@lru_cache(1_000)  # as networks share most of their parts
def tidy(text: str) -> str:
    """Lay out a text of whole statements. A text that Black cannot read stays as it is."""
    try:
        return format_str(text, mode=MODE)
    except InvalidInput:
        return text
