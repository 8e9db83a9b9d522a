"""The limits of a search: whether its front stands at one, and how much of what was proposed they rejected."""

from collections.abc import Sequence

from nas.evaluation import units
from nas.evaluation.catalogue import objective
from nas.record.results import Result
from nas.record.run import Run

NEAR, BOUND = 0.05, 0.25  # of a limit: how near is at it, and the share of the front there that makes it bind
REFUSED = 0.5  # the share of proposals that limits may reject


def standing(run: Run, front: Sequence[Result]) -> list[str]:
    """Say of each limit at which the front stands that it ends the front.

    Where values are predicted that is as near as the doubt of predictions lets a network come.
    """
    said = []
    for sign, name, limit in _sides(run):
        known = [result.metrics[name] for result in front if name in result.metrics]
        doubt = run.predictor_error.get("above", 0.0) if sign == "≤" and objective(name).predictable else 0.0
        end = limit / (1 + doubt)
        near = sum(abs(value - end) <= NEAR * end for value in known)
        if near and near >= BOUND * len(known):
            kept = f", which predictions keep up to {units.show(name, end)}" if doubt else ""
            verb = "is" if near == 1 else "are"
            said.append(f"{near} of the front's {len(front)} networks {verb} within {100 * NEAR:.0f} % of the limit "
                        f"{_limit(sign, name, limit)}{kept}: it, not the space, ends the front there.")  # fmt: skip
    return said


def refused(run: Run) -> tuple[int, int]:
    """Count the proposals that broke a limit, when they were measured or foreseen, and all proposals."""
    foreseen = sum(not one.repeats for trial in run.trials for one in trial.passed)  # which became no trials
    return sum(trial.state == "rejected" for trial in run.trials) + foreseen, len(run.trials) + foreseen


def rejecting(run: Run) -> list[str]:
    """Say which limits rejected most of what was proposed; of several, which is known only where it was measured."""
    (rejected, proposals), sides = refused(run), _sides(run)
    broken = [trial.outcome.reason for trial in run.trials if trial.state == "rejected"]
    said = []
    for sign, name, limit in sides:
        own = sum(why.startswith(f"{name} ") and (" is above " in why) == (sign == "≤") for why in broken)
        count = rejected if len(sides) == 1 else own
        if count >= REFUSED * proposals:
            said.append(f"The limit {_limit(sign, name, limit)} rejected {count:,} of {proposals:,} proposals: a "
                        "space that fits it would be searched better.")  # fmt: skip
    if len(sides) > 1 and rejected - len(broken) >= REFUSED * proposals:
        said.append(f"The limits together rejected {rejected:,} of {proposals:,} proposals: a space that fits them "
                    "would be searched better.")  # fmt: skip
    return said


def _sides(run: Run) -> list[tuple[str, str, float]]:
    above = [("≤", name, limit) for name, limit in run.config.maximum.items()]
    return above + [("≥", name, limit) for name, limit in run.config.minimum.items()]


def _limit(sign: str, name: str, limit: float) -> str:
    return f"{units.words(name)} {sign} {units.show(name, limit)}"
