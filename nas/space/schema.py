"""The schema of a space file: its keys, and for each a value, a list of choices or a range.

The grammar checks that the kinds and options exist and fit.
"""

import re
from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import ErrorDetails

from nas.document import Document, Key, unspaced
from nas.errors import LONGEST, SpaceError, brief
from nas.files import NO_TEXT, Json
from nas.network.options import Scalar
from nas.registry import BLOCKS, nearest, suggest

T = TypeVar("T")
MAX_CHOICES = 1000
BRIEF = 40  # characters of a value in a message
SPAN = re.compile(r"(\d+) ?(?:-|–|\.\.+|:|to) ?(\d+)")  # what people write for a range
ANY = "any"  # as a block, stands for every registered kind
NEEDED = {
    "int_type": "a whole number is needed",
    "string_type": "a word is needed",
    "bool_type": "a number, a word or true/false is needed",  # the first of what an option may be
    "list_type": "a list is needed",
    "model_type": "a mapping is needed here",
    "dict_type": "a mapping is needed here, such as blocks: {{mbconv: {{expansion: [2, 4]}}}}",
    "literal_error": "{expected} is needed",
    "greater_than_equal": "at least {ge} is needed",
    "less_than_equal": "at most {le} is allowed",
    "too_short": "at least {min_length} item is needed",
    "too_long": "at most {max_length} items are allowed",
    "string_too_short": "at least {min_length} character is needed",
    "string_too_long": "at most {max_length} characters are allowed",
}
"""What is allowed where pydantic finds an error of a type."""
SUCH = {
    "stem": ", such as {kind: conv, width: 32}",
    "stages": ", such as {block: conv, depth: 2, width: 64, stride: 2}",
    "head": ", such as {kind: pool}",
}
"""An example of a part's mapping."""


def _choices(value: Any) -> Any:
    """Turn a scalar, a list of choices or a range into the tuple of its values."""
    values = _range(value) if isinstance(value, dict) else value
    values = values if isinstance(values, list) else [values]
    if not values:
        raise ValueError("an empty list offers no choice")
    if len(values) > MAX_CHOICES:
        raise ValueError(f"more than {MAX_CHOICES} choices")
    if not all(isinstance(v, Hashable) for v in values):
        raise ValueError("a choice must be a single number, word or true/false, not a list or a mapping")
    counted = Counter((isinstance(v, bool), v) for v in values)  # 4 and 4.0 are the same number, 1 and true are not
    if twice := [value for (_, value), count in counted.items() if count > 1]:
        raise ValueError(f"the choice {shown(twice[0])} is written twice")
    return tuple(values)


def _range(value: Json) -> list[Any]:
    """List the values of `{from: a, to: b, step: c}`, both ends included."""
    unknown = [name for name in value if name not in ("from", "to", "step")]
    if unknown or not {"from", "to"} <= set(value):
        why = f"'{unknown[0]}' is no key of a range, which" if unknown else "a range"
        raise ValueError(f"{why} is written {{from: 1, to: 4, step: 1}}")
    start, stop, step = value["from"], value["to"], value.get("step", 1)
    if not all(isinstance(v, int) and not isinstance(v, bool) for v in (start, stop, step)):
        raise ValueError("the ends and the step of a range are whole numbers")
    if step < 1 or stop < start:
        raise ValueError("a range goes upwards: 'to' is at least 'from' and 'step' at least 1")
    if (stop - start) // step >= MAX_CHOICES:
        raise ValueError(f"more than {MAX_CHOICES} choices")
    return list(range(start, stop + 1, step))


def _whole(value: Any) -> Any:
    """Refuse what equals a number of a Literal and is none, such as 2.0 and true."""
    if isinstance(value, float | bool):
        raise ValueError("write a whole number")
    return value


Choices = Annotated[tuple[T, ...], BeforeValidator(_choices)]
Kinds = Choices[str]
Widths = Choices[Annotated[int, Field(ge=1, le=8192)]]
Depths = Choices[Annotated[int, Field(ge=0, le=64)]]
Strides = Choices[Annotated[Literal[1, 2], BeforeValidator(_whole)]]
Sides = Choices[Annotated[int, Field(ge=4, le=2048)]]
Values = Choices[Scalar]
KindOptions = dict[str, dict[str, Values]]


class PartKeys(BaseModel):
    """The keys of a part, beside which it may have options of any of its kinds."""

    model_config = ConfigDict(strict=True, extra="allow", frozen=True)
    __pydantic_extra__: dict[str, Values]


class StemKeys(PartKeys):
    """The keys of the stem."""

    kind: Kinds
    width: Widths


class StageKeys(PartKeys):
    """The keys of a stage, blocks of one kind and width."""

    block: Kinds
    depth: Depths
    width: Widths
    stride: Strides
    blocks: KindOptions = {}

    @field_validator("block")
    @classmethod
    def _any(cls, kinds: tuple[str, ...]) -> tuple[str, ...]:
        if ANY in kinds[1:] or kinds[:-1] == (ANY,):
            raise ValueError(f"'{ANY}' offers every block; write it alone")
        return tuple(BLOCKS.names()) if kinds == (ANY,) else kinds

    @field_validator("depth")
    @classmethod
    def _present(cls, depths: tuple[int, ...]) -> tuple[int, ...]:
        if not any(depths):
            raise ValueError("a stage needs a depth of at least 1; [0, 2] makes a stage that may be left out")
        return depths


class HeadKeys(PartKeys):
    """The keys of the head."""

    kind: Kinds = ("pool",)


