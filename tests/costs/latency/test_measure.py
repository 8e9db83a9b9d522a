"""Milliseconds: of work whose time is known, and of real networks."""

import gc
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from nas import files
from nas.costs.deployment import Deployment, choose_device, device_name
from nas.costs.latency.measure import Latency, measure, reference_seconds, run_for, time_network
from nas.costs.latency.rounds import alternate, calibrate, interval, quiet, side_by_side, warm_up
from nas.costs.targets import Setting
from nas.errors import SettingError
from nas.network.build import build
from nas.space.library import load_architecture

NET = load_architecture(
    {
        "resolution": 8, "channels": 1, "classes": 10, "stem": {"kind": "conv", "width": 8},
        "stages": [{"block": "conv", "depth": 1, "width": 8, "stride": 1}],
    }
)  # fmt: skip
CPU = Deployment()


class Busy(nn.Module):
    """Keeps the processor busy for some milliseconds."""

    def __init__(self, milliseconds: float) -> None:
        super().__init__()
        self.seconds = milliseconds / 1e3

    def forward(self, x):
        assert not self.training
        assert torch.is_inference_mode_enabled()
        self.seen = x.shape
        end = time.thread_time() + self.seconds
        while time.thread_time() < end:
            pass
        return x


@pytest.mark.parametrize("batch", [1, 3])
def test_a_known_time_is_measured(batch):
    network = Busy(5)
    setting = Setting(batch=batch)
    clock = Deployment(setting=setting).kind.prepare(network.eval(), torch.zeros(batch, 1, 8, 8), setting)
    own, _ = alternate(clock, lambda count: count * 1e-3, 0.02, 1.0).T
    assert np.median(own) == pytest.approx(5e-3, rel=0.1)
    assert network.seen == (batch, 1, 8, 8)


def test_milliseconds_are_ratios_times_the_reference_at_its_best(monkeypatch):
    """A network of 6 ms beside a reference that takes three times as long as in its calibration."""
    best = reference_seconds(CPU)
    rounds = np.tile([6 * best, 3 * best], (30, 1))
    monkeypatch.setattr("nas.costs.latency.measure.alternate", lambda *_: rounds)
    found = time_network(build(NET), (1, 8, 8), CPU, 0.02, 1.0)
    assert (found.median, found.drift) == (pytest.approx(2e3 * best), pytest.approx(3))
    assert found.low == found.high == found.median
    assert (found.iqr, found.runs, found.steady) == (pytest.approx(0, abs=1e-9), 30, True)


def test_many_are_timed_side_by_side_and_a_slow_spell_spoils_no_ratio():
    """The machine takes ten times as long for a third of the rounds, and of those for a part only."""
    ran = {"reference": 0, "a": 0, "b": 0}

    def clock(name, seconds):
        def run(count):
            ran[name] += 1
            slow = name == "a" and 8 < ran["reference"] < 16
            return count * seconds * (10 if slow else 1)

        return run

    shares = []
    found, reference = side_by_side(
        [clock("a", 3e-3), clock("b", 5e-4)], clock("reference", 1e-3), 9, 60.0, shares.append
    )
    assert found == pytest.approx([3, 0.5])
    assert reference == pytest.approx(1e-3)
    assert shares == pytest.approx([i / 9 for i in range(1, 10)])
    late = []
    side_by_side([clock("b", 1e-3)], clock("reference", 1e-3), 9, 0.0, late.append)
    assert len(late) == 3


def test_rounds_are_added_until_it_is_sure_or_the_time_is_over():
    def noisy(spread):
        rng = np.random.default_rng(0)
        return lambda count: count * 1e-3 * (1 + spread * rng.standard_normal())

    calm, wild = (len(alternate(noisy(s), lambda count: count * 1e-3, 0.02, 20.0)) for s in (0.01, 0.1))
    assert calm < 30 < 200 < wild
    start = time.monotonic()
    never = alternate(noisy(0.1), lambda count: count * 1e-3, 1e-9, 0.2)
    assert 0.2 <= time.monotonic() - start < 20
    assert len(never) >= 3
    assert not measure(NET, precision=1e-9, seconds=0.1).steady


