"""How a folder of images is laid out: where its parts and its classes are, or why it has none."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from nas.data.parts import parts_of
from nas.data.sets import spelt
from nas.data.tree import Tree, is_image
from nas.errors import DataError
from nas.files import readable

NAMED = 5  # classes, in a message
TABLES, METADATA = (".csv", ".jsonl", ".parquet"), "metadata"  # as Hugging Face's datasets reads them
Classes = dict[str, dict[str, list[Path]]]
"""The folders of each class by part. They are several where a name is spelt in two ways that look alike."""


def find_parts(tree: Tree) -> dict[str, Path]:
    """Find the folder of each part, or take an undivided folder as `train`.

    Parts hold class folders, some of them at least. Raises DataError for two of one part, and for parts that hold
    images alone.
    """
    try:
        found = {part: tree.root / name for part, name in parts_of(tree.folders(tree.root)).items()}
    except DataError as error:
        raise DataError(f"image_folder: {tree.root}: {error}.") from None
    if any(tree.folders(folder) for folder in found.values()):
        return found
    if len(found) > 1 and {folder.name for folder in found.values()} == set(tree.folders(tree.root)):
        names = [readable(folder.name) for folder in found.values()]
        raise DataError(f"image_folder: {', '.join(names)} in {tree.root} are called like parts, but hold no class "
                        f"folders: {tree.root / names[0]}/CLASS/IMAGE.{_tabled(tree)}")  # fmt: skip
    return {"train": tree.root}


def find_classes(tree: Tree, parts: Mapping[str, Path], least: int = 2) -> Classes:
    """Find the class folders of all parts, sorted by name.

    Raises DataError where folders are no classes, or fewer than the `least`.
    """
    classes: Classes = {}
    for part, folder in parts.items():
        for name in tree.folders(folder):
            same = classes.setdefault(readable(spelt(name)), {})
            same.setdefault(part, []).append(folder / name)
    _check_level(tree, parts, list(classes))
    if len(classes) < least:
        left = f" Left out: {', '.join(tree.left[:NAMED])}." if tree.left else ""
        found = f"one class folder, {', '.join(classes)}" if classes else "no class folders"
        raise DataError(
            f"image_folder: {tree.root} has {found}; at least {least} {'is' if least == 1 else 'are'} needed, each a "
            f"folder of images named like its class.{_tabled(tree)}{left}"
        )
    _check_alike(tree, [folder for found in classes.values() for folder in found.get("train", ())])
    return dict(sorted(classes.items()))


def _tabled(tree: Tree) -> str:
    """Say how labels are read from a table that lies beside the images, or return an empty text."""
    tables = [name for name in tree.loose(tree.root) if name.lower().endswith(TABLES)]
    if not tables:
        return ""
    named = [name for name in tables if Path(name).stem == METADATA]
    called = "" if named else f"call {readable(tables[0])} {METADATA}{Path(tables[0]).suffix.lower()}, "
    return f" For labels in a table, {called}name its columns file_name and label, and write huggingface:{tree.root}."


def _check_level(tree: Tree, parts: Mapping[str, Path], classes: list[str]) -> None:
    """Raise DataError where the training part is a folder that holds nothing but the one with the class folders."""
    home = parts["train"]
    inner = home
    while not _images(tree, inner) and len(below := tree.folders(inner)) == 1:
        inner /= below[0]
        if len(inner.parts) > len(home.parts) + NAMED:  # perhaps a link in a circle
            return
    if inner == home or len(tree.folders(inner)) < 2:
        return
    lower = ", ".join(map(readable, tree.folders(inner)[:NAMED]))
    if home == tree.root:
        what = "parts" if parts_of(tree.folders(inner)) else "class folders"
        raise DataError(f"image_folder: the {what} lie lower, in {inner} ({lower}): write image_folder:{inner}")
    raise DataError(f"image_folder: the class folders of {home} lie lower, in {inner} ({lower}): move them up")


def _check_alike(tree: Tree, folders: list[Path]) -> None:
    """Raise DataError where all class folders hold no image themselves, but folders of the same names."""
    inside = [set(tree.folders(folder)) for folder in folders]
    common = set.intersection(*inside) if inside else set()
    if len(common) < 2 or 2 * len(common) < len(set.union(*inside)) or any(_images(tree, folder) for folder in folders):
        return
    lower = ", ".join(map(readable, sorted(common)[:NAMED]))
    names = [readable(folder.name) for folder in folders[:NAMED]]
    if parts_of(common):
        remedy = f"the parts come first, then the classes: {tree.root / 'train' / names[0]}"
    else:
        remedy = f"if {lower} are the classes, write image_folder:{folders[0]}, or call parts train, val and test"
    raise DataError(f"image_folder: {', '.join(names)} in {folders[0].parent} all hold the same folders ({lower}), so "
                    f"that they are no classes; {remedy}. Folders with another use belong elsewhere")  # fmt: skip


def files_of(tree: Tree, classes: Classes, part: str, root: Path) -> Iterator[tuple[Path, int]]:
    """Yield the files of a part with the numbers of their classes, each file once, class by class."""
    numbers = {folder: i for i, found in enumerate(classes.values()) for folder in found.get(part, ())}
    for file, folder in tree.files(numbers, (tree.root, root)):
        yield file, numbers[folder]


def note_strays(tree: Tree, parts: Mapping[str, Path]) -> None:
    """Leave out what looks like images but lies in no class: beside the class folders, or in a folder of no part."""
    for folder in {tree.root, *parts.values()}:
        for name in _images(tree, folder):
            tree.leave(folder / name, "image in no class")
    if tree.root in parts.values():
        return
    for name in tree.folders(tree.root):
        folder = tree.root / name
        if folder not in parts.values() and any(is_image(file.name) for file, _ in Tree(folder).files([folder])):
            tree.leave(folder, "folder of no part")


def _images(tree: Tree, folder: Path) -> list[str]:
    return [name for name in tree.loose(folder) if is_image(name)]
