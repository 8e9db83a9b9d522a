"""What the front has in common."""

from dataclasses import replace

import pytest
from run_fixtures import empty_run, finished_run, trial

from nas.report.sections.traits import compare, context, ranked
from nas.report.shares import composition_figure, drawn
from nas.report.view import View


@pytest.fixture(scope="module")
def view(tmp_path_factory):
    return View(finished_run(tmp_path_factory.mktemp("runs") / "run", complete=60))


def test_bars_are_the_shares_on_the_front(view):
    bars = {bar.name.strip("\u2068\u2069"): bar for bar in composition_figure(compare(view), view.colours).data[:-1]}
    for block, bar in bars.items():
        own = [[result.architecture.stages[i].block == block for result in view.front] for i in range(3)]
        assert list(bar.y) == pytest.approx([sum(stage) / len(stage) for stage in own])
    places = [place for bar in bars.values() for place in bar.x]
    assert len(set(places)) == len(places) == 12


def test_dashes_are_the_shares_among_random_members(view):
    compared = compare(view)
    random = composition_figure(compared, view.colours).data[-1]
    assert list(random.y) == pytest.approx([one.random for one in compared.blocks])
    assert sum(random.y) == pytest.approx(3)


def test_of_many_blocks_those_on_the_front_are_drawn(view):
    compared = compare(view)
    many = [replace(compared.blocks[0], block=f"block{i}", count=i % 2) for i in range(9)]
    assert [one.block for one in drawn(replace(compared, blocks=tuple(many)))] == [f"block{i}" for i in (1, 3, 5, 7)]


def test_layouts_are_ranked_by_networks_then_by_the_first_objective(tmp_path):
    run = empty_run(tmp_path / "run")
    made = [trial(run, number) for number in range(4)]
    for i, (one, like) in enumerate(zip(made, (0, 1, 1, 3), strict=True)):
        alike = replace(one, number=i, architecture=made[like].architecture, layout=made[like].layout)
        metrics = {"accuracy": 0.5 + i / 10, "latency": 1.0 + i, "params": 1.0, "macs": 1.0}
        run.append(replace(alike, outcome=replace(one.outcome, metrics=metrics)))
    rows = ranked(View(run))
    assert [(row["count"], row["best"]) for row in rows] == [(2, 0.7), (1, 0.8), (1, 0.5)]
    assert rows[0]["costs"]["latency"]["words"] == "2.00 to 3.00 ms"
    assert rows[1]["costs"]["latency"]["words"] == "4.00 ms"


def test_without_a_front_there_is_no_section(tmp_path):
    assert context(View(finished_run(tmp_path / "run", 0, 2, 1))) is None


def test_one_network_is_drawn_and_nothing_is_claimed(tmp_path):
    shown = context(View(finished_run(tmp_path / "run", 1, 0, 0)))
    assert "too small" in shown["traits"].sentences()[0]
    assert "chart-composition" in shown["chart"]
