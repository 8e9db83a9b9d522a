import json
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser

import pandas as pd
import pytest
from browser import opened
from run_fixtures import empty_run, finished_run, trial

from nas.errors import SettingError
from nas.evaluation import units
from nas.evaluation.job import Outcome
from nas.record.analysis.members import members
from nas.record.run import Run
from nas.record.trial import Further
from nas.report.page import render, write_report
from nas.space.library import load_architecture

EVIL = "<script>alert(1)<b>&amp;"
CHARTS = ["composition", "importance", "progress"]


class Text(HTMLParser):
    """The visible text of a page, and the addresses it would load."""

    def __init__(self, page):
        super().__init__()
        self.words, self.addresses, self.open = [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.addresses += [v for k, v in attrs if k in ("src", "href")]

    def handle_endtag(self, tag):
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data):
        if not {"script", "style"} & set(self.open):
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def test_what_lies_in_the_folder(tmp_path):
    run = finished_run(tmp_path / "run")
    assert write_report(run) == run.folder / "report.html"
    best = load_architecture(run.folder / "best.yaml")
    assert (best.key(), best.name) == (run.pick("knee").key, f"run_{run.pick('knee').number}")
    frame = pd.read_csv(run.folder / "trials.csv")
    assert list(frame["number"]) == [t.number for t in run.trials]
    assert frame["on_front"].sum() == len(run.front())


def test_the_front_folder_sorts_as_the_front_and_keeps_no_stale_file(tmp_path):
    run = finished_run(tmp_path / "run")
    write_report(run)
    note = run.folder / "front" / "note.yaml"
    note.write_text("mine")
    perfect = trial(run, 50, metrics={"accuracy": 0.9912, "latency": 0.01234, "params": 10.0, "macs": 10.0})
    run.append(perfect)
    write_report(run)
    files = sorted(p.name for p in (run.folder / "front").iterdir())
    assert files == ["01_accuracy-0.9912_latency-0.01234_trial-50.yaml", "note.yaml"]


def test_front_files_rebuild_their_networks_in_order(tmp_path):
    run = finished_run(tmp_path / "run", complete=40, objectives=("accuracy", "latency", "params"))
    write_report(run)
    paths = sorted((run.folder / "front").iterdir())
    assert [load_architecture(p).key() for p in paths] == [t.key for t in run.front()]
    assert len(paths) > 2


def test_the_summary_counts_and_names_the_knee(tmp_path):
    run = finished_run(tmp_path / "run", complete=12, failed=2, rejected=3)
    text = Text(render(run)).text
    knee = run.pick("knee")
    assert "14 architectures of the space small were trained on cluttered_digits" in text
    assert "2 of them failed. 3 more were rejected before training." in text
    assert f"is trial {knee.number} ({knee.layout}): accuracy {100 * knee.metrics['accuracy']:.2f} %, latency" in text
    assert text.count("the loss became nan in epoch 2") == 4  # two trials, their reason, and the check of failures
    assert "versions.torch 2.13.0" in text


def test_a_search_took_less_than_its_workers_spent(tmp_path):
    run = finished_run(tmp_path / "run")
    for i, done in enumerate(run.trials):
        run.trials[i] = replace(done, outcome=replace(done.outcome, seconds={"train": 600.0}), ended=300.0 * (i + 1))
    said = Text(render(run)).text
    took, spent = units.duration(run.elapsed), units.duration(run.seconds)
    assert took != spent
    assert f"in {took} , proposed by" in said or f"in {took}, proposed by" in said
    assert f"{spent} spent on trials by all workers" in " ".join(said.split())


@pytest.mark.parametrize(("change", "said"), [(-0.0135, "1.35 points better"), (0.02, "2.00 points worse")])
def test_how_far_first_trainings_flattered_is_in_points(tmp_path, change, said):
    run = finished_run(tmp_path / "run")
    for chosen in run.front():
        lower = chosen.metrics | {"accuracy": chosen.metrics["accuracy"] + change}
        run.append_further(Further(chosen.number, 1, Outcome("complete", lower)))
    assert f"tend to flatter; here they were {said} on average." in Text(render(run)).text


def test_the_table_has_the_front_and_marks_the_knee(tmp_path):
    run = finished_run(tmp_path / "run", complete=30)
    page = render(run)
    rows = re.findall(r"<tr( class=\"pick\")?>\s*<td class=\"trial\" data-value=\"(\d+)\"", page)
    assert [int(number) for _, number in rows] == [t.number for t in run.front()]
    assert [int(number) for mark, number in rows if mark] == [run.pick("knee").number]


