"""Peak bytes of one training step at the search's batch size (see `nas.memory` for what is counted)."""

from nas.objectives._base import Objective, Reading, Subject


def _measure(subject: Subject) -> Reading:
    from nas.memory import training_memory

    return Reading(float(training_memory(subject.architecture, subject.batch_size)), {"batch": subject.batch_size})


training_memory = Objective(goal="minimize", unit="B", trained=False, measure=_measure)
