"""Photographs with boxes as COCO has them: a JSON file of instances for each part.

Files that differ in nothing but the part (`instances_train2017.json`, `instances_val2017.json`), and those in folders
of parts (`train/_annotations.coco.json`, as Roboflow writes them), are the parts of one data set.
"""

import json
import os
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from posixpath import normpath
from typing import NamedTuple

from nas.data.annotated import Left, Mark, Photograph, mark, photographs
from nas.data.parts import PARTS, files_of, from_root, part_of
from nas.data.sets import Dataset, existing, read, spelt
from nas.data.tree import Tree
from nas.errors import DataError
from nas.files import Json, readable

SHOWN = 5  # files or folders, in a message
KEYS = ("images", "annotations", "categories")
ANNOTATIONS = re.compile("annot|label|json", re.IGNORECASE)  # in names of folders beside which pictures lie
PICTURES = ("images", "data", "jpegimages")  # what folders of pictures are called where they are not called by a part

Size = tuple[float, float]
Key = int | float | str
"""What identifies a picture or a category: mostly a number, in some files a text."""


def coco(
    path: Path, *, seed: int, resolution: int | None = None, in_memory: bool | None = None, divided: bool = True
) -> Dataset:
    """Read whole photographs, laid in squares of `resolution` (128), with the boxes of the training part's classes.

    Where pixels do not fit in memory, files are decoded when they are asked for.
    """
    files, left = _files(_existing(path)), Left()
    found: dict[Path, Photograph] = {}  # by their own files, whatever links lead to them
    names: list[str] = []
    for part in sorted(files, key=PARTS.index, reverse=True):  # a picture of two parts is not trained on
        held = _loaded(files[part])
        categories, places = _categories(held, left), Places(files[part], part if len(files) > 1 else None)
        names = [*categories.values(), *names]
        for one in _photographs(held, categories, places, part, left):
            if (own := one.file.resolve()) in found:
                left.out(one.file.name, "picture that is listed twice")
            else:
                found[own] = one
    name, folder = f"coco:{path.name}", next(iter(files.values())).parent.parent
    every = list(found.values())
    named = next((part for part, file in files.items() if file == from_root(path)), "") if len(files) > 1 else ""
    dataset = photographs(
        name, folder, every, names, left, seed=seed, resolution=resolution, in_memory=in_memory, divided=divided
    )
    return replace(dataset, part=named)


def _existing(path: Path) -> Path:
    if not os.path.isdir(path):  # noqa: PTH112  (pathlib raises for names that are too long)
        return existing("coco", path, folder=False)
    tree = Tree(path)
    folders = [path, *(path / name for name in tree.folders(path))]
    inside = [folder / name for folder in folders for name in _json(tree, folder)]
    named = f" one of {', '.join(map(str, inside[:SHOWN]))}" if inside else " a JSON file of instances"
    raise DataError(f"coco: {path} is a folder; write coco:FILE with{named}.")


def _json(tree: Tree, folder: Path) -> list[str]:
    return [name for name in tree.loose(folder) if name.lower().endswith(".json")]


def _files(file: Path) -> dict[str, Path]:
    try:
        return files_of(file)
    except DataError as error:
        raise DataError(f"coco: {error}") from None


def _loaded(file: Path) -> Json:
    """Read a file of instances. Raises DataError, saying what it holds, for one that is none."""
    try:
        found = json.loads(read(file), object_hook=_without_outlines)
    except (ValueError, RecursionError) as error:
        raise DataError(f"coco: {file} cannot be read as JSON: {error}.") from None
    if not isinstance(found, dict):
        raise DataError(f"coco: {file} holds a {type(found).__name__}; a file of instances holds {', '.join(KEYS)}.")
    if wrong := [key for key in KEYS if not isinstance(found.get(key), list)]:
        held = ", ".join(map(readable, list(found)[:SHOWN])) or "nothing"
        raise DataError(f"coco: {file} holds {held}, but no list of {wrong[0]}; a file of instances has them.")
    return found


def _without_outlines(entry: Json) -> Json:
    """Drop the outlines of objects, which take most of the memory."""
    entry.pop("segmentation", None)
    return entry


def _categories(held: Json, left: Left) -> dict[Key, str]:
    """Return the names of the categories by their numbers, in the order of these."""
    found: dict[Key, str] = {}
    for entry in held["categories"]:
        number = _key(entry, "id")
        if number is None:
            left.out(str(entry)[:40], "category without id")
        else:
            found.setdefault(number, readable(spelt(" ".join(str(entry.get("name") or number).split()))))
    return dict(sorted(found.items(), key=lambda item: (isinstance(item[0], str), item[0])))


