"""YAML in and out, with the line of each value.

Reading is safe, as no tag may build an object, and strict: duplicate keys, anchors that contain themselves, merge keys
(`<<`), keys that are not text and files that are not text are refused with their line. Numbers mean what their writer
sees, by the core schema of YAML 1.2: `032` is 32 and `1e-3` a thousandth.
"""

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from nas.errors import SpaceError, brief

Key = tuple[str | int, ...]
MAX_BYTES = 500_000  # take seconds to read; a device's file of many networks of sixteen stages has 200,000
MAX_NODES = 100_000  # a small file of nested aliases can describe billions of values
MAX_NUMBER = 10**18
UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
UNSPACED = re.compile(r"\s*(?:- )*(\w+):([^\s/].*)")
COLONLESS = re.compile(r"\s*(?:- )*(\w+)(?:\s*[:=\uff1a]\s*|\s+)(.+)")  # a Chinese or Japanese colon among them
KEY = re.compile(r"\s*(?:- )*\w+:(\s+|$)")
COMMENT = re.compile(r"(^|\s)#.*")
INDENT = "its indent is that of no line above; begin the keys of one mapping, and the dashes of one list, at one column"
PLAIN = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")
INT, FLOAT = "tag:yaml.org,2002:int", "tag:yaml.org,2002:float"
WHOLE = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


class _Loader(yaml.SafeLoader):
    """The safe loader with numbers of YAML 1.2."""


class _Dumper(yaml.SafeDumper):
    """The safe dumper, which quotes a text that the loader, or one of YAML 1.1, would take for a number."""


