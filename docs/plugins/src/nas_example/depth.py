"""The number of a network's blocks: what runs one after the other, however wide a device is."""

from nas.evaluation.objectives import Candidate, Objective


def _depth(candidate: Candidate) -> float:
    return float(sum(stage.depth for stage in candidate.architecture.stages))


depth = Objective("minimize", title="Blocks", known=_depth)
