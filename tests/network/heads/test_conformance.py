"""What every head keeps: run over the registry, so that a new kind is tested by existing."""

from suites import suites

from nas.registry import HEADS
from nas.testing import HeadSuite

# The first decoder layer's queries are all alike, so nothing is learnt by what they see in each other (section 3.1 of
# DETR's appendix: it may be left out).
IDLE = ("head.decoder.0.attention.qk", "head.decoder.0.attention.v.weight")

# The defaults are a hundred queries and twelve layers. These are still more queries than the map has pixels.
SMALL = {"encoder": 1, "decoder": 2, "hidden": 64, "queries": 16}

globals().update(suites(HeadSuite, HEADS, detr={"idle": IDLE, "small": SMALL}))
