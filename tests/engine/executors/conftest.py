"""One Ray of this machine's own for all quick tests of executors: its start takes seconds."""

from collections.abc import Iterator

import pytest

from nas.engine.executors import Placement
from nas.engine.executors.ray_tune import quiet_ray


@pytest.fixture(scope="session")
def ray_here() -> Iterator[None]:
    """Ray with two workers' room; executors use a Ray that runs."""
    with quiet_ray() as tuner, tuner.connected(Placement(workers=2)):
        yield