def _photographs(
    held: Json, categories: dict[Key, str], places: "Places", part: str, left: Left
) -> Iterator[Photograph]:
    """Yield the pictures that are there with their boxes, and leave others out."""
    files = _pictures(held, places, left)
    marks: defaultdict[Key, list[Mark]] = defaultdict(list)
    for entry in held["annotations"]:
        number, category = _key(entry, "image_id"), _key(entry, "category_id")
        if number is None or number not in files:
            left.out(f"box of image {number}", "box of an unknown image")
        elif category is None or category not in categories:
            left.out(f"category {category} in {files[number].name}", "unknown category")
        elif one := _mark(entry, categories[category], files[number].name, left):
            marks[number].append(one)
    for number, image in files.items():
        if image.file:
            yield Photograph(image.file, part, tuple(marks[number]), image.size)


class Image(NamedTuple):
    """What a file of instances says of an image, and its picture, if it is there."""

    name: str
    file: Path | None
    size: Size | None


def _pictures(held: Json, places: "Places", left: Left) -> dict[Key, Image]:
    """Find the images by their numbers, and leave those out that are none."""
    found: dict[Key, Image] = {}
    for entry in held["images"]:
        number = _key(entry, "id")
        name = entry.get("file_name") if isinstance(entry, dict) else None
        if number is None or not isinstance(name, str) or not name:
            left.out(str(entry)[:40], "image without id or file name")
        elif number in found:
            left.out(name, "image whose id occurs twice")
        else:
            if (file := places.find(name)) is None:
                left.out(name, f"missing picture: looked for in {places}")
            found[number] = Image(name, file, _size(entry))
    return found


def _key(entry: object, name: str) -> Key | None:
    """Return what identifies an entry, a number or a text, or None where it has no such thing."""
    found = entry.get(name) if isinstance(entry, dict) else None
    return found if isinstance(found, int | float | str) else None


def _size(entry: Json) -> Size | None:
    width, height = entry.get("width"), entry.get("height")
    known = all(isinstance(length, int | float) and length >= 1 for length in (width, height))
    return (float(width or 0), float(height or 0)) if known else None


def _mark(entry: Json, name: str, file: str, left: Left) -> Mark | None:
    box = entry.get("bbox")
    where = f"{name} in {file}"
    try:
        x, y, width, height = map(float, box if isinstance(box, list) else ())
    except (TypeError, ValueError):
        return mark(name, (), False, where, left)
    return mark(name, (x, y, x + width, y + height), entry.get("iscrowd") in (1, "1"), where, left)


class Places:
    """Where the pictures of a file lie: beside it or in a folder there, but in none of another part.

    Where its folder is one of annotations, they may lie beside that as well.
    """

    def __init__(self, file: Path, part: str | None) -> None:
        self.found: list[Path] = []
        home = file.parent
        for base in (home, home.parent) if ANNOTATIONS.search(home.name) else (home,):
            self.found.append(base)
            inside = _folders(base, part)
            within = [
                inner for folder in inside if folder.name.casefold() in PICTURES for inner in _folders(folder, part)
            ]
            self.found += inside + within

    def __str__(self) -> str:
        return ", ".join(str(place) for place in self.found[:SHOWN]) + " ..." * (len(self.found) > SHOWN)

    def find(self, name: str) -> Path | None:
        """Return the file of a picture, by the path that is written of it or by the last name alone.

        No path leads out of the places: one that is absolute, or goes up by `..`, counts from there.
        """
        path = PurePosixPath(normpath("/" + name.replace("\\", "/").lstrip("/"))).relative_to("/")
        for inner in (path, path.name):
            for number, place in enumerate(self.found):
                if os.path.isfile(place / inner):  # noqa: PTH113  (pathlib raises for names that are too long)
                    self.found.insert(0, self.found.pop(number))  # the next one is probably there too
                    return place / inner
        return None


def _folders(base: Path, part: str | None) -> list[Path]:
    """List the folders in one that are of a part or of none, those first that are called so."""
    names = [name for name in Tree(base).folders(base) if part is None or part_of(name) in (part, None)]
    names.sort(key=lambda name: (part is None or part_of(name) != part, name.casefold() not in PICTURES))
    return [base / name for name in names]
