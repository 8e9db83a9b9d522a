"""What the tests of the engine share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from small_searches import SPACE

from nas.engine.executors import Placement
from nas.engine.executors.ray_tune import quiet_ray


@pytest.fixture
def space(tmp_path: Path) -> Path:
    """The file of a tiny space."""
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(SPACE))
    return path


@pytest.fixture(scope="session")
def ray_here() -> Iterator[None]:
    """Ray of this machine's own, with two workers' room: its start takes seconds, and executors use a Ray that runs."""
    with quiet_ray() as tuner, tuner.connected(Placement(workers=2)):
        yield
