"""Every target: it computes what the network computes, says its time, and says why it cannot run where it cannot."""

import pytest
import torch
from torch import nn

from nas.costs.deployment import Deployment, available, choose_deployment
from nas.costs.targets import Setting, cpu_clock
from nas.errors import SettingError
from nas.network.build import build
from nas.registry import TARGETS
from nas.space.library import load_architecture

NET = load_architecture(
    {
        "resolution": 8, "channels": 1, "classes": 10, "stem": {"kind": "conv", "width": 8},
        "stages": [{"block": "moat", "depth": 1, "width": 8, "stride": 1, "head_dim": 4}],
    }
)  # fmt: skip


def targets() -> list[object]:
    marks = {"cuda": pytest.mark.gpu, "cpu_compiled": pytest.mark.slow}
    return [pytest.param(n, marks=[m for start, m in marks.items() if n.startswith(start)]) for n in TARGETS.names()]


@pytest.mark.parametrize("name", targets())
def test_a_target_runs_a_network_as_often_as_asked(name):
    deployment = Deployment(name, Setting(batch=2))
    if why := deployment.kind.missing():
        pytest.skip(why)
    clock = deployment.kind.prepare(build(NET, seed=0).eval(), torch.zeros(2, 1, 8, 8), deployment.setting)
    clock(3)
    once, often = clock(2), clock(200)
    assert 0 < once < often < 60


@pytest.mark.parametrize("name", targets())
def test_prepared_networks_do_not_disturb_each_other(name):
    """Many networks of one class, as a search prepares them, each stays compiled as it was."""
    target = TARGETS.get(name)
    if why := target.missing():
        pytest.skip(why)
    clocks = [target.prepare(nn.Linear(4, 4 + i).eval(), torch.zeros(2, 4), Setting()) for i in range(10)]
    assert all(clock(2) > 0 for clock in clocks)


def test_one_thread_is_timed_by_its_own_processor_time():
    """Whoever else wants the processor meanwhile; sleeping stands for another program's turn."""
    import time

    assert cpu_clock(lambda: time.sleep(0.02), Setting())(5) < 0.05
    assert cpu_clock(lambda: time.sleep(0.02), Setting(threads=2))(5) >= 0.1


def test_numbers_of_another_type_run_where_the_target_has_them():
    clock = TARGETS.get("cpu").prepare(build(NET).eval(), torch.zeros(1, 1, 8, 8), Setting(dtype="bfloat16"))
    assert clock(1) > 0
    with pytest.raises(SettingError, match="dtype: found float16; target onnxruntime runs float32"):
        Deployment("onnxruntime", Setting(dtype="float16")).check()


def test_a_target_that_is_not_here_is_refused_with_the_remedy():
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    for name in ("cuda", "cuda-compiled", "cuda-graph"):
        with pytest.raises(SettingError, match=r"target cuda[-a-z]*: torch sees no CUDA device here. Here are: cpu"):
            choose_deployment(name)
    assert "cpu" in available()


def test_a_missing_package_names_the_extra(monkeypatch):
    monkeypatch.setattr("nas.costs.targets.onnxruntime.find_spec", lambda name: None)
    with pytest.raises(SettingError, match=r"onnx and onnxruntime is not installed: pip install 'hybrid-nas\[onnx\]'"):
        choose_deployment("onnxruntime")


def test_auto_is_the_device_itself():
    assert choose_deployment("auto", device="cpu").target == "cpu"


@pytest.mark.parametrize(("text", "message"), [("onnx", "Did you mean 'onnxruntime'"), ("file:", "names no file")])
def test_an_unknown_target_is_answered_with_the_nearest(text, message):
    with pytest.raises(SettingError, match=message):
        choose_deployment(text)