@pytest.mark.parametrize(("counts", "words"), [((0, 0, 0), "0 architectures"), ((0, 3, 1), "3 of them failed")])
def test_a_run_without_a_finished_trial_says_so(tmp_path, counts, words):
    run = finished_run(tmp_path / "run", *counts)
    text = Text(write_report(run).read_text()).text
    assert words in text
    assert "No architecture has been trained to the end" in text
    assert not (run.folder / "best.yaml").exists()
    assert list((run.folder / "front").iterdir()) == []


def test_one_trial(tmp_path):
    text = Text(write_report(finished_run(tmp_path / "run", 1, 0, 0)).read_text()).text
    assert "1 architecture of the space small was trained" in text
    assert "One is Pareto-optimal" in text


def test_every_name_is_text(tmp_path):
    run = empty_run(tmp_path / EVIL, space=EVIL, data=f"npz:{EVIL}</script>")
    (run.folder / "environment.json").write_text(json.dumps({"device": EVIL}))
    run.append(trial(run, 0))
    run.append(trial(run, 1, "failed", reason=f"{EVIL}</td></script>"))
    page = render(run)
    assert "<script>alert" not in page
    assert Text(page).text.count("<script>alert(1)<b>&amp;") >= 6


def test_nothing_is_loaded_from_elsewhere(tmp_path):
    addresses = Text(render(finished_run(tmp_path / "run"))).addresses
    assert set(addresses) <= {"data:,"}


def test_a_folder_that_cannot_be_written(tmp_path):
    run = finished_run(tmp_path / "run", complete=2)
    (run.folder / "front").write_text("in the way")
    with pytest.raises(SettingError, match=r"front.*cannot be written.*every trial is kept\. .*run: nas report /"):
        write_report(run)


def test_a_report_needs_no_torch_once_random_members_are_kept(tmp_path):
    """A search draws them at its first report, when torch is there anyway."""
    folder = finished_run(tmp_path / "run").folder
    members(Run(folder))
    code = (
        "import sys; from pathlib import Path; from nas.record.run import Run; "
        "from nas.report.page import write_report; "
        f"write_report(Run(Path({str(folder)!r}))); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("objectives", [("accuracy", "latency"), ("accuracy", "latency", "params")])
def test_a_browser_draws_every_trial_without_errors_or_requests(browser, tmp_path, objectives):
    run = finished_run(tmp_path / "run", complete=25, objectives=objectives)
    with opened(browser, write_report(run)) as shown:
        assert shown.evaluate("performance.getEntriesByType('resource').map(e => e.name)") == []
        points = "one => [one.id, one.querySelectorAll('path.point').length]"  # bars are <g class="point">
        charts = shown.evaluate(f"[...document.querySelectorAll('.js-plotly-plot')].map({points})")
    planes = ["front", "front-2", "front-3"] if len(objectives) > 2 else ["front"]
    names = [*(name + end for name in planes for end in ("", "-lens")), *CHARTS]
    assert [name for name, _ in charts] == [f"chart-{name}" for name in names]
    for name, count in charts:
        if name.removeprefix("chart-") in planes:
            assert count == len(run.results)


def test_the_page_reads_a_run_from_disk_as_it_was_written(tmp_path):
    run = finished_run(tmp_path / "run")
    assert Text(render(Run(run.folder))).text == Text(render(run)).text


def test_a_network_that_failed_when_it_went_on_is_listed_with_its_reason(tmp_path):
    run = finished_run(tmp_path / "run", complete=12, failed=0, rejected=0, rungs=(1, 3))
    run.append_further(Further(4, 0, Outcome("complete", run.trials[4].metrics), rung=1))
    run.append_further(Further(3, 0, Outcome("failed", reason="out of memory: 3 GiB"), rung=1))
    text = Text(render(run)).text
    assert "1 of them failed." in text
    assert "out of memory: 3 GiB" in text
    assert "12 were trained for 1 epoch" in text
    assert "went on, 1 to 3" in text
    table = run.to_frame().set_index("number")
    assert (table.state[3], table.reason[3]) == ("failed", "out of memory: 3 GiB")
    assert list(table.index[table.on_front]) == [4]
