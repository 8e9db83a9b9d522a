"""Networks compiled by torch.compile, and the refusal where nothing compiles."""

from pathlib import Path

import pytest
import torch
from small_trainings import archive, network
from torch import nn

import nas
from nas.errors import SettingError
from nas.network.compiling import compiled


def test_a_training_is_refused_where_nothing_compiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(SettingError, match=r"^compile: torch.compile needs a C\+\+ compiler here"):
        nas.train(network(), data=archive(tmp_path / "four.npz"), compile=True, device="cpu", runs=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
def test_many_networks_may_be_compiled_in_one_process() -> None:
    """Twelve are more than torch keeps of one function."""
    torch._dynamo.utils.counters.clear()
    for width in range(1, 13):
        layer, x = nn.Linear(width, 3), torch.randn(2, width)
        torch.testing.assert_close(compiled(layer)(x), layer(x))
    assert torch._dynamo.utils.counters["frames"]["ok"] == 12
