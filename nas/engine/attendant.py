"""The attendant of a full training, which is told its progress and may ask it to stop."""

from collections.abc import Callable
from dataclasses import dataclass

from nas.data import Dataset
from nas.engine.watcher import functions_of
from nas.record.trained import Trained
from nas.training.full.progress import Epoch, Progress


@dataclass(frozen=True)
class Attendant:
    """The functions that a training calls as it goes on, and the question whether it should stop.

    `began` is called with what was found, `stepped` after every step, with the loss where it is known, `judged` when an
    epoch is on disk, `ending` before the best one is judged on the test part. `noted` takes lines of text.
    """

    began: Callable[[Trained, Dataset, Progress], None] = lambda trained, dataset, progress: None
    stepped: Callable[[Progress, float | None], None] = lambda progress, loss: None
    judged: Callable[[Epoch, Progress], None] = lambda epoch, progress: None
    noted: Callable[[str], None] = lambda line: None
    stop: Callable[[], bool] = lambda: False
    ending: Callable[[], None] = lambda: None


def attendant_of(given: Attendant | None) -> Attendant:
    """Return a training's attendant, one that does nothing for None. Raises SettingError for what is no attendant."""
    return functions_of(given, Attendant(), "noted")
