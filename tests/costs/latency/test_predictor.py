"""Predictions: of devices whose times are known by a formula, so that the truth is known too."""

import json
import pickle
import shutil
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from latency_spaces import tiny
from outside import on_path
from outside import site as site

from nas import document, files
from nas.costs.counts import count
from nas.costs.deployment import Deployment
from nas.costs.latency import measure, sampling
from nas.costs.latency.predictor import Predictor, write_device
from nas.costs.latency.regression import Regression, cross_validate, error_of
from nas.costs.latency.sampling import predictor_for
from nas.errors import SettingError
from nas.evaluation.plugins import load_plugins
from nas.network.pieces import pieces
from nas.space.library import load_space
from nas.space.space import draw

SPACE = load_space("cvt_family").fit(resolution=32, channels=3, classes=10)


def milliseconds(piece):
    """A device on which an operator costs something, and work costs more in some kinds of blocks."""
    known = count(piece)
    return 0.004 * known.operators + 2e-7 * known.macs * (2 if piece.kind == "moat" else 1) + 1e-7 * known.traffic


def truth(architecture):
    """In a network a block takes a little less than by itself, and the whole has a fixed cost."""
    return 0.05 + 0.9 * sum(map(milliseconds, pieces(architecture)))


@pytest.fixture(scope="module")
def networks():
    return draw(SPACE, 110)


@pytest.fixture(scope="module")
def known(networks):
    blocks = dict.fromkeys(p for a in networks[:50] for p in pieces(a))
    times = tuple((a, truth(a)) for a in networks[:50])
    return Predictor({"target": "cpu"}, "cvt_family", times, tuple((p, milliseconds(p)) for p in blocks))


def test_a_device_file_that_could_not_be_read_again_is_not_written(known, tmp_path, monkeypatch):
    monkeypatch.setattr(document, "MAX_BYTES", 10_000)
    with pytest.raises(SettingError, match=r"mine\.yaml: would have .* bytes of at most 10,000; collect fewer"):
        write_device(tmp_path / "mine.yaml", known)
    assert not (tmp_path / "mine.yaml").exists()


def test_networks_it_never_saw_are_predicted(known, networks):
    """Most of their blocks were never measured either."""
    new = networks[50:]
    seen = {piece for piece, _ in known.blocks}
    assert np.mean([p not in seen for a in new for p in pieces(a)]) > 0.3
    found = error_of(np.array([known.predict(a) for a in new]), np.array([truth(a) for a in new]))
    assert found.median < 0.03
    assert found.tau > 0.9


def test_it_states_its_own_error(known, networks):
    stated = known.error
    found = error_of(np.array([known.predict(a) for a in networks[50:]]), np.array([truth(a) for a in networks[50:]]))
    assert stated.networks == 50
    assert found.median / 4 < stated.median < 0.1
    noise = np.random.default_rng(0).lognormal(0, 0.3, 50)
    wild = replace(known, networks=tuple((a, ms * n) for (a, ms), n in zip(known.networks, noise, strict=True)))
    assert wild.error.median > 3 * stated.median
    assert wild.error.above > 0.1


def test_whole_networks_alone_serve_too(known, networks):
    without = replace(known, blocks=())
    found = error_of(np.array([without.predict(a) for a in networks[50:]]), np.array([truth(a) for a in networks[50:]]))
    assert found.median < 0.1


def test_thousands_a_second(known, networks):
    for architecture in networks:
        known.predict(architecture)
    start = time.process_time()
    for _ in range(10):
        for architecture in networks:
            known.predict(architecture)
    assert (time.process_time() - start) / (10 * len(networks)) < 1e-3


def test_it_is_plain_data_and_crosses_processes(known, networks):
    for other in (Predictor.from_dict(json.loads(json.dumps(known.to_dict()))), pickle.loads(pickle.dumps(known))):
        assert other == known
        assert other.predict(networks[60]) == pytest.approx(known.predict(networks[60]), rel=1e-9)


def test_the_error_of_what_was_held_out_is_not_that_of_what_was_fitted():
    """With as many features as networks the fit is perfect, the statement is not."""
    drawn = draw(tiny(), 10)
    noisy = np.random.default_rng(1).lognormal(0, 0.5, 10)
    stated = cross_validate(Regression({}, [tuple(pieces(a)) for a in drawn], noisy))
    assert stated.median > 0.1


def test_an_old_runs_predictor_of_few_networks_still_tells_its_error():
    few = draw(tiny(), 5)
    stated = cross_validate(Regression({}, [tuple(pieces(a)) for a in few], [1.0, 2.0, 3.0, 4.0, 5.0]))
    assert stated.median >= 0


