"""What the tests of the engine share."""

from pathlib import Path

import pytest
import yaml
from small_searches import SPACE


@pytest.fixture
def space(tmp_path: Path) -> Path:
    """The file of a tiny space."""
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(SPACE))
    return path
