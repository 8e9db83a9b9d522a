"""What a score must reach to be trained, and searches that ask for it."""

from pathlib import Path

import pytest
from command import Command
from small_searches import SETTINGS

from nas.engine.search import resume, search
from nas.engine.watcher import Watcher
from nas.evaluation.job import Job
from nas.evaluation.scoring import FIRST, bars, below
from nas.record.run import Run
from nas.record.trial import Trial
from nas.space.library import load_architecture, load_space
from nas.space.matching import nearest


def test_the_bar_is_what_the_best_share_reached() -> None:
    scored: list[dict[str, float | None]] = [{"snip": float(i)} for i in range(FIRST)]
    assert bars({"snip": 0.3}, scored) == {"snip": 7.0}
    assert bars({"snip": 0.3}, scored[:-1]) == {}, "too few to compare with"
    eleven: list[dict[str, float | None]] = [{"snip": float(i)} for i in range(11)]
    assert bars({"snip": 0.7}, eleven) == {"snip": 3.0}, "eight of eleven pass, whatever 1 - 0.7 is to floats"
    assert bars({}, scored) == {}


def test_an_undefined_score_is_the_lowest() -> None:
    scored: list[dict[str, float | None]] = [{"snip": None}] * 5 + [{"snip": 1.0}] * 5
    assert bars({"snip": 0.5}, scored) == {"snip": 1.0}
    assert below({"snip": 1.0}, {"snip": None}) == "snip -inf is below 1, which the pre-filter asks for"
    assert below({"snip": 1.0}, {"snip": 1.0}) == ""


def test_only_the_best_share_is_trained(tiny: Path, tmp_path: Path) -> None:
    run = search(
        tiny, budget=8 + FIRST, sampler="random", runs=tmp_path, name="a", prefilter={"params": 0.3}, **SETTINGS
    )
    assert len(run.results) == 8 + FIRST, "what is rejected costs no budget"
    assert len(run.trials) > len(run.results) + 5
    for i, trial in enumerate(run.trials):
        before = [t.metrics["params"] for t in run.trials[:i]]
        beaten = sum(value <= trial.metrics["params"] for value in before)
        good = len(before) < FIRST or beaten - 1 >= (1 - 0.3) * (len(before) - 1)
        assert (trial.state == "complete") == good, trial.number
        assert trial.outcome.scores == {"params": trial.metrics["params"]}
        assert ("train" in trial.outcome.seconds) == good
        assert good or trial.outcome.reason.startswith(f"params {trial.metrics['params']:.6g} is below ")


def test_scores_are_noted_of_every_trial(tiny: Path, tmp_path: Path) -> None:
    names = ("synflow", "naswot", "jacob_cov")
    run = search(tiny, budget=3, runs=tmp_path, name="a", scores=names, **SETTINGS)
    for trial in Run(tmp_path / "a").trials:
        assert tuple(trial.outcome.scores) == names
        assert trial.outcome.seconds["score"] > 0
    assert run.to_frame()["score_synflow"].tolist() == [t.outcome.scores["synflow"] for t in run.trials]


@pytest.mark.long
def test_a_resumed_search_filters_as_an_uninterrupted_one(tiny: Path, tmp_path: Path) -> None:
    settings = SETTINGS | {"budget": FIRST + 3, "prefilter": {"synflow": 0.4}}

    def stop(_: Trial, run: Run) -> None:
        if len(run.trials) == FIRST + 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search(tiny, name="cut", runs=tmp_path, watcher=Watcher(ended=stop), **settings)
    cut = resume(tmp_path / "cut")
    whole = search(tiny, name="whole", runs=tmp_path, **settings)
    assert [(t.key, t.state, t.outcome.reason) for t in cut.trials] == [
        (t.key, t.state, t.outcome.reason) for t in whole.trials
    ]
    assert any(t.state == "rejected" for t in whole.trials)


@pytest.mark.long
def test_known_designs_pass(tiny: Path, tmp_path: Path) -> None:
    jobs: list[Job] = []
    search(
        tiny, budget=FIRST + 4, runs=tmp_path, name="a", prefilter={"snip": 0.1}, sampler="random",
        seed_with=("moat_0",), confirm=0,
        watcher=Watcher(began=lambda job, _: jobs.append(job)), **SETTINGS
    )  # fmt: skip
    fitted = load_space(tiny).fit(resolution=8, channels=1, classes=10)
    design = fitted.replay(nearest(fitted, load_architecture("moat_0"))).key()
    assert [not job.bars for job in jobs] == [True] * FIRST + [False] * (len(jobs) - FIRST)
    assert jobs[0].architecture.key() == design
    late = resume(tmp_path / "a", budget=FIRST + 5)
    assert len(late.results) == FIRST + 5


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--scores", "sinflow"], "unknown score 'sinflow'. Did you mean 'synflow'"),
        (["--prefilter", "sinflow=0.5"], "unknown score 'sinflow'. Did you mean 'synflow'"),
        (["--prefilter", "synflow"], "--prefilter synflow: write SCORE=NUMBER, such as --prefilter jacob_cov=0.5"),
        (["--prefilter", "synflow=50"], "prefilter.synflow: found 50.0; write a number above 0, below 1"),
        (["--prefilter", "synflow=0"], "prefilter.synflow: found 0.0; write a number above 0, below 1"),
    ],
)
def test_a_wrong_score_is_named(words: list[str], says: str, nas: Command, tmp_path: Path) -> None:
    refused = nas("search", "--data", "digits", "--runs", tmp_path / "runs", *words)
    assert refused.status == 2
    assert says in refused.err
    assert not (tmp_path / "runs").exists()
