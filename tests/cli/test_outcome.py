"""What is said at the end of a search."""

import io
import re
from dataclasses import replace
from pathlib import Path

from run_fixtures import empty_run, finished_run, offering, stage, trial

from nas.cli.outcome import conclude, nothing_came, run_facts
from nas.cli.picture import counts
from nas.cli.terminal import Terminal
from nas.evaluation.job import Outcome
from nas.evaluation.units import show
from nas.record.analysis.health import health
from nas.record.environment import note_finished
from nas.record.run import Run
from nas.record.trial import Further
from nas.report.page import render

FALLEN = Further(0, 0, Outcome("failed", reason="out of memory"), rung=1)


def concluded(run: Run) -> str:
    console = Terminal(file=io.StringIO(), width=200)
    conclude(console, run)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_words_picture_json_and_page_count_alike_what_failed_when_it_went_on(tmp_path: Path) -> None:
    run = finished_run(tmp_path / "run", complete=5, failed=1, rejected=1, rungs=(1, 3))
    run.append_further(FALLEN)
    assert "4 of 6 architectures trained" in concluded(run)
    assert ", 2 failed, 1 rejected" in concluded(run)
    assert {name: run_facts(run)[name] for name in ("trained", "failed", "rejected")} == {
        "trained": 4, "failed": 2, "rejected": 1
    }  # fmt: skip
    assert counts(run, 0).plain.startswith("4 trained")
    assert "2 failed" in counts(run, 0).plain
    page = " ".join(re.sub("<[^>]+>", " ", render(run)).split())
    assert "4 trained, 2 failed" in page
    assert "2 of them failed" in page


def test_a_larger_budget_is_not_advised_where_every_network_of_the_space_was_trained(tmp_path: Path) -> None:
    run = offering(tmp_path / "run", stage(1), budget={"trials": 40})
    known = {}
    for seed in range(500):
        known.setdefault((one := trial(run, seed)).key, one)
    for number, one in enumerate(known.values()):
        values = {"accuracy": 0.5 + number / 100, "latency": 9.0 - number / 10}  # which grew to the end
        run.append(replace(one, number=number, outcome=replace(one.outcome, metrics=one.metrics | values)))
    assert len(run.trials) == run.space.size() == 24
    assert concluded(run).endswith("nas resume " + str(run.folder) + "\n"), "what is to be done may be left"
    note_finished(run.folder, exhausted=24)
    page = " ".join(re.sub("<[^>]+>", " ", render(run)).split())
    for said in (concluded(run), page, "; ".join(remark.words.lower() for remark in health(run))):
        assert "ll 24 networks of the space were trained" in said
        assert not re.search("nas resume .*run$|go on with the search", said, re.M)
        assert "should bring more" not in said
    assert run_facts(run)["exhausted"]


def test_where_all_failed_when_they_went_on_the_reason_is_told(tmp_path: Path) -> None:
    run = empty_run(tmp_path / "run", rungs=(1, 3))
    run.append(trial(run, 0))
    run.append_further(FALLEN)
    assert not run.results
    assert nothing_came(run) == ("nothing came of it: of 1 trials 1 failed; the first, trial 0, failed: out of memory")


def test_a_stopped_search_is_not_told_to_go_on_with_less_than_its_budget(tmp_path: Path) -> None:
    assert re.search(r"nas resume \S+run$", concluded(finished_run(tmp_path / "run", budget={"trials": 200})), re.M)
    spent = finished_run(tmp_path / "spent", complete=3, failed=0, budget={"trials": 3})
    assert concluded(spent).endswith("--budget 6\n")


def test_the_front_in_a_narrow_terminal_is_whole_in_records(tmp_path: Path) -> None:
    run = finished_run(tmp_path / "run", objectives=("accuracy", "latency", "params", "macs"))
    console = Terminal(file=io.StringIO(), width=36)
    conclude(console, run)
    said = console.file.getvalue()  # type: ignore[attr-defined]
    best = run.front()[-1]
    assert "…" not in said.split("report")[0]
    assert show("accuracy", best.metrics["accuracy"]) in said
    assert str(best.number) in said
