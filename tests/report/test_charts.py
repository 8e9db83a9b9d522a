"""What charts share."""

from itertools import pairwise

import pytest

from nas.report.charts import logarithmic


@pytest.mark.parametrize("low", [4e-5, 0.21, 1.0, 2.99, 5.1, 999.0, 1.3e9])
@pytest.mark.parametrize("ratio", [1.00001, 1.02, 1.7, 2.3, 4.2, 9.0, 40.0])
def test_a_logarithmic_axis_has_round_ticks_however_narrow_it_is(low: float, ratio: float) -> None:
    axis = logarithmic(low, low * ratio)
    inside = [tick for tick in axis["tickvals"] if low <= tick <= low * ratio]
    assert axis["type"] == "log"
    assert 3 <= len(inside) <= 8
    assert [float(text) for text in axis["ticktext"]] == pytest.approx(axis["tickvals"], rel=1e-11)
    if len(axis["tickvals"]) == len(inside):
        steps = {f"{after - before:.1e}"[0] for before, after in pairwise(inside)}
        assert len(steps) == 1
        assert steps <= {"1", "2", "5"}


def test_ticks_of_a_narrow_front_are_as_a_person_would_write_them() -> None:
    assert logarithmic(2.992, 3.058)["ticktext"] == ["3", "3.02", "3.04"]
