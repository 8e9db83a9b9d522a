"""Objectives that are counted, not measured: parameters, multiply-adds and bytes."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from nas.evaluation.objectives import Candidate, Effort, Objective, Reading

if TYPE_CHECKING:
    from nas.costs.counts import Count

__all__ = ["macs", "memory", "params", "training_memory"]


def _counts(candidate: Candidate) -> "Iterator[Count]":
    from nas.costs.counts import counts

    return counts(candidate.architecture)


def _params(candidate: Candidate) -> float:
    """The number of trainable parameters."""
    return float(sum(count.params for count in _counts(candidate)))


def _macs(candidate: Candidate) -> float:
    """Multiply-adds for one image: half the operations that torch's counter prints."""
    return float(sum(count.macs for count in _counts(candidate)))


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
    assert conditions.loss
    return float(training_memory(network, conditions.batch_size, conditions.loss))


def _read_training_memory(candidate: Candidate, effort: Effort) -> Reading:
    return Reading(_training_memory(candidate), {"batch": candidate.conditions.batch_size})


params = Objective("minimize", title="Parameters", known=_params, noted=True, surveyed=True)
macs = Objective("minimize", unit="MACs", title="MACs", known=_macs, noted=True, surveyed=True)
memory = Objective("minimize", unit="B", known=_memory, slow=True, surveyed=True)
training_memory = Objective("minimize", unit="B", known=_training_memory, measure=_read_training_memory, slow=True)
