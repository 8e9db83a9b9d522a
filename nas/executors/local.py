"""In this process, one trial after the other."""

from nas.executors._base import Ask, Placement, Prepare, Tell, attempt
from nas.turns import Turns


def local(ask: Ask, tell: Tell, prepare: Prepare, placement: Placement) -> None:
    """Ask, evaluate and tell until there is nothing more to ask."""
    evaluate = prepare(Turns())
    while (job := ask()) is not None:
        tell(job, attempt(evaluate, job, placement.trial_timeout))
