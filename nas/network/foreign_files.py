"""What a file is by its first bytes, where it is not what was asked for."""

from pathlib import Path

HEAD = 512
"""The bytes at a file's beginning that tell what it is."""

ZIP = b"PK\x03\x04"

_GET = "download the file itself, by its own link (a hub's is .../resolve/..., not .../blob/...), logged in if needed"
_SORTS = (
    (0, b"version https://git-lfs", "a Git-LFS pointer to it; run git lfs pull in its repository, or download it"),
    (0, b"/annex/objects/", "a git-annex pointer to it; run git annex get in its repository"),
    (0, ZIP, "a zip archive, as .xlsx and .ods are"),
    (0, b"PK\x05\x06", "an empty zip archive"),
    (0, b"\x1f\x8b", "compressed by gzip; unpack it with gunzip or tar -xzf"),
    (0, b"BZh", "compressed by bzip2; unpack it with bunzip2"),
    (0, b"\xfd7zXZ\0", "compressed by xz; unpack it with unxz"),
    (0, b"\x28\xb5\x2f\xfd", "compressed by zstd; unpack it with unzstd"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive; unpack it"),
    (0, b"Rar!", "a rar archive; unpack it"),
    (257, b"ustar", "a tar archive; unpack it with tar -xf"),
    (0, b"\xd0\xcf\x11\xe0", "a file of an office program, as .xls is"),
    (0, b"\x89HDF", "HDF5, as Keras writes weights"),
    (0, b"\x93NUMPY", "an array of NumPy"),
    (4, b"TFL3", "a network of TensorFlow Lite"),
    (0, b"GGUF", "GGUF, as llama.cpp reads"),
    (0, b"%PDF", "a PDF"),
    (0, b"\x89PNG", "a picture"),
    (0, b"\xff\xd8\xff", "a picture"),
)


def sort_of(head: bytes) -> str:
    """Say what a file is by its first `HEAD` bytes, with how to get at what is wanted; empty for what is not known."""
    for place, magic, what in _SORTS:
        if head[place:].startswith(magic):
            return what
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    start = text[:64].lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head")) or (start[:5] == b"<?xml" and b"html" in text):
        return f"an HTML page; {_GET}"
    if start.startswith((b"<?xml", b"{", b"[", b"<")) and b"\0" not in head:
        return f"text that begins {text[:40].decode(errors='replace')!r}; {_GET}"
    return ""


def foreign(path: Path) -> str:
    """Say what a file is that should hold a network, empty where it may: formats of networks are zip archives too."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError:
        return ""  # who reads it says why it cannot be read
    return "" if head.startswith(ZIP) else sort_of(head)
