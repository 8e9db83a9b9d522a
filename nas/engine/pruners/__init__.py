"""Pruners stop trainings that cannot matter: one a file, each a function `name(curves) -> Judge | None`."""

from dataclasses import dataclass

from nas.pareto import Points


@dataclass(frozen=True)
class Curves:
    """The trainings that ran to their end, for a pruner to compare with.

    `points` are their objectives `(trials, objectives)`, of which the column `trained` is known only after training;
    `losses` are their mean training losses up to each rung `(trials, rungs)`.
    """

    objectives: tuple[str, ...]
    maximize: tuple[bool, ...]
    trained: int
    points: Points
    losses: Points
