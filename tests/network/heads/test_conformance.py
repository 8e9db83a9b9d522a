"""What every head keeps: run over the registry, so that a new kind is tested by existing."""

from suites import suites

from nas.registry import HEADS
from nas.testing import HeadSuite

globals().update(suites(HeadSuite, HEADS))
