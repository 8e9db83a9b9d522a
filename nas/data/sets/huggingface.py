"""Data sets of Hugging Face's `datasets`: folders that it wrote, folders that it reads, and names on the hub.

A folder is one of `save_to_disk`, or one of Parquet files or the like that `load_dataset` takes; of the latter a copy
in Arrow's format is kept in the cache folder of nas. Where several columns would do, `?image=COLUMN&label=COLUMN` after
the path chooses; `config=NAME` is one of several configurations.
"""

import io
import os
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from logging import CRITICAL
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import numpy as np
from numpy.typing import NDArray

from nas import files
from nas.data.parts import PARTS, parts_of
from nas.data.pictures import Source
from nas.data.sets import Dataset, divide, existing, spelt
from nas.data.stored import Pictures, screened
from nas.errors import DataError

RESOLUTION = 64
CHOICES = ("image", "label", "config")
LIKELY = {"image": ("image", "img", "picture", "pixel_values"), "label": ("label", "labels", "class", "target", "y")}
HUB_NAME = r"[\w.-]{1,96}(/[\w.-]{1,96})?"
Rows = NDArray[np.int64]
Splits = Mapping[str, Any]
"""The tables of the parts, by name."""


class ArrowPictures(Pictures):
    """The pictures of tables of one column, which stay on disk; `places` are rows of the tables one after another."""

    needs = ("datasets",)

    def __init__(self, tables: Sequence[Any], names: Sequence[str], places: Rows, side: int, channels: int) -> None:
        super().__init__(side, channels)
        self.tables, self.names, self.places = tables, names, places
        self.ends = np.cumsum([len(table) for table in tables])

    def __len__(self) -> int:
        return len(self.places)

    def open(self, row: int) -> Source:
        """Return the encoded picture, or its file, or what `datasets` makes of it where it is neither."""
        table, place = self._at(row)
        (value,) = self.tables[table][place].values()
        if value is None:
            raise ValueError("there is no image")
        if value["bytes"] is not None:
            return io.BytesIO(value["bytes"])
        if Path(value["path"]).is_file():
            return Path(value["path"])
        return _library().Image().decode_example(value)  # type: ignore[no-any-return]

    def name(self, row: int) -> str:
        """Return the part with the picture's row in it."""
        table, place = self._at(row)
        return f"{self.names[table]}[{place}]"

    def take(self, rows: Rows, channels: int) -> "ArrowPictures":
        """Return some of the pictures."""
        return ArrowPictures(self.tables, self.names, self.places[rows], self.side, channels)

    def _at(self, row: int) -> tuple[int, int]:
        place = int(self.places[row])
        table = int(np.searchsorted(self.ends, place, side="right"))
        return table, place - (int(self.ends[table - 1]) if table else 0)


def huggingface(
    path: Path, *, seed: int, resolution: int | None = None, in_memory: bool | None = None, divided: bool = True
) -> Dataset:
    """Read the image column and the class labels, with images scaled and squared as those of folders are.

    Classes are those of a ClassLabel, else the texts or whole numbers that occur. Images without a label are left out.
    Pictures that do not fit in memory are decoded when they are asked for.
    """
    source, choices = _choices(str(path))
    with _quiet():
        loaded = _load(source, choices.get("config"))
        splits = _splits(source, loaded)
        image, label = (_column(source, splits, role, choices.get(role)) for role in ("image", "label"))
        labels, classes = _labels(source, splits, label)
        tables = [_encoded(source, table, image) for table in splits.values()]
    bare = [f"{np.sum(given < 0)} images of {part} (no label)" for part, given in labels.items() if min(given) < 0]
    found = loaded.items() if isinstance(loaded, dict) else ()
    others = [name for name, table in found if len(table) and all(table is not used for used in splits.values())]
    bare += [f"{name} (table of no part)" for name in others]
    parts = np.repeat([PARTS.index(part) for part in labels], [len(given) for given in labels.values()])
    every = np.concatenate(list(labels.values()))
    labelled = np.flatnonzero(every >= 0)
    stored = ArrowPictures(tables, list(splits), labelled, resolution or RESOLUTION, channels=3)
    pictures, readable, skipped, _ = screened(stored)
    kept = labelled[readable]
    sizes = np.bincount(parts[kept], minlength=len(PARTS)).tolist()
    name = f"huggingface:{Path(source).name if _there(source) else source}"
    return divide(
        name, classes, pictures, every[kept], sizes,
        seed=seed, mirror=True, skipped=(*skipped, *bare), in_memory=in_memory, divided=divided,
    )  # fmt: skip


def _choices(text: str) -> tuple[str, dict[str, str]]:
    """Split `PATH?image=COLUMN&label=COLUMN` into the path and the choices."""
    source, _, query = text.partition("?")
    if not query or _there(text):
        return text, {}
    choices = dict(parse_qsl(query, keep_blank_values=True))
    if wrong := [name for name in choices if name not in CHOICES] or ([] if choices else [query]):
        raise DataError(f"huggingface: '{wrong[0]}' after '?' is unknown; write {', '.join(CHOICES)}: "
                        f"{source}?label=COLUMN")  # fmt: skip
    return source, choices


def _there(path: str) -> bool:
    """Tell whether a file or folder is there."""
    return os.path.exists(path)  # noqa: PTH110  (pathlib raises for names that are too long)


