"""What the front has in common."""

import numpy as np
import pytest
from run_fixtures import finished_run

from nas.report.sections.common import block_shares, composition_figure
from nas.report.view import View


def test_shares_of_blocks(tmp_path):
    run = finished_run(tmp_path / "run", complete=30)
    shares = np.array([block_shares(run.results, block) for block in View(run).colours])
    assert shares.sum(axis=0) == pytest.approx([100, 100, 100])
    second = [t.architecture.stages[1].block for t in run.results]
    assert block_shares(run.results, "moat")[1] == pytest.approx(100 * second.count("moat") / 30)


@pytest.mark.parametrize("counts", [(0, 0, 0), (1, 0, 0), (0, 2, 1)])
def test_runs_with_little_in_them_are_drawn(tmp_path, counts):
    run = finished_run(tmp_path / "run", *counts)
    composition_figure(View(run)).to_json()
