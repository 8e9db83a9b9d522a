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


def test_each_end_of_a_range_has_its_own_prefix(tmp_path):
    run = empty_run(tmp_path / "run", objectives=("accuracy", "params", "macs"))
    first = trial(run, 0)
    for i, (params, macs) in enumerate(((634.0, 51_100.0), (730.0, 1.16e6), (121_000.0, 1.2e6))):
        metrics = {"accuracy": 0.5 + i / 10, "params": params, "macs": macs}
        one = trial(run, i) if i == 2 else replace(first, number=i, key=str(i))
        run.append(replace(one, outcome=replace(one.outcome, metrics=metrics)))
    row = ranked(View(run))[0]
    assert (row["count"], row["costs"]["params"]["words"]) == (2, "634 to 730")
    assert row["costs"]["macs"]["words"] == "51.1 k to 1.16 M"


def test_without_a_front_there_is_no_section(tmp_path):
    assert context(View(finished_run(tmp_path / "run", 0, 2, 1))) is None


def test_one_network_is_drawn_and_nothing_is_claimed(tmp_path):
    shown = context(View(finished_run(tmp_path / "run", 1, 0, 0)))
    assert "too small" in shown["traits"].sentences()[0]
    assert "chart-composition" in shown["chart"]