def _whole(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
    text = node.value.lower()
    if not WHOLE.fullmatch(node.value):
        raise ValueError(text)
    return int(text, 8) if text.startswith("0o") else int(text, 16) if text.startswith("0x") else int(text)


_Loader.add_constructor(INT, _whole)
_Loader.yaml_implicit_resolvers = {
    first: [(tag, law) for tag, law in laws if tag not in (INT, FLOAT)]
    for first, laws in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _class in (_Loader, _Dumper):
    _class.add_implicit_resolver(INT, re.compile(f"(?:{WHOLE.pattern})$"), list("-+0123456789"))
    _class.add_implicit_resolver(FLOAT, re.compile(f"(?:{NUMBER.pattern})$"), list("-+.0123456789"))


@dataclass(frozen=True)
class Document:
    """The value in a YAML text, with the line of every key."""

    value: Any
    source: str
    lines: dict[Key, int] = field(default_factory=dict)

    def error(self, key: Sequence[str | int], message: str) -> SpaceError:
        """Make an error that names the file, the line and the key."""
        found = tuple(key)
        while found and found not in self.lines:
            found = found[:-1]
        line = self.lines.get(found)
        where = f"{self.source}:{line}" if line else self.source
        dotted = ".".join(map(str, key))
        return SpaceError(f"{where}: {dotted + ': ' if dotted else ''}{message}")


def read(path: Path) -> Document:
    """Read the document in a file. Raises SpaceError when it cannot be read or is not YAML."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)  # a device file may be endless
        if len(data) > MAX_BYTES:
            raise SpaceError(f"{path}: larger than {MAX_BYTES:,} bytes, as no YAML file that nas reads is")
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        if b"\0" in data and not data.startswith(UTF16):
            raise SpaceError(f"{path}: not a text file; name a YAML file") from None
        found = "it is UTF-16" if data.startswith(UTF16) else f"byte {error.start} is not"
        raise SpaceError(f"{path}: not a text file in UTF-8 ({found}); save it as UTF-8") from None
    except OSError as error:
        raise SpaceError(f"{path}: cannot be read ({error.strerror})") from None
    return parse(text, str(path))


def parse(text: str, source: str = "<text>") -> Document:
    """Read the document in a text. Raises SpaceError when it is too long, not YAML or not safe."""
    if len(text) > MAX_BYTES:
        raise SpaceError(f"{source}: longer than {MAX_BYTES:,} characters, as no YAML file that nas reads is")
    loader = None
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return Document(None, source)
        reader = _Reader(loader, source)
        value = reader.build(node, ())
    except yaml.MarkedYAMLError as error:
        line, problem = _explained(text, error)
        raise SpaceError(f"{source}{f':{line}' if line else ''}: {problem}") from None
    except yaml.YAMLError as error:
        raise SpaceError(f"{source}: not valid YAML: {getattr(error, 'reason', None) or 'not YAML'}") from None
    except (RecursionError, ValueError) as error:
        if isinstance(error, SpaceError):
            raise
        raise SpaceError(f"{source}: not valid YAML: {error}") from None
    finally:
        if loader:
            loader.dispose()
    return Document(value, source, reader.lines)


def unspaced(text: str) -> str | None:
    """Say of a line such as `width:32` that its colon lacks a space, or return None."""
    return f"a space is missing after the colon: {_instead(text, found)}" if (found := UNSPACED.match(text)) else None


def _explained(text: str, error: yaml.MarkedYAMLError) -> tuple[int | None, str]:
    """Return the line that an error of PyYAML is about, from 1, and what is wrong, in our words for common slips."""
    mark, began, problem = error.problem_mark, error.context_mark, error.problem or "not YAML"
    line, lines = mark.line + 1 if mark else None, [COMMENT.sub("", one) for one in text.splitlines()] + [""]
    if problem == "but found another document":
        return line, "another document begins here; write it in a file of its own"
    if began and problem == "could not find expected ':'":
        line, problem = began.line + 1, _no_key(lines[began.line])
    elif mark and problem == "mapping values are not allowed here":
        line, problem = _no_place(lines, mark) or (line, problem)
    elif re.match("expected (<block end>|'<document start>', but found '<block mapping)", problem):
        problem = INDENT
    elif began and problem.startswith("expected ',' or"):
        problem = f"the bracket that line {began.line + 1} opens is not closed, or a comma is missing"
    elif began and error.context == "while scanning a quoted scalar":
        problem = f"the quote that line {began.line + 1} opens is not closed"
    elif problem.startswith("found character '\\t'"):
        problem = "a tab; indent with spaces"
    elif found := re.fullmatch("found character ('.') that cannot start any token", problem):
        problem = f"a word that begins with {found[1]} needs quotes"
    return line, f"not valid YAML: {problem}"


def _no_key(line: str) -> str:
    """Say what a line lacks that stands among keys and is none."""
    if said := unspaced(line):
        return said
    found = COLONLESS.match(line)
    more = _instead(line, found) if found else f"found {brief(line.strip())}, write '{line.strip()}:' and its value"
    return f"a key is written with a colon and a space: {more}"


def _instead(line: str, found: re.Match[str]) -> str:
    return f"found {brief(line.strip().removeprefix('- '))}, write {brief(f'{found[1]}: {found[2].rstrip()}')}"


def _valueless(name: str, before: tuple[yaml.Node, yaml.Node] | None) -> str:
    """Say of a word between braces that has no value how a list is written, by the key and the value before it."""
    key, values = "", [name, "..."]
    if before and not isinstance(before[1], yaml.MappingNode):
        nodes = before[1].value if isinstance(before[1], yaml.SequenceNode) else [before[1]]
        key, values = f"{before[0].value}: ", [*(str(node.value) for node in nodes), name]
    return f"'{name}' stands between braces without a value; brackets make a list: {key}[{', '.join(values)}]"


def _no_place(lines: list[str], mark: yaml.Mark) -> tuple[int, str] | None:
    """Say where a colon is one too many, and why: for itself, or for the line before, which goes on here."""
    line = lines[mark.line]
    last = max((i for i in range(mark.line) if lines[i].strip()), default=mark.line)
    for i in (mark.line, last):
        if said := unspaced(lines[i]):
            return i + 1, said
    if line.count("}") > line.count("{"):
        return mark.line + 1, "a bracket is closed that none opens: a '{' is missing"
    if (key := KEY.match(line)) and key.end() <= mark.column:
        return mark.line + 1, f"a value with a colon and a space in it needs quotes: '{line[key.end() :].strip()}'"
    if (key := KEY.match(lines[last])) and lines[last][key.end() :].strip():
        return mark.line + 1, f"indented as if it went on with the value of line {last + 1}; begin it where that begins"
    return None


class _Reader:
    """Builds plain data from YAML nodes and notes the line of each key."""

    def __init__(self, loader: yaml.SafeLoader, source: str) -> None:
        self.loader, self.source = loader, source
        self.lines: dict[Key, int] = {}
        self.open: list[yaml.Node] = []

    def build(self, node: yaml.Node, key: Key) -> Any:
        line = node.start_mark.line + 1
        self.lines.setdefault(key, line)
        if len(self.lines) > MAX_NODES:
            raise SpaceError(f"{self.source}:{line}: more than {MAX_NODES:,} values")
        if any(node is parent for parent in self.open):
            raise SpaceError(f"{self.source}:{line}: an anchor contains itself")
        if isinstance(node, yaml.CollectionNode) and node.tag not in PLAIN:
            raise SpaceError(f"{self.source}:{line}: the tag {node.tag!r} is not taken here; write the value plainly")
        self.open.append(node)
        if isinstance(node, yaml.MappingNode):
            value: Any = self._mapping(node, key)
        elif isinstance(node, yaml.SequenceNode):
            value = [self.build(item, (*key, i)) for i, item in enumerate(node.value)]
        else:
            value = self._scalar(node)
        self.open.pop()
        return value

    def _scalar(self, node: yaml.Node) -> Any:
        try:
            value = self.loader.construct_object(node)
        except (ValueError, LookupError, AttributeError):  # raised for `!!int x`, `!!bool x`, ...
            line, tag = node.start_mark.line + 1, node.tag.rpartition(":")[2]
            raise SpaceError(f"{self.source}:{line}: not valid YAML: {node.value[:40]!r} is no {tag}") from None
        if isinstance(value, int) and abs(value) > MAX_NUMBER:
            raise SpaceError(f"{self.source}:{node.start_mark.line + 1}: a whole number of more than 18 digits")
        return value

    def _mapping(self, node: yaml.MappingNode, key: Key) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for before, (name_node, value_node) in zip([None, *node.value], node.value, strict=False):
            line = name_node.start_mark.line + 1
            name = name_node.value
            if not isinstance(name, str):
                raise SpaceError(f"{self.source}:{line}: a key must be text")
            if name_node.tag == "tag:yaml.org,2002:merge":  # merges of merges would grow without bound
                raise SpaceError(f"{self.source}:{line}: '<<' is not taken here; write the keys out")
            if name_node.style is None and not getattr(value_node, "value", " ") and (said := unspaced(name)):
                raise SpaceError(f"{self.source}:{line}: {said}")  # as in {width:32}
            if node.flow_style and value_node.start_mark.index == name_node.end_mark.index:
                raise SpaceError(f"{self.source}:{line}: {_valueless(name, before)}")  # as in {depth: 1, 2}
            if name in values:
                raise SpaceError(f"{self.source}:{line}: the key '{name}' is written twice")
            self.lines[(*key, name)] = line
            values[name] = self.build(value_node, (*key, name))
        return values


def dump(value: dict[str, Any]) -> str:
    """Write plain data as YAML text, with one line a stage and keys in their order."""
    text: str = yaml.dump(
        value, Dumper=_Dumper, default_flow_style=None, sort_keys=False, width=200, allow_unicode=True
    )
    return text
