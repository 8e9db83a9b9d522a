"""What begins in a search, and when."""

from run_fixtures import empty_run

from nas.engine.executors import Ask
from nas.engine.jobs import Jobs
from nas.engine.plan import plan_of
from nas.engine.proposer import Proposer
from nas.engine.watcher import Watcher
from nas.evaluation.job import Job, Outcome
from nas.record.run import Run


class Clock(Proposer):
    """A proposer whose time is set."""

    seconds = 0.0

    def elapsed(self) -> float:
        return self.seconds


def test_a_network_chosen_ahead_does_not_begin_when_the_time_is_over(tmp_path):
    budget = {"trials": None, "seconds": 30.0}
    run = empty_run(tmp_path / "a", budget=budget, workers=2, objectives=("accuracy", "macs"), confirm=0)
    begun: list[int] = []
    watcher = Watcher(began=lambda job, run: begun.append(job.number))
    proposer = Clock(run, plan_of(run), watcher)
    jobs = Jobs(run, watcher, proposer)
    ask = Ask(jobs.choose, jobs.begin)
    first = ask()
    proposer.seconds = 29.0
    ask.ahead()
    assert begun == [0], "a network was said to begin when it was chosen"
    assert isinstance(first, Job)
    jobs.tell(first, Outcome("complete", {"accuracy": 0.5, "macs": 1.0}))
    proposer.seconds = 31.0
    assert ask() is None
    assert begun == [0]
    (left,) = Run(tmp_path / "a").interrupted()
    again = Clock(Run(tmp_path / "a"), plan_of(run), watcher).ask()
    assert isinstance(again, Job)
    assert again.architecture == run.space.replay(left), "the next start does not take it up"
