"""Decided values in people's words: `stages.2.moat.head_dim` is "moat head dim in stage 2"."""

import re

from nas.network.architecture import Decision
from nas.network.options import Scalar
from nas.report.charts import literal

ABSENT = "–"


def choice_words(name: str) -> str:
    """Name a value that a space decides, by what its name says. Raises ValueError for a text that names none."""
    found = Decision.parse(name)
    if found.part == "resolution":
        return "resolution"
    place = f"stage {found.stage}" if found.part == "stages" else found.part
    field = found.field.replace("_", " ")
    if not found.given:
        return f"{field} of {place}" if found.part == "stages" else f"{place} {field}"
    (kind,) = found.given
    return f"{kind} {field} in {place}" if found.part == "stages" else f"{place} {field} ({kind})"


def choice_label(name: str) -> str:
    """Name a decision on a chart, broken where a new thought begins, so that it takes little room."""
    return "<br>".join(literal(line) for line in re.split(r" (?=of |in |at |\()", choice_words(name)))


def value_words(value: Scalar | None) -> str:
    """Write a decided value, or a dash where there was nothing to decide."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ABSENT if value is None else str(value)
