"""Reading files of torch.export without running what they hold.

torch's own reader is not meant for files of strangers: it unpickles inputs, weights and constants where the file says
that they are pickled, gives sizes and guards to Python's `eval`, and calls any function of torch by name. The files
that nas writes need none of this. So a file is read only if it has nothing but weights as plain bytes and a graph of
torch's own operators on tensors; all else is refused before torch's reader sees it.
"""

import io
import json
import re
from pathlib import Path
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.export.pt2_archive._package import PT2ArchiveReader, load_pt2

from nas.errors import SettingError
from nas.files import Json
from nas.report.tracing import quiet

GRAPH, EXTRA, PICKLE = "models/model.json", "extra/", "data/sample_inputs/model.pt"
TABLES = ("data/weights/model_weights_config.json", "data/constants/model_constants_config.json")
RECORDS = re.compile(
    rf"{GRAPH}|{EXTRA}\w+|{PICKLE}|{'|'.join(TABLES)}|data/weights/weight_\d+|data/constants/tensor_\d+"
    r"|archive_format|archive_version|byteorder|\.data/version|\.data/serialization_id|\.format_version"
    r"|\.storage_alignment"
)
OPERATOR = re.compile(r"torch\.ops\.aten\.(\w+)\.(\w+)")
PYTHON = re.compile(r"_operator\.(add|sub|mul|floordiv|mod|neg|getitem|eq|ne|lt|le|gt|ge)")
NAME = re.compile(r"[\w.+-]{0,400}")
WORD = re.compile(r"[\w ,>.-]{0,200}")  # of an operator: "none", "reflect", "nyxd,ydk->nyxk"
SYMBOL = re.compile(r"Symbol\('[su]\d+'(, (positive|nonnegative|integer)=True)*\)")
SIZE = re.compile(r"(?:(?:Integer|Add|Mul|FloorDiv|Mod|Min|Max)\(|-?\d{1,15}|[su]\d+|[(), ])*")
SPEC = re.compile(r'[\[\]{}":, \w]*')
TREES = re.compile(r"(builtins\.(tuple|list|dict))")
FORBIDDEN = ("as_custom_obj", "as_graph", "as_operator", "as_string_to_argument", "custom_obj")
EMPTY = ("guards_code", "custom_obj_values", "treespec_namedtuple_fields", "metadata")
WRITES = "or was not written by nas; only files that nas exported are read, as others can run code"


def read_program(path: Path) -> tuple[ExportedProgram, dict[str, str]]:
    """Read a program and its metadata. Raises SettingError for a file that is damaged or may run code."""
    try:
        data = path.read_bytes()
        with quiet():
            reader = PT2ArchiveReader(io.BytesIO(data))
            metadata = _checked(reader)
            program = load_pt2(io.BytesIO(data)).exported_programs["model"]
    except OSError as error:
        raise SettingError(f"{path}: cannot be read ({error.strerror})") from None
    except _Strange as error:
        raise SettingError(f"{path}: holds {error}; it is damaged, {WRITES}") from None
    except Exception as error:  # torch's reader raises many kinds
        raise SettingError(f"{path}: not a file of torch.export, or damaged ({type(error).__name__})") from None
    return program, metadata


class _Strange(Exception):  # noqa: N818  (never leaves this file)
    """Something that nas does not write."""


def _checked(reader: PT2ArchiveReader) -> dict[str, str]:
    """Return the metadata of an archive that cannot run code. Raises _Strange for any other."""
    names = reader.get_file_names()
    for name in names:
        if not RECORDS.fullmatch(name):
            raise _Strange(f"the part '{name[:80]}'")
    if reader.read_bytes(PICKLE):
        raise _Strange("pickled inputs")
    for table in TABLES:
        _check_table(json.loads(reader.read_string(table)))
    _check("", json.loads(reader.read_string(GRAPH)))
    return {name.removeprefix(EXTRA): reader.read_string(name) for name in names if name.startswith(EXTRA)}


def _check_table(table: Json) -> None:
    """Check that weights or constants lie as plain bytes in parts of the archive."""
    if set(table) != {"config"}:
        raise _Strange("a table of weights of another kind")
    for entry in table["config"].values():
        if entry["use_pickle"] is not False or not re.fullmatch(r"(weight|tensor)_\d+", entry["path_name"]):
            raise _Strange("pickled weights")
        if any(set(size) != {"as_int"} for size in (*entry["tensor_meta"]["sizes"], *entry["tensor_meta"]["strides"])):
            raise _Strange("weights of an unknown size")


def _check(key: str, value: Any) -> None:
    """Check everything in a graph: its texts are names, operators and sizes, and nothing that is run."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name.startswith(FORBIDDEN) and name not in EMPTY:
                raise _Strange(f"'{name[:80]}'")
            if name in EMPTY and inner:
                raise _Strange(f"'{name}' with content")
            if not (NAME.fullmatch(name) or (key == "range_constraints" and _is_size(name))):
                raise _Strange(f"the name '{name[:80]}'")
            _check(name, inner)
    elif isinstance(value, list):
        for inner in value:
            _check(key, inner)
    elif isinstance(value, str) and not _is_harmless(key, value):
        raise _Strange(f"'{value[:80]}' as {key}")


def _is_harmless(key: str, text: str) -> bool:
    if key == "target":
        return PYTHON.fullmatch(text) is not None or _is_operator(text)
    if key == "expr_str":
        return _is_size(text)
    if key in ("in_spec", "out_spec"):
        return SPEC.fullmatch(TREES.sub("", text)) is not None
    if key in ("as_string", "as_strings"):
        return WORD.fullmatch(text) is not None
    return NAME.fullmatch(text) is not None


def _is_size(text: str) -> bool:
    return len(text) < 2000 and SIZE.fullmatch(SYMBOL.sub("", text)) is not None


def _is_operator(text: str) -> bool:
    """Tell whether a text names one of torch's operators, and none that opens files: these take words, not tensors."""
    match = OPERATOR.fullmatch(text)
    packet = getattr(torch.ops.aten, match[1], None) if match else None
    overload = getattr(packet, match[2], None) if match and packet is not None else None
    if not isinstance(overload, torch._ops.OpOverload):
        return False
    kinds = [str(argument.type) for argument in overload._schema.arguments]
    return match is not None and (match[1] == "einsum" or "str" not in kinds or kinds[0] in ("Tensor", "List[Tensor]"))
