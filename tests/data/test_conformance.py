"""What every data set keeps: those that need no path; the others' own files bring the images to read."""

import inspect

from suites import suites

from nas.registry import DATA
from nas.testing import DataSuite

PATHLESS = [n for n in DATA.names() if inspect.signature(DATA.get(n)).parameters["path"].annotation is None]
globals().update(suites(DataSuite, DATA, PATHLESS))
