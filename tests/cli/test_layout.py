"""nas layout: where fronts attend, told and drawn."""

import json

import pytest
from run_fixtures import empty_run, finished_run, offering, stage, trial


@pytest.mark.long
def test_it_tells_and_the_report_shows(nas, tmp_path):
    for seed, (name, count) in enumerate((("one", 80), ("two", 10))):
        finished_run(tmp_path / name, complete=count, seed=seed)
    report = tmp_path / "one" / "report.html"
    answer = nas("layout", tmp_path / "one", tmp_path / "two", "--members", 30)
    assert answer.status == 0
    for said in (
        "stage 2",
        "95 % interval",
        "worth ",
        "above the mean of the stage's blocks",
        "Run by run it rises in",
        str(report),
        "nas show",
    ):
        assert said in answer.out, said
    page = report.read_text()
    assert "Attention " in page
    assert 'id="chart-layout"' in page
    assert 'id="chart-worth"' in page
    assert "What each block is worth" in page
    assert "Pooled from the runs one, two" in page


def test_networks_without_some_stages_are_told_of_too(nas, tmp_path):
    run = offering(tmp_path / "run", stage([0, 1]), stage([1, 2], 2), stage([1, 2]), stage([1, 2], 2))
    for number in range(16):
        run.append(trial(run, number))
    answer = nas("layout", run.folder, "--members", 20)
    assert answer.status == 0, answer.err
    said = " ".join(answer.out.split())
    page = " ".join((run.folder / "report.html").read_text().split())
    for told in ("Left out: stage 0 by", "From CoAtNet's layout (M-M-T-T)", "of those of four stages"):
        assert told in said, told
        assert told in page.replace("&#39;", "'"), told
    assert "networks attends on the front" in said


def test_few_networks_tell_no_worth_and_it_says_so(nas, tmp_path):
    answer = nas("layout", finished_run(tmp_path / "run", complete=8).folder, "--members", 20)
    assert "Too few networks were trained, or too much alike, to tell what each block is worth" in answer.out


def test_it_gives_json(nas, tmp_path):
    run = finished_run(tmp_path / "run", complete=8)
    answer = nas("layout", run.folder, "--members", 20, "--json")
    found = json.loads(answer.out)
    assert (found["runs"], found["networks"]) == (["run"], len(run.front()))
    assert len(found["stages"]) == 3
    assert found == json.loads((run.folder / "layout.json").read_text())["layouts"]


def test_without_a_front_it_fails_in_words(nas, tmp_path):
    answer = nas("layout", empty_run(tmp_path / "empty").folder)
    assert answer.status == 1
    assert "empty has no finished trial" in answer.err