def test_a_slower_machine_is_divided_out():
    """The same work beside a reference that runs 1.5 times slower than in its calibration has the same ratio."""
    known = {"factor": 1.0}

    def clock_of(seconds):
        return lambda count: count * seconds * known["factor"]

    for known["factor"] in (1.0, 1.5):
        own, other = alternate(clock_of(3e-3), clock_of(1e-3), 0.02, 1.0).T
        assert np.median(own / other) == pytest.approx(3)


def test_a_record_says_where_it_was_taken():
    data = measure(NET, Deployment(setting=Setting(batch=2)), seconds=0.1).to_dict()
    assert data["device"] == device_name(torch.device("cpu")) != ""
    assert (data["target"], data["threads"], data["batch"], data["dtype"]) == ("cpu", 1, 2, "float32")
    assert data["resolution"] == 8
    assert data["median"] > 0
    assert Latency(**data).to_dict() == data


def test_a_larger_network_takes_longer():
    wide = load_architecture(NET.to_dict() | {"resolution": 64, "stem": {"kind": "conv", "width": 64}})
    times = [measure(a, seconds=0.3).median for a in (NET, wide)]
    assert times[1] > 1.5 * times[0]


def test_threads_are_given_back():
    before = torch.get_num_threads()
    with quiet(before + 1):
        assert torch.get_num_threads() == before + 1
        assert not gc.isenabled()
    assert torch.get_num_threads() == before
    assert gc.isenabled()


def test_a_calibration_is_the_best_of_several_spells_and_is_kept(tmp_path, monkeypatch):
    times = iter([5e-3] * 20 + [2e-3] * 400)
    assert calibrate(lambda count: count * next(times), spells=5, seconds=0.1) == pytest.approx(2e-3)
    monkeypatch.setenv("NAS_CACHE", str(tmp_path))
    setting = Deployment(setting=Setting(batch=7))
    measure(NET, setting, seconds=0.1)
    (kept,) = (tmp_path / "reference").iterdir()
    assert '"batch": 7' in kept.read_text()


@pytest.mark.parametrize("value", [{}, {"seconds": None}, {"seconds": 0}, {"seconds": -1.0}, {"seconds": float("nan")},
                                   {"seconds": float("inf")}, {"seconds": "fast"}, {"seconds": True}])  # fmt: skip
def test_a_damaged_calibration_is_made_anew(tmp_path, monkeypatch, value):
    import nas.costs.latency.measure as module

    monkeypatch.setenv("NAS_CACHE", str(tmp_path))
    monkeypatch.setattr(module, "calibrate", lambda clock: 0.5)
    key = {"reference": module.REFERENCE} | CPU.key()
    files.keep("reference", key, value)
    module._reference.cache_clear()
    try:
        assert reference_seconds(CPU) == 0.5
    finally:
        module._reference.cache_clear()
    assert files.recall("reference", key) == {"seconds": 0.5}


def test_the_lowest_time_stays_where_two_processes_lowered_it_at_once(tmp_path, monkeypatch):
    import nas.costs.latency.measure as module

    monkeypatch.setenv("NAS_CACHE", str(tmp_path))
    key = {"reference": module.REFERENCE} | CPU.key()
    one, other = (module._Reference(lambda count: 1.0, key, seconds, True) for seconds in (0.8, 0.9))
    one.keep()
    other.keep()
    one.seen(1.0)
    other.seen(1.0)
    assert (one.seconds, other.seconds, files.recall("reference", key)) == (0.8, 0.8, {"seconds": 0.8})


def test_another_version_of_the_package_calibrates_anew(tmp_path, monkeypatch):
    """The reference's own code may have changed, and a kept time is only ever lowered."""
    import nas.costs.latency.measure as module

    monkeypatch.setenv("NAS_CACHE", str(tmp_path))
    found = []
    for version, seconds in (("one", 1.0), ("two", 2.0), ("one", 3.0)):
        monkeypatch.setattr("nas.costs.deployment.source_digest", lambda *_, version=version: version)
        monkeypatch.setattr(module, "calibrate", lambda clock, seconds=seconds: seconds)
        module._reference.cache_clear()
        try:
            found.append(reference_seconds(CPU))
        finally:
            module._reference.cache_clear()
    assert found == [1.0, 2.0, 1.0]


