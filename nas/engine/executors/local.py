"""Run trials in this process, one after the other."""

from collections.abc import Callable

from nas.costs.turns import Turns
from nas.engine.attempt import attempt
from nas.engine.executors import Answer, Ask, Placement, Tell
from nas.evaluation.job import Prepare


class Local:
    """Runs trials in this process, one after the other."""

    def execute(self, ask: Ask, tell: Tell, prepare: Prepare, placement: Placement) -> None:
        """Ask, evaluate and tell until there is nothing more to ask."""
        evaluate = prepare(Turns())
        while (job := ask()) is not None:
            tell(job, attempt(evaluate, job, job.limit(placement.trial_timeout)))

    def there(self, look: Callable[[], Answer], placement: Placement) -> Answer:
        """Call the function here, where trials run."""
        return look()


local = Local()
