"""A run that version 0.1.0 left, kept as files: with warm start, two workers, scores, a pre-filter, confirmation."""

import json
import shutil
from pathlib import Path

import pytest
import torch

import nas
from nas.costs.deployment import device_name
from nas.record.run import Run
from nas.record.trial import Origin
from nas.report.page import write_report

KEPT = Path(__file__).parent / "run_0_1_0"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(shutil.copytree(KEPT, tmp_path / "old"))


def lines(name: str) -> list[dict]:
    return [json.loads(line) for line in (KEPT / name).read_text().splitlines()]


def test_every_trial_has_what_its_line_says(run):
    old = lines("trials.jsonl")
    assert len(run.trials) == len(old) > 50
    assert {trial.state for trial in run.trials} == {"complete", "failed", "rejected"}
    for trial, line in zip(run.trials, old, strict=True):
        outcome, details = trial.outcome, line["details"]
        assert (trial.number, trial.key, trial.layout) == (line["number"], line["key"], line["layout"])
        assert (trial.decisions, trial.sampler, trial.ended) == (line["decisions"], line["sampler"], line["ended"])
        state = "failed" if line["state"] == "pruned" else line["state"]
        assert (outcome.state, outcome.metrics, outcome.reason) == (state, line["metrics"], line["reason"])
        assert outcome.seconds == line["seconds"]
        assert trial.architecture.to_dict() == line["architecture"]
        assert trial.architecture.key() == trial.key
        assert outcome.readings == {"latency": details["latency"]}
        assert (outcome.turn, outcome.host) == (details["slot"], details["host"])
        assert outcome.scores == details["scores"]
        assert list(outcome.losses) == details.get("losses", [])


def test_further_trainings_and_what_was_learnt_are_read(run):
    old = lines("confirmations.jsonl")
    for again, line in zip(run.further, old, strict=True):
        assert (again.trial, again.repeat, again.ended) == (line["trial"], line["repeat"], line["ended"])
        assert (again.outcome.state, again.outcome.metrics) == (line["state"], line["metrics"])
    confirmed = {again.trial for again in run.further}
    assert {result.number for result in run.results if result.repeats} == confirmed
    assert [trial.learnt_from for trial in run.learnt.trials] == [Origin("first5", n) for n in range(4)]


def test_its_front_its_study_and_its_report_are_drawn(run):
    assert len(run.front()) >= 2
    assert len(run.study().trials) == len(run.trials) + len(run.learnt.trials)
    assert run.front_values("latency").keys() <= {trial.key for trial in run.trials}
    page = write_report(run).read_text()
    assert f"is trial {run.pick('knee').number}" in page
    assert len(run.to_frame()) == len(run.trials)


@pytest.mark.long
def test_it_goes_on(run):
    text = (run.folder / "config.yaml").read_text().replace("workers: 2", "workers: 1")
    (run.folder / "config.yaml").write_text(text)
    begun = json.loads((run.folder / "environment.json").read_text())
    begun["device"] = device_name(torch.device("cpu"))  # elsewhere it would be refused, as its times are of there
    (run.folder / "environment.json").write_text(json.dumps(begun))
    before, spent = run.trials, len(run.spent)
    again = nas.resume(run.folder, budget=spent + 2)
    assert again.trials[: len(before)] == before
    assert len(again.spent) == spent + 2
    assert Run(run.folder).trials == again.trials, "old and new lines stand in one file"


def test_a_lost_trial_keeps_the_reasons():
    from nas.record.trial import read_trial

    line = lines("trials.jsonl")[0]
    line["details"]["lost"] = ["its node died"]
    assert read_trial(json.dumps(line).encode()).outcome.lost == ("its node died",)