class SpaceFile(BaseModel):
    """The keys of a whole file. `blocks` holds options by kind of block, for every stage that offers it."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)
    name: Annotated[str, Field(min_length=1, max_length=100)] = "unnamed"
    resolution: Sides = (224,)
    channels: Annotated[int, Field(ge=1, le=1024)] = 3
    classes: Annotated[int, Field(ge=1, le=100_000)] = 1000
    stem: StemKeys
    stages: Annotated[list[StageKeys], Field(min_length=1, max_length=32)]
    blocks: KindOptions = {}
    head: HeadKeys = Field(default_factory=lambda: HeadKeys.model_validate({}))

    @field_validator("name")
    @classmethod
    def _one_line(cls, name: str) -> str:
        """Refuse a name that tables and commands would not give back."""
        if name != name.strip() or NO_TEXT.search(name) or len(name.splitlines()) > 1:
            raise ValueError("a name is one line, without blanks at its ends, tabs or control characters")
        return name


KNOWN = {**StemKeys.model_fields, **StageKeys.model_fields, **SpaceFile.model_fields}
SINGLE = (("name",), ("channels",), ("classes",))  # what no range can vary


def fields(doc: Document) -> SpaceFile:
    """Read the fields of a document. Raises SpaceError for the first one missing, unknown or of the wrong type."""
    if doc.value is None:
        raise doc.error((), "empty; write at least 'name', 'stem' and 'stages'")
    if not isinstance(doc.value, dict):
        slip = unspaced(doc.value) if isinstance(doc.value, str) else None
        raise doc.error((), slip or "a search space is a mapping with the keys name, stem, stages, head")
    try:
        return SpaceFile.model_validate(doc.value)
    except ValidationError as error:
        raise _explain(doc, error) from None


def _explain(doc: Document, error: ValidationError) -> SpaceError:
    """Turn the first pydantic error into one sentence for a person."""
    first = _first(error)
    key = _existing(doc.value, first["loc"])
    message, found = first["msg"].removeprefix("Value error, "), first["input"]
    if first["type"] in NEEDED:
        message = NEEDED[first["type"]].format(**first.get("ctx", {}))
    if first["type"] == "missing":
        return _missing(doc, key, str(first["loc"][-1]), found)
    if isinstance(found, dict) and key and key[-1] in BLOCKS.names() and "blocks" not in key:
        where = " of its stage or of the file" if key[0] == "stages" else ""
        return doc.error(key, f"the options of a block lie in 'blocks'{where}: blocks: {{{key[-1]}: {shown(found)}}}")
    if first["type"] == "extra_forbidden":
        return doc.error(
            key, f"unknown key '{first['loc'][-1]}'. {suggest(str(first['loc'][-1]), SpaceFile.model_fields)}"
        )
    if first["type"] == "model_type":
        message += SUCH.get(str(first["loc"][0]), "")
    if key[:1] == ("resolution",) and first["type"].endswith("_than_equal"):
        message += "; a side is 4 to 2048 pixels"
    if key[-1:] not in SINGLE:
        message += span(found)
    if first["type"] == "int_type" and isinstance(found, float) and found.is_integer():
        message += f"; write {found:.0f}"
    if first["type"] in ("model_type", "dict_type") and isinstance(found, str) and (slip := unspaced(found)):
        return doc.error(key, slip)
    return doc.error(key, f"found {shown(found)}: {message}")


def _first(error: ValidationError) -> ErrorDetails:
    """Return the first error, before a key that is missing one that nobody knows, and that stands for none."""
    first, *others = error.errors(include_url=False)
    strays = (e for e in others if e["type"] == "extra_forbidden" and not nearest(str(e["loc"][-1]), KNOWN))
    return next(strays, first) if first["type"] == "missing" else first


def span(found: Any) -> str:
    """Say how a range is written, after what is wrong with a text such as `2-4`; of anything else nothing."""
    ends = SPAN.fullmatch(found.strip()) if isinstance(found, str) else None
    if not ends:
        return ""
    low, high = sorted(map(int, ends.groups()))
    return f"; a range is written {{from: {low}, to: {high}}}, a choice [{low}, {high}]"


def _missing(doc: Document, key: Key, name: str, part: Json) -> SpaceError:
    """Say that a part lacks a key, and which of those that it has may stand for it."""
    near = nearest(name, (found for found in map(str, part) if found not in KNOWN and nearest(found, KNOWN) == name))
    if not near:
        return doc.error(key, f"the key '{name}' is missing")
    keys: type[BaseModel] = SpaceFile if not key else StemKeys if key == ("stem",) else StageKeys
    allowed = ", ".join(keys.model_fields) + (" and the options of its kinds" if key else "")
    return doc.error((*key, near), f"unknown key '{near}'. Did you mean '{name}'? Allowed: {allowed}.")


def shown(found: Any) -> str:
    """Write a value as a file has it."""
    if isinstance(found, dict | list):
        return _brief(found)
    if found is None:
        return "nothing"
    if isinstance(found, str):
        return brief(found)
    return str(found).lower() if isinstance(found, bool) else " ".join(str(found).split())[:LONGEST]


def _brief(found: Json | list[Any]) -> str:
    """Write a short list or mapping as a file has it, and of another what it is."""
    pairs = [f"{name}: {value}" for name, value in found.items()] if isinstance(found, dict) else []
    text = f"{{{', '.join(pairs)}}}" if pairs else str(found)
    return text if len(text) <= BRIEF else f"a {'mapping' if isinstance(found, dict) else 'list'}"


def _existing(value: Any, path: Sequence[str | int]) -> Key:
    """Cut a path to the keys in the data, as pydantic adds union members, tuple positions and missing keys."""
    found: list[str | int] = []
    for key in path:
        if not (key in value if isinstance(value, dict) else isinstance(value, list) and key in range(len(value))):
            break
        found.append(key)
        value = value[key]
    return tuple(found)
