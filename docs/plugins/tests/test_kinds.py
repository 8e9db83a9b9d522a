"""The three kinds keep what the kinds of nas keep."""

from nas_example.convnext import ConvNeXt
from nas_example.depth import depth
from nas_example.turned_digits import turned_digits

from nas.testing import BlockSuite, DataSuite, ObjectiveSuite


class TestConvNeXt(BlockSuite):
    kind = ConvNeXt


class TestDepth(ObjectiveSuite):
    kind = depth


class TestTurnedDigits(DataSuite):
    kind = turned_digits
