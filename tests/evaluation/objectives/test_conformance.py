"""What every objective keeps: those of the folder, and what classification knows after training."""

from suites import suites

from nas.evaluation.catalogue import objective
from nas.registry import OBJECTIVES
from nas.testing import ObjectiveSuite

globals().update(suites(ObjectiveSuite, OBJECTIVES))


class TestAccuracy(ObjectiveSuite):
    kind = objective("accuracy")
