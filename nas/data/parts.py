"""The parts of a data set, by the names that folders and tables have on people's disks."""

import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from nas.data.tree import Tree
from nas.errors import DataError
from nas.files import readable

PARTS = ("train", "validation", "test")
"""The parts of a data set, in the order in which they lie."""
ALL = "all"
"""In place of a part: every image."""
SYNONYMS = {
    "train": "train", "training": "train", "trn": "train",
    "validation": "validation", "validate": "validation", "valid": "validation", "val": "validation",
    "dev": "validation", "devel": "validation", "development": "validation",
    "test": "test", "testing": "test", "tst": "test", "holdout": "test",
    "eval": "test", "evaluation": "test",
}  # fmt: skip
EITHER = frozenset({"eval", "evaluation"})
"""Names of the test part, but beside another test part those of the validation part."""
NOUNS = ("set", "data", "dataset", "split", "part", "image", "images", "img", "imgs", "folder", "dir")


def parts_of(names: Iterable[str]) -> dict[str, str]:
    """Return the name of each part that folders or tables have, none where no name is that of a training part.

    Letter case, numbers and nouns do not count: `Train`, `val_set`, `test2017`. Other words do where all parts share
    them: `signs_train`, `signs_test`. Raises DataError where two names might be one part.
    """
    groups: defaultdict[tuple[str, ...], defaultdict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for name in names:
        words = _words(name)
        known = [word for word in words if word in SYNONYMS]
        if len(known) == 1:
            rest = tuple(word for word in words if word not in SYNONYMS)
            groups[rest][SYNONYMS[known[0]]].append(name)
    for found in groups.values():
        _settle(found)
    divided = [found for rest, found in groups.items() if "train" in found and (len(found) > 1 or not rest)]
    plain = groups.get(())
    if plain in divided:
        divided = [plain] if plain else []
    if len(divided) > 1:
        raise _two([found["train"][0] for found in divided], "train")
    chosen = {part: names for found in divided for part, names in found.items()}
    for part, same in chosen.items():
        if len(same) > 1:
            raise _two(same, part)
    return {part: chosen[part][0] for part in PARTS if part in chosen}


def files_of(file: Path) -> dict[str, Path]:
    """Find the files of all parts beside one or in folders beside its own, or take it as `train`.

    Raises DataError for two of one part.
    """
    file = from_root(file)
    near, home = Tree(file.parent), file.parent.parent
    alike = [Path(name) for name in near.loose(near.root) if Path(name).suffix.lower() == file.suffix.lower()]
    beside = {name.stem: near.root / name for name in alike}
    folders = {name: home / name / file.name for name in Tree(home).folders(home)}
    for name, others in ((file.stem, beside), (file.parent.name, folders)):
        named = [other for other in _siblings(name, others) if part_of(other) and others[other].is_file()]
        try:
            parts = {part: others[other] for part, other in parts_of(named).items()}
        except DataError as error:
            raise DataError(f"{file}: {error}.") from None
        if file in parts.values():
            return parts
    return {"train": file}


def from_root(path: Path) -> Path:
    """Write a path from the root on, without `..`, which would hide the folder's name."""
    path = path.absolute()
    return path.parent.resolve() / path.name if ".." in path.parts else path


def _siblings(name: str, names: Iterable[str]) -> list[str]:
    """Return the names that differ from one in nothing but the part: `instances_val2017` from `instances_train2017`."""
    return [other for other in names if _pattern(other) == _pattern(name)]


def part_of(name: str) -> str | None:
    """Return the part that a folder is called by, if its name tells one."""
    found = {SYNONYMS[word] for word in _words(name) if word in SYNONYMS}
    return found.pop() if len(found) == 1 else None


def _pattern(name: str) -> str:
    return re.sub(r"[^\W\d_]+", lambda word: "*" if word[0].casefold() in SYNONYMS else word[0], name)


def _words(name: str) -> list[str]:
    """Split a name into its words without nouns, also without those at the end of a part's name: `trainset`."""
    words = [word for word in re.findall(r"[^\W\d_]+", name.casefold()) if word not in NOUNS]
    shorter = [re.sub(f"({'|'.join(NOUNS)})$", "", word) for word in words]
    return [short if short in SYNONYMS else word for word, short in zip(words, shorter, strict=True)]


def _settle(found: dict[str, list[str]]) -> None:
    """Keep of several names of one part those that are nothing but its name, and give what is either to another."""
    either = [name for name in found.get("test", ()) if not EITHER.isdisjoint(_words(name))]
    if either and len(found["test"]) > len(either) and "validation" not in found:
        found["validation"] = either
        found["test"] = [name for name in found["test"] if name not in either]
    for part, names in found.items():
        found[part] = [name for name in names if name.casefold() in SYNONYMS] or names


def _two(names: list[str], part: str) -> DataError:
    one, other = map(readable, names[:2])
    return DataError(f"both '{one}' and '{other}' might be the {part} part; rename one of them, or take it out")
