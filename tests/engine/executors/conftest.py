"""One Ray of this machine's own for all quick tests of executors: its start takes seconds."""

from collections.abc import Iterator

import pytest

from nas.evaluation.job import Placement


@pytest.fixture(scope="session")
def ray_here() -> Iterator[None]:
    """Ray with two workers' room; executors use a Ray that runs."""
    from nas.engine.executors._ray_session import connected

    with connected(Placement(workers=2)):
        yield
