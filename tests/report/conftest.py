from collections.abc import Callable
from pathlib import Path

import pytest
import small_models

from nas.report.export import export


@pytest.fixture(scope="session")
def learnt() -> small_models.Learnt:
    """A small model that has learnt digits, with images."""
    return small_models.learnt()


@pytest.fixture(scope="session")
def shipped(learnt: small_models.Learnt, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Export that model in a format, once for all tests. The files are not to be changed."""
    folder, done = tmp_path_factory.mktemp("shipped"), {}

    def written(form: str) -> Path:
        if form not in done:
            suffix = {"onnx-int8": ".int8.onnx", "hub": ""}.get(form, f".{form}")
            done[form] = export(learnt.model, form, folder / f"model{suffix}").path
        return done[form]

    return written
