"""What an executor is given and what it gives back: plain data, so that it may cross processes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from nas.architecture import Architecture


@dataclass(frozen=True)
class Job:
    """One architecture to evaluate; `seed` decides initial weights, order and augmentation."""

    number: int
    architecture: Architecture
    seed: int


@dataclass(frozen=True)
class Outcome:
    """What became of a job; see `nas.run.Trial` for the fields."""

    state: Literal["complete", "failed", "rejected"]
    metrics: dict[str, float] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    reason: str = ""


Ask = Callable[[], Job | None]
"""The next job, or None when the search is over."""

Tell = Callable[[Job, Outcome], None]
"""Takes a finished job; when it returns, the result is on disk."""

Evaluate = Callable[[Job], Outcome]
