"""The chance that a candidate's trial succeeds and keeps the limits of which only a trial tells."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr

from nas.engine.objective_scale import Scale
from nas.engine.samplers._screening.evidence import Costs, Past
from nas.engine.samplers._screening.models import GIVEN, Spread, describe, encoder, spreads
from nas.engine.samplers._screening.process import (
    FIXED,
    Kernels,
    Process,
    fit_process,
    milestone,
    predict_process,
    tuned,
)
from nas.engine.samplers._screening.tree import Codes, Tree

Values = NDArray[np.float64]
FEWEST = 4  # trials that a limit is learnt from
UNLIKELY = 0.01  # the least chance of success that a candidate is given
LARGEST = 1e3  # times a limit's middle violation: what lies beyond counts alike


@dataclass(frozen=True)
class _Learnt:
    """A process over the points that it was fitted to, whose costs are spread as `like` says."""

    process: Process
    like: Mapping[str, Spread]
    scale: Scale


class Feasibility:
    """Learns from trials that failed, and by how much ended ones broke or kept each limit.

    A process of the violation of each limit gives the chance that there is none (Gardner et al., Bayesian optimization
    with inequality constraints, 2014, section 3.1), on a scale that tells small ones apart (Eriksson and Poloczek,
    Scalable constrained Bayesian optimization, 2021, section 3). A process of success and failure gives that of a trial
    which succeeds. Limits on `costs` are known without.
    """

    def __init__(self, tree: Tree, past: Past, costs: Costs, kernels: Kernels) -> None:
        self.tree, self.past, self.costs, self.kernels = tree, past, costs, kernels
        self.encode = encoder(tree)
        told = {name: found for name, found in past.limits.items() if len(found[0]) >= FEWEST}
        self.limits = [self._limit(name, *found) for name, found in told.items() if not self._known(name, found[0])]
        self.success = len(past.done) / max(len(past.done) + len(past.failed), 1)
        self.outcome = self._outcome() if len(past.failed) and len(past.done) else None

    def __call__(self, codes: Codes, table: Mapping[str, Values]) -> Values:
        """The logarithm of the chance of candidates with these costs, minus infinity for those that break a limit."""
        found = np.where(self.costs.within(table, len(codes)), 0.0, -np.inf)
        if not (self.limits or self.outcome):
            return found
        encoded = self.encode(codes)
        for limit in self.limits:
            mean, deviation = limit.scale.undo(*predict_process(limit.process, describe(encoded, table, limit.like)))
            found += log_ndtr(-mean / deviation)
        if self.outcome:
            mean, _ = predict_process(self.outcome.process, describe(encoded, table, self.outcome.like))
            found += np.log(np.clip(mean + self.success, UNLIKELY, 1.0))
        return found

    def _known(self, name: str, codes: Codes) -> bool:
        """Whether a limit is one on a cost."""
        limited = name in self.costs.maximum or name in self.costs.minimum
        return limited and name in self.costs.table(self.tree, codes[:1], remember=True)

    def _limit(self, name: str, codes: Codes, violations: Values) -> _Learnt:
        middle = float(np.median(np.abs(violations[: milestone(len(violations))]))) or 1.0  # of the kernel's trials
        values = np.sign(violations) * np.log1p(np.minimum(np.abs(violations) / middle, LARGEST))
        kept = np.sort(np.argsort(np.abs(values), kind="stable")[:GIVEN])
        scale = Scale.of(values[kept], None)
        costs = self.costs.table(self.tree, codes[kept], remember=True)
        like = spreads(costs)

        def told(count: int) -> tuple[Values, Values]:
            first = self.costs.table(self.tree, codes[:count], remember=True)
            scaled = Scale.of(values[:count], None).apply(values[:count])
            return describe(self.encode(codes[:count]), first, spreads(first)), scaled

        kernel = tuned(self.kernels, f"limit {name}", len(codes), told)
        features = describe(self.encode(codes[kept]), costs, like)
        return _Learnt(fit_process(kernel, features, scale.apply(values[kept])), like, scale)

    def _outcome(self) -> _Learnt:
        """A process of success (1) and failure (0) less their mean."""
        done, failed = self.past.done[-GIVEN // 2 :], self.past.failed[-GIVEN // 2 :]
        codes = np.concatenate([done, failed])
        costs = self.costs.table(self.tree, codes, remember=True)
        like = spreads(costs)
        outcome = np.r_[np.ones(len(done)), np.zeros(len(failed))] - self.success
        scale = Scale(None, 0.0, 1.0)
        return _Learnt(fit_process(FIXED, describe(self.encode(codes), costs, like), outcome), like, scale)
