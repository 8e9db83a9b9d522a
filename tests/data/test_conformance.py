"""What every data set keeps: those that need no path; the others' own files bring the images to read."""

import inspect

import pytest
from suites import suites

from nas.registry import DATA
from nas.testing import DataSuite

PATHLESS = [n for n in DATA.names() if inspect.signature(DATA.get(n)).parameters["path"].annotation is None]
globals().update(suites(DataSuite, DATA, PATHLESS))


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory):
    """Draw each set of this file once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NAS_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
