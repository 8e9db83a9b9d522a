"""A run as a table: one row a trial."""

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from nas.evaluation.job import Outcome
from nas.record.results import Result
from nas.record.trial import Trial

if TYPE_CHECKING:
    import pandas as pd


def frame(
    trials: Iterable[Trial],
    results: Mapping[int, Result],
    front: Container[int],
    trained: Sequence[str],
    fell: Mapping[int, Outcome],
) -> "pd.DataFrame":
    """State, layout, metrics, how often it was trained again, zero-cost scores, seconds and decisions of each trial.

    `results` are those of the complete trials by number; `front` holds the numbers of the trials on the front,
    `trained` the objectives that are known only after training, `fell` has the ends of those that failed later.
    """
    import pandas as pd

    return pd.DataFrame(
        [
            _row(
                trial, results.get(trial.number), trial.number in front, trained, fell.get(trial.number, trial.outcome)
            )
            for trial in trials
        ]
    )


def _row(
    trial: Trial, result: Result | None, on_front: bool, trained: Sequence[str], end: Outcome
) -> dict[str, object]:
    again = _further(result, trained) if result else {}
    scores = {f"score_{name}": value for name, value in trial.outcome.scores.items()}
    return {
        "number": trial.number,
        "state": end.state,
        "on_front": on_front,
        **({"rung": result.rung} if result else {}),
        "layout": trial.layout,
        "key": trial.key,
        **(result.metrics if result else trial.metrics),
        **again,
        **scores,
        "seconds": sum(trial.outcome.seconds.values()),
        "reason": end.reason,
        **trial.decisions,
    }


def _further(result: Result, trained: Sequence[str]) -> dict[str, float]:
    """How often a trial was trained again, its intervals, and what its own training came to where that differs."""
    if not result.trainings and all(result.first[name] == result.metrics[name] for name in trained):
        return {}
    intervals = {f"{name}_interval": half_width for name, half_width in result.intervals.items()}
    return {"trainings": result.trainings} | intervals | {f"{name}_first": result.first[name] for name in trained}
