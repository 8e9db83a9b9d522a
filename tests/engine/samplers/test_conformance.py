"""What every sampler keeps: made anew for each proposal, it goes on in a rebuilt study as in the one that lived."""

import optuna
from suites import suites

from nas.registry import SAMPLERS
from nas.testing import SamplerSuite

optuna.logging.set_verbosity(optuna.logging.WARNING)
COUNTS = {"pareto": range(9, 16), "nsga2": range(98, 116), "tpe": range(8, 20), "random": range(3), "gp": range(10, 13)}
globals().update(suites(SamplerSuite, SAMPLERS, **{name: {"rebuilt_after": range_} for name, range_ in COUNTS.items()}))
