"""In this process, one trial after the other."""

from nas.costs.turns import Turns
from nas.evaluation.job import Ask, Placement, Prepare, Tell, attempt


def local(ask: Ask, tell: Tell, prepare: Prepare, placement: Placement) -> None:
    """Ask, evaluate and tell until there is nothing more to ask."""
    evaluate = prepare(Turns())
    while (job := ask()) is not None:
        tell(job, attempt(evaluate, job, placement.trial_timeout))
