"""Objectives that are counted, not measured: parameters, multiply-adds and bytes."""

from typing import Literal

from nas.evaluation.objectives import Candidate, Effort, Objective, Reading, Sum

__all__ = ["macs", "memory", "params", "training_memory"]


def _summed(what: Literal["params", "macs"]) -> Sum:
    from nas.costs.counts import Summed

    return Summed(what)


def _memory(candidate: Candidate) -> float:
    """Peak bytes of one image's forward pass: weights and the maps alive at once (`nas.costs.memory`)."""
    return _peak(candidate, training=False)


def _training_memory(candidate: Candidate) -> float:
    """Peak bytes of one training step at the search's batch size (`nas.costs.memory`)."""
    return _peak(candidate, training=True)


def _peak(candidate: Candidate, training: bool) -> float:
    from nas.costs.memory import inference_memory, training_memory

    network, conditions = candidate.network or candidate.architecture, candidate.conditions
    if not training:
        return float(inference_memory(network))
    assert conditions.task
    return float(training_memory(network, conditions.batch_size, conditions.task))


def _read_training_memory(candidate: Candidate, effort: Effort) -> Reading:
    return Reading(_training_memory(candidate), {"batch": candidate.conditions.batch_size})


params = Objective("minimize", title="Parameters", adds=lambda _: _summed("params"), noted=True, surveyed=True)
macs = Objective("minimize", unit="MACs", title="MACs", adds=lambda _: _summed("macs"), noted=True, surveyed=True)
memory = Objective("minimize", unit="B", known=_memory, slow=True, surveyed=True)
training_memory = Objective("minimize", unit="B", known=_training_memory, measure=_read_training_memory, slow=True)
