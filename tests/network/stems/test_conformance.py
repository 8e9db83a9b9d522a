"""What every stem keeps: run over the registry, so that a new kind is tested by existing."""

from suites import suites

from nas.registry import STEMS
from nas.testing import StemSuite

globals().update(suites(StemSuite, STEMS))
