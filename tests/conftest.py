"""What all tests share."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import timm_models
import torch
from browser import browser as browser
from command import nas as nas
from small_searches import CONVOLUTION_FIRST

from nas.engine import ending
from nas.evaluation.objectives import timed

pytest.register_assert_rewrite("nas.testing", "nas.network.testing")
hypothesis.settings.register_profile("nas", deadline=None)  # a busy machine is no failure
hypothesis.settings.load_profile("nas")
torch.set_num_threads(1)  # worker processes of the test runner would fight over the cores


FIRST = ("test_readme.py", "test_docs.py", "executors", "test_plan.py", "test_plugins.py", "test_contributing.py")
UNASKED = ("slow", "faults")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what no -m asks for, whatever else it says, and sort the rest.

    The longest begin first, so that the workers end together, and in one worker, which starts Ray once for all.
    """
    words = re.findall(r"\w+", config.option.markexpr)
    unasked = set(UNASKED).difference(words)
    left = {item for item in items if any(map(item.get_closest_marker, unasked))}
    config.hook.pytest_deselected(items=[*left])
    items[:] = [item for item in items if item not in left]
    items.sort(key=lambda item: not set(FIRST) & {item.path.name, item.path.parent.name})


@pytest.fixture(scope="session")
def timm() -> Any:
    """The timm package, where it is installed."""
    return timm_models.timm()


@pytest.fixture(scope="session", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What tests learn of this machine is nobody else's business."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NAS_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module", autouse=True)
def _short_clocks(request: pytest.FixtureRequest) -> Iterator[None]:
    """Time a network for a moment only, and few networks for a predictor, but where the number is the point."""
    with pytest.MonkeyPatch.context() as patch:
        if "costs" not in request.path.parts:
            for name, value in (("NETWORKS", 8), ("ROUNDS", 1)):
                patch.setattr(f"nas.costs.latency.sampling.{name}", value)
            for effort in timed.LATENCY_SECONDS:
                patch.setitem(timed.LATENCY_SECONDS, effort, 0.05)
            patch.setattr(timed, "THROUGHPUT_SECONDS", 0.05)
            patch.setattr(timed, "ENERGY_SECONDS", 0.05)
            patch.setattr(ending, "SECONDS", 0.05)
        yield


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """The file of a tiny space that mixes as by hand: convolution, then attention."""
    (tmp_path / "tiny.yaml").write_text(CONVOLUTION_FIRST)
    return tmp_path / "tiny.yaml"


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)
