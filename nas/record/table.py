"""A run as a table: one row a trial."""

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from nas.record.results import Result
from nas.record.trial import Trial

if TYPE_CHECKING:
    import pandas as pd


def frame(
    trials: Iterable[Trial], results: Mapping[int, Result], front: Container[int], trained: Sequence[str]
) -> "pd.DataFrame":
    """State, layout, metrics, how often it was trained again, zero-cost scores, seconds and decisions of each trial.

    `results` are those of the complete trials by number; `front` holds the numbers of the trials on the front,
    `trained` the objectives that are known only after training.
    """
    import pandas as pd

    return pd.DataFrame([_row(trial, results.get(trial.number), trial.number in front, trained) for trial in trials])


def _row(trial: Trial, result: Result | None, on_front: bool, trained: Sequence[str]) -> dict[str, object]:
    again = _confirmed(result, trained) if result and result.trainings else {}
    scores = {f"score_{name}": value for name, value in trial.outcome.scores.items()}
    return {
        "number": trial.number,
        "state": trial.state,
        "on_front": on_front,
        **({"rung": result.rung} if result else {}),
        "layout": trial.layout,
        "key": trial.key,
        **(result.metrics if result else trial.metrics),
        **again,
        **scores,
        "seconds": sum(trial.outcome.seconds.values()),
        "reason": trial.outcome.reason,
        **trial.decisions,
    }


def _confirmed(result: Result, trained: Sequence[str]) -> dict[str, float]:
    """How often a trial was trained again, its intervals, and the values of its first training."""
    intervals = {f"{name}_interval": half_width for name, half_width in result.intervals.items()}
    return {"trainings": result.trainings} | intervals | {f"{name}_first": result.first[name] for name in trained}
