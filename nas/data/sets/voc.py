"""Photographs with boxes as Pascal VOC has them: an XML file a picture, and lists of the pictures of each part.

The folder holds `Annotations`, `JPEGImages` and perhaps `ImageSets/Main` with `train.txt`, `val.txt`, `trainval.txt`
and `test.txt`; or folders of parts, in which the XML files may lie beside their pictures, as Roboflow writes them.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from nas.data.annotated import Left, Mark, Photograph, mark, photographs
from nas.data.parts import parts_of
from nas.data.sets import Dataset, existing, read, spelt
from nas.data.tree import Tree
from nas.errors import DataError
from nas.files import readable

ANNOTATIONS, PICTURES, LISTS = ("annotations",), ("jpegimages", "images"), "ImageSets/Main"
CORNERS = ("xmin", "ymin", "xmax", "ymax")
DEEPEST = 3  # folders that may lie around the one with the annotations
ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".rar", ".7z")


class Home(NamedTuple):
    """Where XML files and their pictures lie, and the part that they are, if the folder says so."""

    annotations: Path
    pictures: Path
    part: str | None


def voc(
    path: Path, *, seed: int, resolution: int | None = None, in_memory: bool | None = None, divided: bool = True
) -> Dataset:
    """Read whole photographs, laid in squares of `resolution` (128), with the boxes of the training part's classes.

    Boxes that are `difficult` are crowds. Where pixels do not fit in memory, files are decoded when they are asked for.
    """
    if path.suffix.lower() in ARCHIVES and path.is_file():
        raise DataError(f"voc: {path} is an archive; unpack it and write voc:FOLDER with the folder that comes out.")
    tree, left = Tree(existing("voc", path, folder=True)), Left()
    found: list[Photograph] = []
    for home in _homes(tree):
        files = {Path(name).stem: name for name in _xml(tree, home.annotations)}
        parts, pictures = _given(home, files.keys(), left), _pictures(tree, home.pictures)
        every = (_read(home, files[stem], parts[stem], pictures, left) for stem in sorted(parts))
        found += [one for one in every if one is not None]
    left.named += tree.left
    names = sorted({each.name for one in found for each in one.marks})
    name = f"voc:{path.name}"
    return photographs(
        name, path, found, names, left, seed=seed, resolution=resolution, in_memory=in_memory, divided=divided
    )


def _homes(tree: Tree) -> list[Home]:
    """Find the folders with annotations, in the one given or below. Raises DataError for none, and for several sets."""
    level = [tree.root]
    for _ in range(DEEPEST):
        if found := [folder for folder in level if _inner(tree, folder, ANNOTATIONS)]:
            return _classic(tree, found)
        level = [folder / name for folder in level for name in tree.folders(folder)]
    beside = _parts(tree, {name: tree.root / name for name in tree.folders(tree.root)}) or {None: tree.root}
    if not any(_xml(tree, folder) for folder in beside.values()):
        raise DataError(
            f"voc: {tree.root} has neither a folder Annotations nor XML files beside pictures; write voc:DIR with the "
            "folder that holds Annotations and JPEGImages."
        )
    return [Home(folder, folder, part) for part, folder in beside.items()]


def _classic(tree: Tree, folders: list[Path]) -> list[Home]:
    """Return the annotations and pictures of one folder, or of several that are the parts of one set."""
    parts = {None: folders[0]} if len(folders) == 1 else _parts(tree, {folder.name: folder for folder in folders})
    if len(parts) < len(folders):
        names = ", ".join(readable(folder.name) for folder in folders)
        raise DataError(f"voc: {tree.root} holds several data sets, {names}; write voc:{folders[0]} or another.")
    homes = []
    for part, folder in parts.items():
        annotations, pictures = (_inner(tree, folder, names) for names in (ANNOTATIONS, PICTURES))
        if not annotations or not pictures:
            raise DataError(f"voc: {folder} has a folder Annotations, but no folder JPEGImages with the pictures.")
        homes.append(Home(annotations, pictures, part))
    return homes


def _parts(tree: Tree, folders: Mapping[str, Path]) -> dict[str | None, Path]:
    try:
        return {part: folders[name] for part, name in parts_of(folders).items()}
    except DataError as error:
        raise DataError(f"voc: {tree.root}: {error}.") from None


def _inner(tree: Tree, folder: Path, names: tuple[str, ...]) -> Path | None:
    """Return the folder in a folder that has one of these names, in any letter case."""
    return next((folder / name for name in tree.folders(folder) if name.casefold() in names), None)


def _xml(tree: Tree, folder: Path) -> list[str]:
    return [name for name in tree.loose(folder) if name.lower().endswith(".xml")]


def _pictures(tree: Tree, folder: Path) -> dict[str, list[str]]:
    """List the pictures of a folder by their names without ending."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for name in tree.loose(folder):
        if not name.lower().endswith(".xml"):
            found[Path(name).stem].append(name)
    return found


