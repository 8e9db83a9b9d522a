"""The stages of a network as letters, and how a front grew as bars."""

import io
from pathlib import Path

import pytest
from run_fixtures import empty_run, finished_run

from nas.cli.sparkline import growing, sparkline
from nas.cli.streams import BARS
from nas.cli.strip import Tower, strip, towers
from nas.cli.tables import print_towers
from nas.cli.terminal import Terminal
from nas.costs.counts import cost
from nas.record.analysis import health
from nas.record.analysis.growth import Growth
from nas.space.library import load_architecture, shipped


def test_a_network_in_a_line_has_a_letter_a_block_or_numbers_where_it_is_deep():
    coatnet = load_architecture("coatnet_0")
    assert strip(coatnet, coatnet.layout()).plain == "MM MMM TTTTT TT"
    deep = load_architecture("coatnet_4")
    assert strip(deep, deep.layout()).plain == " ".join(
        f"{x}{s.depth}" for x, s in zip("MMTT", deep.stages, strict=True)
    )


def test_a_tower_is_a_row_higher_for_each_doubling_of_the_map():
    stages = [Tower("conv", "C", 1, 16, 32, "32x32"), Tower("moat", "A", 3, 32, 8, "8x8")]
    rows = [row.plain.split() for row in towers(stages, 80)]
    assert rows == [["C"], ["C"], ["C", "A", "A", "A"], ["map", "32x32", "8x8"], ["width", "16", "32"],
                    ["depth", "1", "3"]]  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize("columns", [40, 80])
def test_every_published_network_fits_a_terminal(columns):
    console = Terminal(file=io.StringIO(), width=columns)
    for name in shipped():
        if shipped()[name].parent.name == "references":
            network = load_architecture(name)
            print_towers(console, network, cost(network))
    lines = console.file.getvalue().splitlines()
    assert not [line for line in lines if len(line) > columns and " px" not in line]
    assert lines.count("") >= 20


def test_letters_stand_without_colours_and_colours_tell_blocks_apart():
    stages = [Tower("conv", "C", 2), Tower("moat", "A", 1)]
    plain, coloured = (Terminal(file=io.StringIO(), width=80, force_terminal=True, **more) for more in (
        {"no_color": True}, {"color_system": "standard"}))  # fmt: skip
    for console in (plain, coloured):
        console.print(towers(stages, 80)[0])
    assert "3" not in plain.file.getvalue().replace("\x1b[7m", "").replace("\x1b[0m", "")
    assert "\x1b[7;34m" in coloured.file.getvalue()
    assert "\x1b[7;35m" in coloured.file.getvalue()


def test_bars_rise_with_the_values_in_ascii_too():
    assert sparkline([0.1, 0.2, 0.9]) == "▁▂█"
    assert sparkline([0.5, 0.5]) == "▁▁"
    assert set(sparkline([i / 7 for i in range(8)])) == set(BARS)
    assert len(set(BARS.values())) == len(BARS)


def test_a_front_grows_and_the_last_quarter_is_told(tmp_path):
    run = finished_run(tmp_path / "a", complete=40, failed=0)
    said = growing(run, 30)
    assert said.startswith("hypervolume ▁")
    assert len(said.split()[1]) == 10
    assert "the last 10 of 40 trainings added" in said
    assert growing(empty_run(tmp_path / "b"), 30) == ""


def test_a_front_that_only_now_came_to_the_last_rung_says_no_gain(tmp_path, monkeypatch):
    """All of it would be gained by the last trainings, which says when climbing began and no more."""
    run = finished_run(tmp_path / "a", complete=40, failed=0)
    late = Growth([0, 35, 40], [0.0, 1.0, 2.0], [0.0, 0.0, 0.8])
    monkeypatch.setattr("nas.cli.sparkline.growth", lambda run: late)
    assert growing(run, 30).endswith("80.00 % of this run's own frame")


def test_the_line_and_the_health_check_tell_one_gain(tmp_path):
    """A quarter of 30 trainings is no whole number, and both must round it alike."""
    run = finished_run(tmp_path / "a", complete=30, failed=0, rejected=0)
    line = growing(run, 30)
    reached, added = (float(line.split(word)[0].split()[-1]) for word in (" % of this", " points"))
    remark = health.growing(run, run.front())
    assert "the last 8 of 30 trainings" in line
    assert added > 0
    assert f"The last 8 of 30 trainings won {100 * added / reached:.1f} % of the final hypervolume" in remark.words


def test_a_pane_of_two_columns_has_a_bar(tmp_path: Path) -> None:
    assert growing(finished_run(tmp_path / "run", complete=12), 2).startswith("hypervolume ▁ ")
