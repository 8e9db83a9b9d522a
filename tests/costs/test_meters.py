"""Energy meters, over a folder such as the kernel makes."""

import pytest

from nas.costs.meters import meter
from nas.errors import SettingError


def package(folder, number, energy, limit=999_999):
    path = folder / f"intel-rapl:{number}"
    path.mkdir()
    (path / "energy_uj").write_text(f"{energy}\n")
    (path / "max_energy_range_uj").write_text(f"{limit}\n")
    return path


def test_packages_are_summed_and_a_counter_may_begin_again(tmp_path):
    first, second = package(tmp_path, 0, 100), package(tmp_path, 1, 900_000)
    (tmp_path / "intel-rapl:0:0").mkdir()  # a part of the first, counted there
    joules = meter("cpu", tmp_path)
    (package(tmp_path, 2, 7) / "name").write_text("psys\n")  # the whole machine, with both
    assert meter("cpu", tmp_path)() == joules()
    before = joules()
    (first / "energy_uj").write_text("250100\n")
    (second / "energy_uj").write_text("50000\n")  # beyond its largest value, from 0 again
    assert joules() - before == pytest.approx(0.25 + 0.15, rel=1e-9)


def test_hardware_that_does_not_tell_is_an_error_that_says_why(tmp_path):
    with pytest.raises(SettingError, match=r"does not tell .no RAPL counter in"):
        meter("cpu", tmp_path)
    (package(tmp_path, 0, 1) / "energy_uj").write_text("no number")
    with pytest.raises(SettingError, match="cannot be read"):
        meter("cpu", tmp_path)
