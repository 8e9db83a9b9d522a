"""How the front grew."""

import pytest
from run_fixtures import finished_run

from nas.report.sections.progress import progress_figure


@pytest.mark.parametrize("counts", [(0, 0, 0), (1, 0, 0), (0, 2, 1)])
def test_runs_with_little_in_them_are_drawn(tmp_path, counts):
    run = finished_run(tmp_path / "run", *counts)
    progress_figure(run).to_json()
