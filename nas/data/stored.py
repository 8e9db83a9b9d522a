"""Pictures that are decoded when they are asked for, so that they may be more than fit in memory.

A data set may hold them in place of an array: both are asked for `images[rows]`.
"""

import math
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nas.data.pictures import Source, cause, header, planes, read_picture
from nas.errors import DataError
from nas.files import readable

IN_MEMORY = 2 * 2**30
"""Bytes of pixels up to which a data set is read into memory, unless its reader is told otherwise."""

Rows = NDArray[np.int64]


class Decoded(NamedTuple):
    """Pixels `(channels, side, side)`, where they were decoded, whether the picture is grey, and what is wrong with it.

    `wrong` begins with the picture's name, and is empty where nothing is. `size` is the picture's own width and height.
    """

    pixels: NDArray[np.uint8] | None = None
    grey: bool = False
    wrong: str = ""
    size: tuple[int, int] = (0, 0)


class Pictures(ABC):
    """Square pictures of one size that are decoded when rows are asked for: `pictures[rows]`, as of an array.

    A kind of them says how many there are, what `read_picture` takes for a row, what people call it, and how some of
    them are taken. It must pickle without pixels, for the processes that decode. Pictures are cropped to squares, or
    lie `whole` in one.
    """

    dtype = np.dtype(np.uint8)
    needs: ClassVar[tuple[str, ...]] = ()
    """Modules that these processes are to load, beforehand where they can."""

    def __init__(self, side: int, channels: int, *, whole: bool = False) -> None:
        self.side, self.channels, self.whole = side, channels, whole

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of pictures."""

    @abstractmethod
    def open(self, row: int) -> Source:
        """Return a picture as `read_picture` takes it. May raise anything for one that is damaged."""

    @abstractmethod
    def name(self, row: int) -> str:
        """Return what people call a picture, such as its file."""

    @abstractmethod
    def take(self, rows: Rows, channels: int) -> "Pictures":
        """Return the pictures of these rows alone, decoded with so many channels."""

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Images, channels, height and width."""
        return len(self), self.channels, self.side, self.side

    def read(self, row: int) -> Decoded:
        """Decode one picture, or say why that cannot be done."""
        source = None
        try:
            source = self.open(row)
            picture = read_picture(source, self.side, whole=self.whole)
            return Decoded(planes(picture.pixels, self.channels), picture.grey, size=picture.size)
        except Exception as error:  # Pillow's readers may raise anything on damaged files
            return self._wrong(row, source, error)

    def look(self, row: int) -> Decoded:
        """Do the same by the header alone, without pixels; damage behind it is not seen."""
        source = None
        try:
            source = self.open(row)
            grey, size = header(source)
            return Decoded(grey=grey, size=size)
        except Exception as error:  # as above
            return self._wrong(row, source, error)

    def _wrong(self, row: int, source: object, error: Exception) -> Decoded:
        """Name a picture and, in a line, the cause why it cannot be read."""
        return Decoded(wrong=f"{self.name(row)} ({cause(source, error)})")

    def __getitem__(self, rows: Any) -> NDArray[np.uint8]:
        """Decode the pictures of a row, a slice or an array of rows. Raises DataError, naming an unreadable one."""
        chosen = np.arange(len(self))[rows]
        gathered = gather(self, np.atleast_1d(chosen))
        if gathered.unreadable:
            raise DataError(f"{gathered.unreadable[0]}: cannot be read as an image.")
        return gathered.pixels if np.ndim(chosen) else gathered.pixels[0]


class StoredPictures(Pictures):
    """The pictures of files, which `names` gives relative to a folder."""

    def __init__(self, folder: Path, names: Iterable[str], side: int, channels: int, *, whole: bool = False) -> None:
        super().__init__(side, channels, whole=whole)
        self.folder, self.names = folder, Names(names)

    def __len__(self) -> int:
        return len(self.names)

    def open(self, row: int) -> Path:
        """Return the picture's file."""
        return self.folder / self.names[row]

    def name(self, row: int) -> str:
        """Return the file's path below the folder, as text."""
        return readable(self.names[row])

    def take(self, rows: Rows, channels: int) -> "StoredPictures":
        """Return the pictures of some files."""
        names = (self.names[row] for row in rows.tolist())
        return StoredPictures(self.folder, names, self.side, channels, whole=self.whole)