def _given(home: Home, stems: Iterable[str], left: Left) -> dict[str, str]:
    """Tell the part of each annotation: that of its folder or of the lists, or without lists `train`.

    An annotation of several lists belongs to the test part before the validation and the training part.
    """
    lists = {} if home.part else _lists(home.annotations.parent / LISTS)
    if not lists:
        return dict.fromkeys(stems, home.part or "train")
    given: dict[str, str] = {}
    known = set(stems)
    for part, lines in lists.items():
        for line in lines:
            name = next((name for name in (line, line.split()[0], Path(line).stem) if name in known), "")
            if not name:
                left.out(line, "listed without annotation")
            elif name in given:
                left.out(name, f"listed in {part} and in {given[name]}")
            else:
                given[name] = part
    for name in sorted(known - given.keys()):
        left.out(name, "annotation in no list")
    return given


def _lists(folder: Path) -> dict[str, list[str]]:
    """Read the lists of the parts, test before validation before training, if there is one to train on."""
    found = {name: _lines(folder / f"{name}.txt") for name in ("test", "val", "train", "trainval")}
    validation = set(found["val"])
    train = found["train"] or [line for line in found["trainval"] if line not in validation]
    lists = {"test": found["test"], "validation": found["val"], "train": train}
    return {part: lines for part, lines in lists.items() if lines} if train else {}


def _lines(file: Path) -> list[str]:
    """Read the lines of a list, each once."""
    if not file.is_file():
        return []
    lines = read(file).decode("utf-8-sig", "surrogateescape").splitlines()
    return [line for line in dict.fromkeys(map(str.strip, lines)) if line]


def _read(home: Home, name: str, part: str, pictures: Mapping[str, list[str]], left: Left) -> Photograph | None:
    """Read an annotation, or leave it out where it is broken or its picture is missing."""
    try:
        tree = parsed(read(home.annotations / name))
    except (ValueError, DataError) as error:
        left.out(name, f"broken annotation: {error}")
        return None
    file = _picture(tree, Path(name).stem, pictures)
    if file is None:
        left.out(name, "annotation without a picture")
        return None
    return Photograph(home.pictures / file, part, _marks(tree.iter("object"), file, left), _size(tree))


def parsed(text: bytes) -> Element:
    """Parse XML that has no document type, so that no entity grows without bound. Raises ValueError, saying why."""
    builder, parser = TreeBuilder(), expat.ParserCreate()

    def refuse(*_: object) -> None:
        raise ValueError("it declares a document type, which no annotation needs")

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    try:
        parser.Parse(text, True)
    except (expat.ExpatError, LookupError) as error:  # broken, or in an encoding of no known name
        raise ValueError(str(error)) from None
    return builder.close()


def _picture(tree: Element, stem: str, pictures: Mapping[str, list[str]]) -> str | None:
    """Find the picture that is called like its annotation, or else as this says."""
    said = Path((tree.findtext("filename") or "").strip().replace("\\", "/")).name
    alike = pictures.get(stem) or pictures.get(Path(said).stem) or []
    return said if said in alike else next(iter(alike), None)


def _size(tree: Element) -> tuple[float, float] | None:
    """Return the width and height that an annotation names, if it does."""
    try:
        width, height = (float(tree.findtext(f"size/{side}") or 0) for side in ("width", "height"))
    except ValueError:
        return None
    return (width, height) if width >= 1 and height >= 1 else None


def _marks(objects: Iterable[Element], file: str, left: Left) -> tuple[Mark, ...]:
    found = []
    for each in objects:
        name = readable(spelt(" ".join((each.findtext("name") or "").split())))
        if not name:
            left.out(f"box in {file}", "box without a class")
            continue
        corners = [each.findtext(f"bndbox/{corner}") for corner in CORNERS]
        difficult = (each.findtext("difficult") or "").strip() == "1"
        if one := mark(name, corners, difficult, f"{name} in {file}", left):
            found.append(one)
    return tuple(found)
