"""In this process, one trial after the other."""

from nas.executors._base import Ask, Evaluate, Tell


def local(ask: Ask, tell: Tell, evaluate: Evaluate) -> None:
    """Ask, evaluate and tell until there is nothing more to ask."""
    while (job := ask()) is not None:
        tell(job, evaluate(job))
