"""Where trials run: what the person says, what is chosen where they do not, and which part of a GPU a trial gets."""

from typing import Any

import pytest
import torch

from nas import data as datasets
from nas.config import make_config
from nas.engine import placement
from nas.engine.executors import Placement
from nas.engine.placement import MOST, Need, choose_executor, choose_placement, measure_need, measured_share
from nas.errors import SettingError
from nas.evaluation.job import Job
from nas.space.library import load_space

LARGEST = load_space("cvt_family").smallest()
DATASET = datasets.load("digits")
GIB = 1 << 30


def chosen(**settings: Any) -> tuple[Placement, str]:
    config = make_config({"device": "cpu"} | settings)
    found = choose_placement(config, DATASET, LARGEST)
    return found, choose_executor(config, found)


def test_what_the_person_says_holds() -> None:
    assert chosen(workers=1) == (Placement(1), "local")
    assert chosen(workers=3, trial_timeout=60.0) == (Placement(3, trial_timeout=60.0), "ray_tune")
    assert chosen(workers=1, ray="10.0.0.1:6379") == (Placement(1, "10.0.0.1:6379"), "ray_tune")
    assert chosen(workers=1, executor="ray_tune") == (Placement(1), "ray_tune")
    assert chosen(ray="auto") == (Placement(None, "auto"), "ray_tune")


@pytest.mark.parametrize(("cores", "workers"), [(1, 1), (2, 2), (16, 16)])
def test_a_worker_a_core(monkeypatch: pytest.MonkeyPatch, cores: int, workers: int) -> None:
    monkeypatch.setattr(placement, "cpu_count", lambda: cores)
    assert chosen(budget={"trials": 10_000})[0].workers == workers


def test_where_ray_finds_no_shared_memory_one_worker_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placement, "cpu_count", lambda: 16)
    monkeypatch.setattr(placement, "shares_memory", lambda: False)
    assert chosen(budget={"trials": 10_000}) == (Placement(1), "local")


@pytest.mark.parametrize("budget", [{"trials": placement.LEAST_TRIALS - 1}, {"seconds": placement.LEAST_SECONDS - 1}])
def test_a_budget_that_does_not_pay_the_start_back_has_one_worker(
    monkeypatch: pytest.MonkeyPatch, budget: dict[str, Any]
) -> None:
    monkeypatch.setattr(placement, "cpu_count", lambda: 16)
    assert chosen(budget=budget) == (Placement(1), "local")


@pytest.mark.parametrize("settings", [{"workers": 4}, {"ray": "auto"}])
def test_the_local_executor_has_one_worker(settings: dict[str, Any]) -> None:
    assert chosen(executor="local")[0].workers == chosen(executor="local", workers=1)[0].workers == 1
    with pytest.raises(SettingError, match="executor: found local, which runs one trial at a time"):
        chosen(executor="local", **settings)


@pytest.mark.parametrize("ray", [None, "auto"])
def test_a_part_of_a_gpu_is_refused_on_the_cpu(ray: str | None) -> None:
    with pytest.raises(SettingError, match=r"gpus_per_trial: found 0\.25, but trials run on the CPU here"):
        chosen(device="cpu", ray=ray, gpus_per_trial=0.25)


@pytest.mark.parametrize(
    ("target", "on_cpu"), [("auto", False), ("onnxruntime", True), ("cpu_compiled", True), ("cuda", False)]
)
def test_all_trials_of_a_machine_take_turns_where_the_processor_is_timed(target: str, on_cpu: bool) -> None:
    assert chosen(ray="auto", device="cuda", target=target)[0].times_cpu == on_cpu


def test_on_a_cluster_a_gpu_is_asked_for_without_one_here() -> None:
    found, _ = chosen(ray="auto", device="cuda", gpus_per_trial=0.25)
    assert (found.gpus, found.gpu_share, found.gpu_optional) == (0.25, None, False)
    found, _ = chosen(ray="auto", device="auto")
    assert found.gpus == 1.0
    assert found.gpu_share is not None, "to be measured where the GPU is"
    assert found.gpu_optional, "the cluster may have none"
    assert chosen(ray="auto", device="cpu")[0].gpus == 0


@pytest.mark.parametrize(
    ("trial", "gpu", "fit"),
    [(10, 80, 7), (9, 80, 8), (72, 80, 1), (73, 80, 1), (200, 80, 1), (1, 80, MOST), (3, 11, 3), (5, 11, 1)],
)
def test_a_tenth_stays_free_and_as_many_fit_as_can(trial: int, gpu: int, fit: int) -> None:
    share = Need(trial * GIB, gpu * GIB).share()
    assert share * fit <= 1
    assert share * (fit + 1) > 1
    assert share == int(share * 1e4 + 0.5) / 1e4, "Ray counts in 1/10,000"


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_so_many_trials_do_fit() -> None:
    """What the measurement allots is enough for a training under that very limit."""
    from nas.evaluation.evaluator import Evaluator

    config = make_config({"data": "digits", "objectives": ("accuracy", "latency"), "device": "cuda"})
    dataset = datasets.load("digits")
    space = load_space("cvt_family").fit(resolution=dataset.resolution, channels=1, classes=10)
    need = measure_need(config, dataset, space.largest())
    assert 0 < need.trial < need.gpu
    share = measured_share(config, dataset, space.largest())
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(share)
    try:
        outcome = Evaluator(config, dataset)(Job(0, space.largest(), seed=0))
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert outcome.state == "complete", outcome.reason