def test_a_predictor_is_measured_once(tmp_path, monkeypatch):
    """The second time, and for more networks, only what is new is measured."""
    monkeypatch.setenv("NAS_CACHE", str(tmp_path))
    space, steps = tiny(), []
    first = predictor_for(space, Deployment(), networks=9, rounds=1, progress=lambda *s: steps.append(s))
    assert steps[0] == (0, 9)
    assert steps[-1] == (9, 9)
    assert all(ms > 0 for _, ms in (*first.networks, *first.blocks))
    assert first.where["target"] == "cpu"

    measured = counted(monkeypatch)
    assert predictor_for(space, Deployment(), networks=9) == first
    assert not measured
    more = predictor_for(space, Deployment(), networks=10, rounds=1)
    assert [len(networks) for networks, _ in measured] == [1]
    ratios = [ms / before for (_, ms), (_, before) in zip(more.networks, first.networks, strict=False)]
    assert ratios == pytest.approx([ratios[0]] * 9), "kept, in units of a reference that may have proved faster"


def _of(ratio):
    return lambda value: value | {"networks": dict.fromkeys(value["networks"], ratio)}


DAMAGES = {
    "nothing": lambda value: {},
    "no blocks": lambda value: {"networks": value["networks"]},
    "empty blocks": lambda value: value | {"blocks": []},
    "blocks that are none": lambda value: value | {"blocks": [{"ratio": 1.0}]},
    "a block without a ratio": lambda value: value | {"blocks": [b | {"ratio": None} for b in value["blocks"]]},
    "a list of networks": lambda value: value | {"networks": [1.0]},
    "no time": _of(0),
    "a time below 0": _of(-1.0),
    "no number": _of(float("nan")),
}


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A cache that holds what a predictor measured."""
    folder = tmp_path_factory.mktemp("kept") / "cache"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NAS_CACHE", str(folder))
        predictor_for(tiny(), Deployment(), networks=9, rounds=1)
    return folder


@pytest.mark.parametrize("name", DAMAGES)
def test_what_is_damaged_in_the_cache_is_measured_anew(kept, tmp_path, monkeypatch, name):
    monkeypatch.setenv("NAS_CACHE", str(shutil.copytree(kept, tmp_path / "cache")))
    key = Deployment().key()
    files.keep("ratios", key, DAMAGES[name](files.recall("ratios", key)))
    measured = counted(monkeypatch)
    found = predictor_for(tiny(), Deployment(), networks=9, rounds=1)
    assert [len(networks) for networks, _ in measured] == [9]
    assert all(ms > 0 for _, ms in (*found.networks, *found.blocks))


def test_too_few_networks_to_predict_others_by_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("NAS_CACHE", str(tmp_path))
    measured = counted(monkeypatch)
    few = load_space({"name": "few", "stem": {"kind": "conv", "width": 8}, "resolution": 8,
                      "stages": [{"block": "conv", "depth": [1, 2, 3], "width": 8, "stride": 2}]})  # fmt: skip
    for space, networks, found in ((few, None, 3), (tiny(), 1, 1)):
        with pytest.raises(SettingError, match=f"a predictor needs the times of 8 networks, found {found}"):
            predictor_for(space, Deployment(), networks=networks)
    assert not measured
    assert predictor_for(tiny(), Deployment(), networks=8, rounds=1).error.networks == 8


def test_two_searches_at_once_keep_what_each_has_measured(tmp_path, monkeypatch):
    monkeypatch.setenv("NAS_CACHE", str(tmp_path))
    measure_really = sampling.time_side_by_side

    def meanwhile(*asked):
        """Another search measures other networks while this one does."""
        monkeypatch.setattr(sampling, "time_side_by_side", measure_really)
        predictor_for(other, Deployment(), networks=8, rounds=1)
        return measure_really(*asked)

    other = tiny().fit(resolution=16, channels=1, classes=3)
    monkeypatch.setattr(sampling, "time_side_by_side", meanwhile)
    predictor_for(tiny(), Deployment(), networks=8, rounds=1)
    measured = counted(monkeypatch)
    for space in (tiny(), other):
        predictor_for(space, Deployment(), networks=8, rounds=1)
    assert not measured


def counted(monkeypatch):
    """Note what is measured: networks, and modules with their shapes."""
    measured = []
    real = sampling.time_side_by_side
    monkeypatch.setattr(sampling, "time_side_by_side", lambda *a: measured.append(a[:2]) or real(*a))
    return measured


def test_other_data_of_the_same_size_measure_their_heads_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("NAS_CACHE", str(tmp_path))
    first = predictor_for(tiny(), Deployment(), networks=8, rounds=1)
    measured = counted(monkeypatch)
    other = predictor_for(tiny().fit(resolution=8, channels=3, classes=7), Deployment(), networks=8, rounds=1)
    ((networks, modules),) = measured
    assert len(networks) == 8
    assert {module(torch.zeros(1, *shape)).shape for module, shape in modules} == {(1, 7)}
    ours, theirs = ({piece for piece, _ in one.blocks} for one in (first, other))
    assert theirs - ours == {piece for piece in theirs if piece.part == "head"}


def test_networks_too_large_to_be_in_memory_together_are_measured_in_turn(tmp_path, monkeypatch):
    monkeypatch.setenv("NAS_CACHE", str(tmp_path))
    monkeypatch.setattr(sampling, "AT_ONCE", 1)
    measured, steps = counted(monkeypatch), []
    predictor_for(tiny(), Deployment(), networks=8, rounds=1, progress=lambda *s: steps.append(s))
    assert [len(networks) for networks, _ in measured] == [1] * 8
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)


BLUR = """
from torch import nn
from nas.network.blocks import Block
__all__ = ["blur"]
class Blur(Block):
    letter = "Q"
    def __init__(self, site):
        super().__init__()
        self.blur = nn.Conv2d(site.in_width, site.width, 3, site.stride, 1)
    def forward(self, x):
        return self.blur(x)
