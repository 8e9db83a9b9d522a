import pytest

from nas.evaluation import units


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("accuracy", 0.9312, "93.12 %"),
        ("accuracy", 0.0, "0.00 %"),
        ("latency", 0.8412, "0.841 ms"),
        ("latency", 1234.0, "1,234 ms"),
        ("params", 25_036_820, "25.0 M"),
        ("params", 812, "812"),
        ("macs", 4.2e9, "4.20 G"),
        ("macs", 12_300, "12.3 k"),
        ("macs", None, "–"),
        ("accuracy", float("nan"), "–"),
        ("latency", float("nan"), "–"),
        ("latency", float("inf"), "–"),
    ],
)
def test_values_are_shown_as_people_write_them(name, value, text):
    assert units.show(name, value) == text


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("accuracy", 0.0135, "1.35 points"),
        ("accuracy", -0.002, "-0.20 points"),
        ("accuracy", -1e-6, "0.00 points"),
        ("latency", 0.5, "0.500 ms"),
    ],
)
def test_a_difference_of_shares_is_in_points(name, value, text):
    assert units.show_difference(name, value) == text


@pytest.mark.parametrize(
    ("name", "values", "text"),
    [
        ("accuracy", (0.9312, 0.92, 0.94), "93.1 % (95 % interval 92.0 to 94.0)"),
        ("accuracy", (0.93123, 0.93, 0.9325), "93.12 % (95 % interval 93.00 to 93.25)"),
        ("accuracy", (0.5, 0.2, 0.8), "50.0 % (95 % interval 20.0 to 80.0)"),
        ("accuracy", (0.5, 0.5, 0.5), "50.00 %"),
        ("accuracy", (0.5, float("nan"), float("nan")), "50.00 %"),
        ("accuracy", (float("nan"),) * 3, "–"),
        ("latency", (1.234, 1.21, 1.26), "1.234 ms (95 % interval 1.210 to 1.260)"),
    ],
)
def test_an_interval_limits_the_digits_of_its_value(name, values, text):
    assert units.show_range(name, *values) == text


def test_a_unit_has_one_prefix_at_most():
    assert [units.show("latency", value) for value in (9_990.0, 12_345.6)] == ["9,990 ms", "12.3 s"]
    assert units.show("energy", 20_000.0) == "20.0 J"
    assert units.show("throughput", 123_456.0) == "123,456 images/s"
    assert units.show("memory", 20_000.0) == "20.0 kB"


def test_what_is_no_number_is_a_dash_in_a_column():
    assert units.unit_of("latency", [1.0, float("nan")]).show(float("nan")) == "–"
    assert units.show_between("latency", float("nan"), float("nan")) == "–"


def test_one_scale_serves_a_column():
    unit = units.unit_of("params", [900_000, 3_000_000])
    assert [unit.show(v) for v in (900_000, 3_000_000)] == ["0.900", "3.00"]
    assert units.heading("params", unit.name) == "Parameters (M)"
    assert units.heading("accuracy", "%") == "Accuracy (%)"


@pytest.mark.parametrize(
    ("seconds", "text"), [(8.42, "8.4 s"), (59.97, "1 min"), (720, "12 min"), (11_100, "3 h 05 min")]
)
def test_times(seconds, text):
    assert units.duration(seconds) == text


@pytest.mark.parametrize(
    ("longest", "unit"),
    [(4.3, ("Seconds", 1.0)), (120, ("Seconds", 1.0)), (121, ("Minutes", 60.0)), (9000, ("Hours", 3600.0))],
)
def test_an_axis_of_times_has_a_unit_by_its_length(longest, unit):
    assert units.time_unit(longest) == unit
