"""The errors that nas raises on purpose.

NasError
├── UserError (ValueError)      an input is wrong: exit status 2
│   ├── SpaceError              a search space or an architecture
│   ├── SettingError            an option of a command or of `nas.search`
│   └── DataError               a data set
├── RunError (RuntimeError)     the run failed: exit status 1
│   └── DivergedError           a training's loss or answers, which fails only its trial
└── TimeLimitError              a trial's time is over, which fails only that
"""

import re
import reprlib
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

LONGEST = 300  # characters of another library's error, or of a value, that a message repeats
PLUGIN = "__plugin__"
"""The global name that a plug-in file has, once it is a module."""
WORD = re.compile(rf"""[^\s/,'"]{{{LONGEST},}}""")  # longer than any file's name


class _Brief(reprlib.Repr):
    """Values in few words, arrays by their shapes."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring, self.maxother = LONGEST, LONGEST // 3

    def repr_ndarray(self, array: Any, level: int) -> str:
        """Write the type of an array of NumPy, or a tensor, and its shape."""
        return f"{type_name(array)} of shape {tuple(array.shape)}"

    repr_Tensor = repr_ndarray  # noqa: N815  (named after the type)


_BRIEF = _Brief()


class NasError(Exception):
    """The root of the tree. Its message is written for a person and cuts endless words."""

    def __str__(self) -> str:
        return WORD.sub(lambda found: f"{found[0][: LONGEST // 3]}...", super().__str__())


class UserError(NasError, ValueError):
    """An input is wrong. The message says where, what was found and what to write instead."""


class SpaceError(UserError):
    """A search space or an architecture breaks the grammar or a block's rule."""


class SettingError(UserError):
    """An option of a command, or an argument of a public function, is not allowed."""


class DataError(UserError):
    """A data set is missing, unreadable or useless for training."""


class RunError(NasError, RuntimeError):
    """A run failed for a reason other than its inputs."""


class DivergedError(RunError):
    """A training's loss, or an answer of its network, is no longer a finite number."""


class TimeLimitError(NasError):
    """Raised in a trial that takes longer than its limit. No fault of what was just running."""


@contextmanager
def told_as(what: str, has: str = "", *, direct: bool = True, lends: bool = False) -> Iterator[None]:
    """Tell that a function from outside nas, called within, failed: `what` it is, its file and the last line there.

    `has` says what it was handed, where it may have asked that for something else. One that is not called in a `direct`
    way has others between, so that its line is told only where it is of a plug-in file; lines of nas never are. What
    fails in functions of nas that it `lends` passes as it is, as does a lack of memory. Raises SettingError.
    """
    try:
        yield
    except (NasError, MemoryError):
        raise
    except Exception as error:
        every = [*traceback.walk_tb(error.__traceback__)]
        frames = [found for found in every if not _is_ours(found[0])]
        lent = lends and frames and any(_is_ours(frame) for frame, _ in every[every.index(frames[0]) :])
        if lent or type(error).__name__ == "OutOfMemoryError":  # that of torch
            raise
        ours = [frame for frame, _ in frames if PLUGIN in frame.f_globals] or [frame for frame, _ in frames if direct]
        files = [frame.f_code.co_filename for frame in ours[:1]]
        lines = [line for frame, line in frames if frame.f_code.co_filename in files]
        where = f"{files[0]}:{lines[-1]}: " if files else ""
        wrong = isinstance(error, AttributeError | TypeError | NameError)
        more = f". {has}" if has and wrong else ""
        raise SettingError(f"{where}{what}: {in_one_line(error)}{more}") from error


def _is_ours(frame: FrameType) -> bool:
    """Tell whether a frame is one of nas, or of what makes a decorator of a context manager."""
    return frame.f_globals.get("__name__", "").split(".")[0] in ("nas", "contextlib")


def brief(value: object) -> str:
    """Write a value in one line as Python does, cut where it is long: an array may have been passed by mistake.

    What Python writes with its address is named by its type.
    """
    text = " ".join(_BRIEF.repr(value).split())
    if " at 0x" in text:
        return type_name(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def option_text(name: str, flag: str = "") -> str:
    """Write an option as it is typed: by its flag, which is made of its name unless told."""
    return flag or f"--{name.replace('_', '-')}"


def type_name(value: object) -> str:
    """Name the type of a value as it is imported: `numpy.ndarray`."""
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def first_line(error: BaseException) -> str:
    """Return the first line of an error's text, or the name of its type where it has none."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)[:LONGEST]


def in_one_line(error: BaseException) -> str:
    """Return the type of an error and the first line of its text."""
    name, text = type(error).__name__, first_line(error)
    return name if text == name else f"{name}: {text}"