"""


def test_what_comes_from_outside_is_measured_anew(tmp_path, monkeypatch, site):
    """Its source may have changed."""
    monkeypatch.setenv("NAS_CACHE", str(tmp_path / "cache"))
    (tmp_path / "blur.py").write_text(BLUR)
    load_plugins(tmp_path / "blur.py")
    widths = [8, 16, 24, 32]
    stages = [{"block": "conv", "depth": 1, "width": widths, "stride": 2},
              {"block": ["conv", "blur"], "depth": 1, "width": 8, "stride": 2}]  # fmt: skip
    space = load_space({"name": "blurred", "stem": {"kind": "conv", "width": 8}, "stages": stages})
    space = space.fit(resolution=16, channels=3, classes=2)
    first = predictor_for(space, Deployment(), networks=8, rounds=1)
    assert {piece.kind for piece, _ in first.blocks} >= {"conv", "blur"}
    measured = counted(monkeypatch)
    second = predictor_for(space, Deployment(), networks=8, rounds=1)
    assert [piece for piece, _ in second.blocks] == [piece for piece, _ in first.blocks]
    ((networks, modules),) = measured
    assert [network.layout() for network in networks] == ["C-Q"] * len(widths)
    assert len(modules) == len(widths)


CLOCKED = """
from nas.costs.targets import Target
__all__ = ["clocked"]
def _prepare(network, images, setting):
    size = sum(p.numel() for p in network.parameters())
    return lambda count: count * (1e-3 + SLOWNESS * size)
clocked = Target("cpu", prepare=_prepare)
"""


def test_a_target_from_outside_is_measured_anew(tmp_path, monkeypatch):
    """Its source may have changed: of each source it finds what it finds with an empty cache."""

    def found(slowness, cache):
        monkeypatch.setenv("NAS_CACHE", str(tmp_path / cache))
        (tmp_path / "clocked.py").write_text(CLOCKED.replace("SLOWNESS", slowness))
        with on_path(tmp_path / "site"):
            load_plugins(tmp_path / "clocked.py")
            measure._reference.cache_clear()
            try:
                return predictor_for(tiny(), Deployment("clocked"), networks=8, rounds=1)
            finally:
                measure._reference.cache_clear()

    before, after = found("1e-7", "kept"), found("1e-6", "kept")
    assert before == found("1e-7", "empty")
    assert after == found("1e-6", "empty too")
    assert after != before


def test_what_is_kept_stands_still_when_the_reference_proves_to_be_faster(tmp_path, monkeypatch):
    monkeypatch.setenv("NAS_CACHE", str(tmp_path))
    measure._reference.cache_clear()
    try:
        before = predictor_for(tiny(), Deployment(), networks=8, rounds=1)
        reference = measure._reference(Deployment())
        reference.seconds /= 2
        after = predictor_for(tiny(), Deployment(), networks=8)
    finally:
        measure._reference.cache_clear()
    for kept, first in ((after.networks, before.networks), (after.blocks, before.blocks)):
        assert [ms for _, ms in kept] == pytest.approx([ms / 2 for _, ms in first])