def test_a_warm_up_ends_when_it_is_no_longer_faster():
    costs = iter([9e-3, 4e-3, 2e-3, 1e-3] + [1e-3] * 100)
    assert warm_up(lambda count: count * next(costs)) == 3  # the fewest, of 1 ms in a spell of 2 ms
    assert warm_up(lambda count: count * 1e-4) == 20
    assert warm_up(lambda count: count * 0.5) == 1, "slow networks are not run three times a spell"


def test_the_interval_is_that_of_order_statistics():
    values = np.arange(1, 101, dtype=float)
    assert interval(values) == (40, 61)  # binomial(100, 1/2): Conover, Practical Nonparametric Statistics
    assert interval(np.array([3.0, 1.0, 2.0])) == (1, 3), "too few: their range"


def test_what_a_meter_counts_while_batches_run():
    readings = iter([10.0, 14.0])
    joules, batches = run_for(NET, CPU, 0.05, lambda: next(readings))
    assert joules == 4
    assert batches > 0


def test_the_resolution_may_be_another():
    assert measure(replace(NET, resolution=16), seconds=0.1).resolution == 16


def test_a_device_is_one_that_is_there():
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    with pytest.raises(SettingError, match=r"unknown device 'gpu'\. Allowed|Did you mean"):
        choose_device("gpu")
    if not torch.cuda.is_available():
        with pytest.raises(SettingError, match="torch sees no CUDA device"):
            choose_device("cuda")


def test_a_machine_that_proves_better_lowers_its_calibration(tmp_path, monkeypatch):
    """Whatever disturbed the calibration, later times are true; what was kept before is rescaled."""
    import nas.costs.latency.measure as module

    monkeypatch.setenv("NAS_CACHE", str(tmp_path))
    setting = Deployment(setting=Setting(batch=5))
    reference = module._reference(setting)
    true = reference.seconds
    reference.seconds = 100 * true
    reference.keep()
    found = measure(NET, setting, seconds=0.2)
    assert reference.seconds < 20 * true
    assert found.drift == pytest.approx(1)
    assert files.recall("reference", reference.key) == {"seconds": reference.seconds}
    reference.seen(1e3 * true)
    assert reference.seconds < 20 * true


def test_a_time_that_another_process_lowered_is_the_unit_here_too(tmp_path, monkeypatch):
    import nas.costs.latency.measure as module

    monkeypatch.setenv("NAS_CACHE", str(tmp_path))
    setting = Deployment(setting=Setting(batch=6))
    key = {"reference": module.REFERENCE} | setting.key()
    best = reference_seconds(setting)
    files.keep("reference", key, {"seconds": best / 2})
    monkeypatch.setattr(module, "alternate", lambda *_: np.tile([6 * best, 3 * best], (30, 1)))
    assert time_network(build(NET), (1, 8, 8), setting, 0.02, 1.0).median == pytest.approx(2e3 * best / 2)
    files.keep("reference", key, {"seconds": best / 4})
    assert reference_seconds(setting) == best / 4
    files.keep("reference", key, {"seconds": best})
    assert reference_seconds(setting) == best / 4, "a calibration is only lowered"


def test_a_network_that_is_there_is_timed_as_a_copy():
    network = build(NET, seed=0)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    found = measure(network, Deployment(setting=Setting(dtype="bfloat16")), seconds=0.1)
    assert (found.resolution, found.dtype) == (NET.resolution, "bfloat16")
    assert run_for(network, CPU, 0.05, lambda: 0.0)[1] > 0
    assert network.training, "measuring is done in evaluation mode"
    for name, value in network.state_dict().items():
        assert value.dtype == before[name].dtype
        assert torch.equal(value, before[name])
