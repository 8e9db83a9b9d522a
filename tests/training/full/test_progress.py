"""Which epoch of a training is the best."""

import math

from nas.training.full.progress import Epoch, best_epoch


def past(*values: float) -> list[Epoch]:
    """Epochs with these values of a metric, whose accuracy falls."""
    return [Epoch(i, 1.0, 1e-3, 1.0, 1.0, {"macro_f1": v, "accuracy": 1 / i}) for i, v in enumerate(values, 1)]


def test_the_best_epoch_is_the_first_of_the_best_by_the_monitored_metric() -> None:
    history = past(math.nan, 0.2, 0.7, 0.7, 0.6)
    assert best_epoch(history, "macro_f1", 1) == 3
    assert best_epoch(history, "macro_f1", -1) == 2, "where less is better"
    assert best_epoch(history, "accuracy", 1) == 1


def test_a_value_that_is_not_finite_makes_no_epoch_the_best() -> None:
    assert best_epoch(past(0.5, math.inf, 0.7), "macro_f1", 1) == 3
    assert best_epoch(past(0.5, -math.inf, 0.7), "macro_f1", -1) == 1
    assert best_epoch(past(math.nan, math.inf), "macro_f1", 1) == 0
    assert best_epoch(past(0.5), "top5", 1) == best_epoch([], "macro_f1", 1) == 0
