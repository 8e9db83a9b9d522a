"""Named tensors from a file of weights, never running code in it; of any other file, what it is."""

import re
import warnings
from collections.abc import Iterable
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import torch
from safetensors import SafetensorError
from safetensors.torch import load, load_file
from torch import Tensor

from nas.errors import SettingError
from nas.files import Json
from nas.network.foreign_files import HEAD, ZIP, sort_of

State = dict[str, Tensor]

CUT = "cut off, its end is missing; copy or download it again"
ALONE = "save the weights alone where it was made: torch.save(network.state_dict(), 'weights.pt')"
SUFFIXES = {".safetensors", ".pt", ".pth", ".bin", ".ckpt"}


def read(path: Path | str) -> State:
    """Read the tensors in a `.safetensors` file or a torch state dict, never running code in the file.

    A checkpoint may hold one state dict beside other things. Raises SettingError when the file is missing, damaged or
    of another kind, saying which, or holds several state dicts.
    """
    found = read_all(path)
    if len(found) > 1:
        raise SettingError(f"{path}: {several(path, found)}")
    return next(iter(found.values()))


def read_all(path: Path | str) -> dict[str, State]:
    """Read every state dict in a file, by its name in the checkpoint, which is empty for a file of weights alone.

    Raises as `read` does.
    """
    path = Path(path)
    head = _head(path)
    try:
        loaded = _load_safe(path) if _is_safe(head) else _load(path)
    except Exception as error:  # torch may raise anything for a damaged file
        raise SettingError(f"{path}: {_cause(error)}") from None
    inside: Json = loaded if isinstance(loaded, dict) else {}
    if _is_state(inside):
        return {"": inside}
    found = {str(name): value for name, value in inside.items() if _is_state(value)}
    if not found:
        held = f"holds {', '.join(map(str, list(inside)[:5]))}" if inside else f"holds a {type(loaded).__name__}"
        raise SettingError(f"{path}: {held}; a state dict of tensors is needed: {ALONE}")
    return found


def _load_safe(path: Path) -> State:
    """Load safetensors, by their bytes where the path is no UTF-8, which their library needs."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return load(path.read_bytes())
    return load_file(path)


def _load(path: Path) -> object:
    """Load what torch.save wrote, without its remarks on the pickle in it."""
    with warnings.catch_warnings(), path.open("rb") as file:  # of a path torch believes the suffix
        warnings.simplefilter("ignore")
        return torch.load(file, "cpu", weights_only=True)


def several(path: Path | str, names: Iterable[str]) -> str:
    """Say of a checkpoint that more than one of its state dicts may be meant."""
    known = list(names)
    return (f"a checkpoint with the weights {' and '.join(known)}; choose one: "
            f"torch.save(torch.load('{path}', weights_only=True)['{known[0]}'], 'weights.pt')")  # fmt: skip


def _head(path: Path) -> bytes:
    """Read the first bytes of what may be a file of weights. Raises SettingError for what is none by its first look."""
    if path.is_dir():
        inside = sorted(file for file in path.iterdir() if file.suffix in SUFFIXES)
        remedy = f"give the file in it, such as {inside[0]}" if inside else "give a file of weights"
        raise SettingError(f"{path}: a folder; {remedy}")
    if not path.is_file():
        raise SettingError(f"{path}: no such file; give a .safetensors file or a saved state dict")
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError as error:
        raise SettingError(f"{path}: cannot be read ({error.strerror})") from None
    if not head:
        raise SettingError(f"{path}: empty; copy or download it again")
    if not _is_safe(head) and (what := _archive(path) if head.startswith(ZIP) else sort_of(head)):
        raise SettingError(f"{path}: not a file of weights, but {what}")
    return head


def _is_safe(head: bytes) -> bool:
    """Tell whether a file begins as safetensors do: the length of the header in eight bytes, then the header."""
    return head[6:9] == b"\0\0{"


def _archive(path: Path) -> str:
    """Say what a zip archive is unless torch.save wrote it."""
    try:
        with ZipFile(path) as archive:
            names = archive.namelist()
    except (BadZipFile, OSError):
        return CUT
    if any(name.endswith("/constants.pkl") for name in names):
        return f"a TorchScript program; {ALONE}"
    if any(name.endswith("/data.pkl") for name in names):
        return ""
    return f"a zip archive of {', '.join(names[:3]) or 'nothing'}; unpack it, and give the file in it"


def _cause(error: Exception) -> str:
    """Say in a person's words why a file cannot be loaded, without torch's advice to switch off what protects."""
    said = str(error).strip()
    if code := re.search(
        r"Unsupported (?:global: GLOBAL|class) ([\w.]+)|Trying to load unsupported GLOBAL ([\w.]+)", said
    ):
        return f"not a file of weights alone: it holds a {code[1] or code[2]}, which is code and is not run; {ALONE}"
    first = said.split("\n")[0]
    if isinstance(error, EOFError) or re.search("EOF|central directory|[Ii]ncomplete|too small|header length", first):
        return f"not a whole file of weights: {CUT}"
    if isinstance(error, SafetensorError) or "weights_only" not in first:
        return f"not a file of weights alone ({first or type(error).__name__})"
    return f"not a file of weights alone: it holds more than tensors, or is a file of another kind; {ALONE}"


def _is_state(value: object) -> bool:
    items = value.items() if isinstance(value, dict) else ()
    return bool(items) and all(isinstance(n, str) and isinstance(v, Tensor) for n, v in items)
