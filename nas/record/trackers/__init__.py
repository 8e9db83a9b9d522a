"""Trackers: tools in which a team follows searches and trainings, one a file, each an extra.

What a tracker is told can be read in the record, so that one which fails, or comes later, lacks nothing but time.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

End = Literal["finished", "interrupted", "failed"]
Values = Mapping[str, float]


@dataclass(frozen=True)
class Subject:
    """What is followed: the search or the training in a folder, as one of an experiment, with its settings."""

    folder: Path
    experiment: str
    settings: Mapping[str, str]


class Tracker(ABC):
    """Follows one search or training. A file of this folder holds a class named like the file.

    An instance is made as a search begins. Its methods are called one after the other, in a thread beside the search:
    they may take their time, and raise anything, which ends the following alone.
    """

    @staticmethod
    def missing() -> str:
        """Say in words why it cannot be used on this machine, with the extra to install, or nothing."""
        return ""

    @abstractmethod
    def begin(self, subject: Subject) -> int:
        """Begin to follow, or go on, and return the last step that was noted, 0 for none."""

    @abstractmethod
    def note(self, step: int, values: Values) -> None:
        """Take the values of a step; steps rise."""

    @abstractmethod
    def end(self, ending: End, files: Sequence[Path]) -> None:
        """Take the end, with the files to keep, those that exist."""