class Names:
    """Texts in one piece of memory: a list of a million paths takes five times as much, in every process."""

    def __init__(self, names: Iterable[str]) -> None:
        encoded = [os.fsencode(name) for name in names]
        self._text = b"".join(encoded)
        self._ends = np.cumsum([0, *map(len, encoded)])

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, row: int) -> str:
        return os.fsdecode(self._text[self._ends[row] : self._ends[row + 1]])


Pixels = NDArray[np.uint8] | Pictures
"""Images uint8 `(images, channels, height, width)`, in memory or decoded when they are asked for."""


class Gathered(NamedTuple):
    """What rows of images hold.

    `pixels` are those of the readable ones, `readable` says which of the rows these are, `unreadable` names the others
    with what is wrong.
    """

    pixels: NDArray[np.uint8]
    readable: NDArray[np.bool_]
    unreadable: list[str]


Spread = Callable[..., Iterable[Any]]
"""`map`, or that of a pool of threads: Pillow decodes and resizes outside the interpreter's lock."""


def gather(images: Pixels, rows: Rows, spread: Spread = map) -> Gathered:
    """Read rows of images in their order, without those that are unreadable; `spread` shares the work."""
    if isinstance(images, np.ndarray):
        return Gathered(images[rows], np.ones(len(rows), bool), [])
    pixels = np.empty((len(rows), *images.shape[1:]), np.uint8)

    def read(place: int) -> str:
        reading = images.read(int(rows[place]))
        if reading.pixels is not None:
            pixels[place] = reading.pixels
        return reading.wrong

    wrong = _each(read, len(rows), spread)
    readable = np.array([not text for text in wrong], bool)
    return Gathered(pixels if readable.all() else pixels[readable], readable, [text for text in wrong if text])


class Screened(NamedTuple):
    """Pictures that look readable: which of the rows they are, and the others' names with what is wrong.

    `sizes` are the readable ones' own widths and heights, `(pictures, 2)`.
    """

    pictures: Pictures
    readable: NDArray[np.bool_]
    skipped: tuple[str, ...]
    sizes: NDArray[np.int64]


def screened(pictures: Pictures) -> Screened:
    """Look at the headers of pictures with three channels; of those left, all grey, there is one."""
    with ThreadPoolExecutor() as pool:
        readings = _each(pictures.look, len(pictures), pool.map)
    readable = np.array([not reading.wrong for reading in readings], bool)
    grey = all(reading.grey for reading in readings if not reading.wrong)
    skipped = tuple(reading.wrong for reading in readings if reading.wrong)
    sizes = np.array([reading.size for reading in readings if not reading.wrong], np.int64).reshape(-1, 2)
    return Screened(pictures.take(np.flatnonzero(readable), 1 if grey else 3), readable, skipped, sizes)


def _each(look: Callable[[int], Any], count: int, spread: Spread) -> list[Any]:
    """Call a function of so many numbers, several a piece of work."""
    size = min(max(count // 64, 1), 64)
    pieces = (range(start, min(start + size, count)) for start in range(0, count, size))
    return list(chain.from_iterable(spread(lambda places: [look(place) for place in places], pieces)))


def fits(pictures: Pictures) -> bool:
    """Tell whether pictures are few enough to be read into memory unasked."""
    return math.prod(pictures.shape) <= IN_MEMORY


def memory() -> int:
    """Return the bytes of memory that this process may take: the machine's, or those of its container."""
    sizes = [int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))] if hasattr(os, "sysconf") else [2**34]
    for file in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with suppress(OSError, ValueError):  # none there, or no limit: "max"
            sizes.append(int(Path(file).read_text()))
    return min(sizes)
