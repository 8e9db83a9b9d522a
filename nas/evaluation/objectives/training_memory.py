"""Peak bytes of one training step at the search's batch size (see `nas.costs.memory` for what is counted)."""

from typing import TYPE_CHECKING

from nas.evaluation.objectives._base import Objective, Reading, Subject

if TYPE_CHECKING:
    from nas.config import SearchConfig
    from nas.costs.latency.predictor import Predictor
    from nas.network.architecture import Architecture


def _measure(subject: Subject) -> Reading:
    from torch.nn.functional import cross_entropy

    from nas.costs.memory import training_memory

    taken = training_memory(subject.network, subject.batch_size, cross_entropy)
    return Reading(float(taken), {"batch": subject.batch_size})


def _known(architecture: "Architecture", config: "SearchConfig", predictor: "Predictor | None") -> float:
    from torch.nn.functional import cross_entropy

    from nas.costs.memory import training_memory

    return float(training_memory(architecture, config.recipe.batch_size, cross_entropy))


training_memory = Objective(goal="minimize", unit="B", trained=False, measure=_measure, known=_known, slow=True)
