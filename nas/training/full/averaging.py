"""The exponential average of a model's weights, https://arxiv.org/abs/1703.01780 (section 2)."""

from typing import Any

from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from nas.training.model import Model


def averaged(model: Model, decay: float) -> AveragedModel:
    """Keep an exponential average of weights and statistics, which forgets its beginning sooner.

    The decay after n updates is `(1 + n) / (10 + n)`, until that reaches `decay`.
    """

    def average(kept: Any, now: Any, updates: Any) -> None:
        count = int(found.n_averaged)  # stays on the processor: a look at `updates` would wait for the GPU
        get_ema_multi_avg_fn(min(decay, (1 + count) / (10 + count)))(kept, now, updates)

    found = AveragedModel(model, multi_avg_fn=average, use_buffers=True)
    return found