def _library() -> Any:
    try:
        import datasets
    except ImportError:
        raise DataError("huggingface: datasets is not installed: pip install 'hybrid-nas[huggingface]'") from None
    return datasets


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the bars and warnings of Hugging Face's libraries off the terminal."""
    utils = [_library().utils, import_module("huggingface_hub.utils")]
    before = [(each.logging.get_verbosity(), each.are_progress_bars_disabled()) for each in utils]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            for each in utils:
                each.logging.set_verbosity(CRITICAL)
                each.disable_progress_bars()
            yield
        finally:
            for each, (level, hidden) in zip(utils, before, strict=True):
                each.logging.set_verbosity(level)
                if not hidden:
                    each.enable_progress_bars()


def _load(source: str, config: str | None) -> Any:
    """Load a folder or a data set of the hub. Raises DataError where that cannot be done."""
    library, folder = _library(), Path(source)
    on_hub = re.fullmatch(HUB_NAME, source) and not _there(source)
    if not on_hub:
        existing("huggingface", folder, folder=True)
    never = (
        {"trust_remote_code": False} if int(library.__version__.split(".")[0]) < 4 else {}
    )  # later ones have no such thing
    try:
        if on_hub:
            _reach(source)
            return library.load_dataset(source, config, **never)
        if any((folder / name).is_file() for name in ("dataset_dict.json", "state.json")):
            return library.load_from_disk(source)
        return library.load_dataset(source, config, cache_dir=str(files.cache_folder() / "huggingface"), **never)
    except DataError:
        raise
    except Exception as error:  # the library's readers may raise anything
        raise DataError(f"huggingface: {source} cannot be loaded: {' '.join(str(error).split())[:300]}") from error


def _reach(name: str) -> None:
    """Raise DataError in a moment where the hub does not answer; the library itself tries for half a minute."""
    import huggingface_hub
    from huggingface_hub.errors import RepositoryNotFoundError

    if huggingface_hub.constants.HF_HUB_OFFLINE:
        return
    try:
        huggingface_hub.HfApi().dataset_info(name, timeout=10)
    except RepositoryNotFoundError:
        raise DataError(f"huggingface: neither a folder nor a data set of the hub is called {name}") from None
    except Exception as error:
        raise DataError(
            f"huggingface: no folder is called {name}, and the hub does not answer ({type(error).__name__}: {error}). "
            "Name a folder; or, for a data set that was fetched before, set HF_HUB_OFFLINE=1 to read the hub's cache."
        ) from error


def _splits(source: str, loaded: Any) -> Splits:
    """Return the tables of the parts, by the names of parts here; one table alone is `train`."""
    found = dict(loaded) if isinstance(loaded, dict) else {"train": loaded}
    if len(found) == 1:
        found = {"train": next(iter(found.values()))}
    try:
        splits = {part: found[name] for part, name in parts_of(found).items()}
    except DataError as error:
        raise DataError(f"huggingface: {source}: {error}") from None
    if "train" not in splits:
        raise DataError(f"huggingface: {source} has the parts {', '.join(found)}, but none that is called train")
    return {part: table for part, table in splits.items() if len(table)}


def _encoded(source: str, table: Any, column: str) -> Any:
    """Return a table of the one column, which is not to be decoded. Raises DataError if it holds no images."""
    try:
        return table.select_columns([column]).cast_column(column, _library().Image(decode=False))
    except Exception as error:  # of several sorts
        raise DataError(f"huggingface: {source}: column {column} is missing or holds no images") from error


def _column(source: str, splits: Splits, role: str, chosen: str | None) -> str:
    """Find the column of the images or of the labels. Raises DataError where none or several might be it."""
    library, features = _library(), splits["train"].features
    if chosen is not None:
        if chosen not in features:
            raise DataError(f"huggingface: {source} has no column {chosen}: {', '.join(features)}")
        return chosen
    kind = library.Image if role == "image" else library.ClassLabel
    found = [name for name, feature in features.items() if isinstance(feature, kind)]
    if role == "label" and not found:
        found = [name for name, feature in features.items() if _plain(feature)]
    likely = [name for name in LIKELY[role] if name in found]
    if len(found) == 1 or likely:
        return (likely or found)[0]
    if not found:
        raise DataError(f"huggingface: {source} has no column of {role}s: {', '.join(features)}")
    raise DataError(f"huggingface: {source} has several columns that may be the {role}s: {', '.join(found)}; "
                    f"write {source}?{role}={found[0]}")  # fmt: skip


def _plain(feature: object) -> bool:
    """Tell whether a column holds texts or whole numbers."""
    return str(getattr(feature, "dtype", "")).startswith(("string", "large_string", "int", "uint", "bool"))


def _labels(source: str, splits: Splits, column: str) -> tuple[dict[str, Rows], tuple[str, ...]]:
    """Return the numbers of the classes, -1 where an image has none, for each part, and the names of the classes."""
    feature = splits["train"].features[column]
    if other := [part for part, table in splits.items() if table.features.get(column) != feature]:
        raise DataError(f"huggingface: {source} has other labels in {other[0]} than in train, column {column}")
    given = {part: [*map(spelt, table[column][:])] for part, table in splits.items()}
    names = getattr(feature, "names", None)
    if names is None and not _plain(feature):
        raise DataError(f"huggingface: {source}: column {column} holds neither classes, texts nor whole numbers")
    values = range(len(names)) if names else sorted({v for part in given.values() for v in part if v is not None})
    numbers = {value: number for number, value in enumerate(values)}
    labels = {part: np.array([numbers.get(v, -1) for v in found], np.int64) for part, found in given.items()}
    return labels, tuple(names or map(str, values))
