"""Which part of a GPU a trial gets."""

import pytest
import torch
from nas.engine.gpu_share import MOST, Need, measure, measured_share

from nas import data as datasets
from nas.config import make_config
from nas.evaluation.job import Job
from nas.space.library import load_space

GIB = 1 << 30


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
    need = measure(config, dataset, space.largest())
    assert 0 < need.trial < need.gpu
    share = measured_share(config, dataset, space.largest())
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(share)
    try:
        outcome = Evaluator(config, dataset)(Job(0, space.largest(), seed=0))
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert outcome.state == "complete", outcome.reason
