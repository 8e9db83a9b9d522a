"""A run as a table: one row a trial."""

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nas.evaluation.job import Outcome
from nas.record.chosen import chosen, decided
from nas.record.results import Result
from nas.record.trial import Trial

if TYPE_CHECKING:
    import pandas as pd

ALWAYS = {"number": int, "state": str, "on_front": bool, "layout": str, "key": str, "seconds": float, "reason": str}
"""The columns of a table without a row."""


def frame(
    trials: Iterable[Trial],
    results: Mapping[int, Result],
    front: Container[int],
    trained: Sequence[str],
    fell: Mapping[int, Outcome],
) -> "pd.DataFrame":
    """State, layout, metrics, trainings that they are the mean of, zero-cost scores, seconds, decisions of each trial.

    Below the last rung metrics are those expected there, beside what was reached. Each column is of one type: decisions
    that are a number in one block and a word in another are text. `results` are those of the complete trials by number;
    `front` holds the numbers of the trials on the front, `trained` the objectives that are known only after training,
    `fell` has the ends of those that failed later.
    """
    import pandas as pd

    trials = list(trials)
    names = decided(trials)
    rows = [
        _row(trial, results.get(trial.number), trial.number in front, trained, fell.get(trial.number, trial.outcome))
        | chosen(trial, names)
        for trial in trials
    ]
    if not rows:
        return pd.DataFrame(columns=[*ALWAYS]).astype(ALWAYS)
    columns = pd.DataFrame(rows, dtype=object).items()
    return pd.DataFrame({name: _of_one_type(column) for name, column in columns})


def _of_one_type(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Give a column one type, what is missing aside: that of its values where they have one, else text."""
    kinds = {type(value) for value in column.dropna()}
    if kinds <= {int, float}:
        whole = kinds == {int}
        return column.astype(("Int64" if column.hasnans else "int64") if whole else "float64")
    if kinds == {bool}:
        return column.astype("boolean" if column.hasnans else "bool")
    return column.map(str, na_action="ignore")


def _row(
    trial: Trial, result: Result | None, on_front: bool, trained: Sequence[str], end: Outcome
) -> dict[str, object]:
    again = _further(result, trained) if result else {}
    scores = {f"score_{name}": value for name, value in trial.outcome.scores.items()}
    return {
        "number": trial.number,
        "state": end.state,
        "on_front": on_front,
        **({"rung": result.rung, "trainings": result.trainings} if result else {}),
        "layout": trial.layout,
        "key": trial.key,
        **(result.metrics if result else trial.metrics),
        **again,
        **scores,
        "seconds": trial.outcome.took,
        "reason": end.reason,
    }


def _further(result: Result, trained: Sequence[str]) -> dict[str, float]:
    """A trial's intervals, and what its own training came to where that differs."""
    if not result.repeats and all(result.first[name] == result.metrics[name] for name in trained):
        return {}
    intervals = {f"{name}_interval": half_width for name, half_width in result.intervals.items()}
    return intervals | {f"{name}_first": result.first[name] for name in trained}
