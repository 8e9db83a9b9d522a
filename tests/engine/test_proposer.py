"""What the study learns of trials that have no values."""

import numpy as np
import pytest
from run_fixtures import empty_run

from nas.engine.plan import plan_of
from nas.engine.proposer import Proposer, make_problem
from nas.engine.watcher import Watcher
from nas.evaluation.job import Job, Outcome
from nas.record.run import Run


def outcome_of(job: Job, state: str) -> Outcome:
    """Networks that end in attention have no values."""
    if job.architecture.stages[-1].block in ("transformer", "moat"):
        return Outcome(state, {"params": 1.0}, reason="out of memory")  # type: ignore[arg-type]
    size = sum(stage.depth * stage.width for stage in job.architecture.stages)
    return Outcome("complete", {"accuracy": 1 - 20 / size, "macs": size / 100})


@pytest.mark.parametrize("state", ["failed", "rejected"])
def test_tpe_leaves_a_region_that_fails(tmp_path, state):
    """Half of the space fails; of the later proposals few lie there, in a resumed search too."""
    run = empty_run(tmp_path / "a", sampler="tpe", budget={"trials": 1000}, objectives=("accuracy", "macs"))
    proposer = Proposer(run, plan_of(run), Watcher())
    for number in range(90):
        if number == 60:
            run = Run(tmp_path / "a")
            proposer = Proposer(run, plan_of(run), Watcher())
        job = proposer.ask()
        proposer.tell(job, outcome_of(job, state))
    failing = np.array([trial.state == state for trial in proposer.run.trials])
    assert failing[:20].sum() >= 3
    assert failing[-50:].mean() <= 0.2
    states = [trial.state.name for trial in Run(tmp_path / "a").study().trials]
    assert [bool(failed) for failed in failing] == [name == "PRUNED" for name in states if name != "FAIL"]


def test_costs_are_told_of_decisions_that_are_known_in_part(tmp_path):
    """A sampler that never met a rare decision knows neither it nor when it arises."""
    run = empty_run(tmp_path / "a", objectives=("accuracy", "macs"))
    cheap = make_problem(run, plan_of(run).limits).cheap
    decisions, _ = run.space.record(lambda _, values: values[0])
    del decisions[list(decisions)[-1]]
    assert cheap(decisions | {"stages.0.nowhere.width": 8}) == cheap(run.space.record(lambda _, v: v[0])[0])
