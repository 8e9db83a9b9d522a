"""Every target: it computes what the network computes, says its time, and says why it cannot run where it cannot."""

import pytest
import torch
from suites import suites

from nas.costs.deployment import Deployment, available, choose_deployment
from nas.costs.latency.measure import measure
from nas.costs.targets import Setting, Target, cpu_clock
from nas.errors import SettingError
from nas.network.build import build
from nas.registry import TARGETS
from nas.space.library import load_architecture
from nas.testing import TargetSuite

NET = load_architecture(
    {
        "resolution": 8, "channels": 1, "classes": 10, "stem": {"kind": "conv", "width": 8},
        "stages": [{"block": "moat", "depth": 1, "width": 8, "stride": 1, "head_dim": 4}],
    }
)  # fmt: skip


MARKS = {"cuda": pytest.mark.gpu, "cpu_compiled": pytest.mark.slow}
MARKED = {n: {"pytestmark": [m for start, m in MARKS.items() if n.startswith(start)]} for n in TARGETS.names()}
globals().update(suites(TargetSuite, TARGETS, **MARKED))


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
    with pytest.raises(SettingError, match=r"onnx and onnxruntime are not installed: pip install 'hybrid-nas\[onnx\]'"):
        choose_deployment("onnxruntime")


@pytest.mark.parametrize("package", ["sklearn", ""])
def test_a_target_whose_versions_are_no_packages_is_told(tmp_path, monkeypatch, package):
    monkeypatch.setenv("NAS_CACHE", str(tmp_path))
    theirs = Target(device="cpu", prepare=TARGETS.get("cpu").prepare, versions=("torch", package))
    TARGETS.add("theirs", theirs, "theirs.py")
    try:
        says = f"target theirs: versions has '{package}', which is no installed package; write names as pip has them"
        with pytest.raises(SettingError, match=says):
            measure(NET, Deployment("theirs"), seconds=0.1)
    finally:
        TARGETS.remove("theirs")


def test_auto_is_the_device_itself():
    assert choose_deployment("auto", device="cpu").target == "cpu"


@pytest.mark.parametrize(("text", "message"), [("onnx", "Did you mean 'onnxruntime'"), ("file:", "names no file")])
def test_an_unknown_target_is_answered_with_the_nearest(text, message):
    with pytest.raises(SettingError, match=message):
        choose_deployment(text)
