"""Whether a search has come to the end of its space, so that no budget brings more networks."""

from nas.record.environment import last_start
from nas.record.run import Run


def exhausted(run: Run) -> str:
    """Say that a search ended as no network was left to train, and why, or return an empty text."""
    size, keys = last_start(run.environment).get("exhausted"), {trial.key for trial in run.trials}
    if not size:
        return ""
    if len(keys) < size:
        limited = " that keeps every limit" if run.config.maximum or run.config.minimum else ""
        return f"no further network of the space was found{limited}"
    done = "trained" if all(trial.state == "complete" for trial in run.trials) else "tried"
    return f"all {size} networks of the space were {done}" if size > 1 else f"the space's one network was {done}"
