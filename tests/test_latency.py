"""Milliseconds: of a network whose time is known, and of a real one."""

import time

import pytest
import torch
from torch import nn

from nas.device import choose_device, device_name
from nas.errors import SettingError
from nas.grammar import load_architecture
from nas.latency import measure
from nas.network import build

NET = load_architecture(
    {
        "resolution": 8, "channels": 1, "classes": 10, "stem": {"kind": "conv", "width": 8},
        "stages": [{"block": "conv", "depth": 1, "width": 8, "stride": 1}],
    }
)  # fmt: skip
CPU = torch.device("cpu")


class Sleeper(nn.Module):
    """Takes 5 ms."""

    def forward(self, x):
        assert not self.training
        assert torch.is_inference_mode_enabled()
        self.seen = x.shape
        time.sleep(0.005)
        return x


@pytest.mark.parametrize("batch", [1, 3])
def test_a_known_time_is_measured_in_milliseconds(batch):
    network = Sleeper()
    found = measure(network, NET, CPU, batch=batch, seconds=0.1)
    assert 5 <= found.median < 20  # a busy machine wakes late
    assert network.seen == (batch, 1, 8, 8)
    assert found.batch == batch
    assert found.runs >= 5
    assert found.iqr >= 0
    assert network.training, "the mode is given back"


def test_a_record_says_where_it_was_taken():
    data = measure(build(NET), NET, CPU, threads=1, seconds=0.02).to_dict()
    assert data["device"] == device_name(CPU) != ""
    assert (data["threads"], data["batch"]) == (1, 1)
    assert data["median"] > 0


def test_a_larger_network_takes_longer():
    wide = load_architecture(NET.to_dict() | {"resolution": 64, "stem": {"kind": "conv", "width": 64}})
    times = [measure(build(a), a, CPU, seconds=0.05).median for a in (NET, wide)]
    assert times[1] > 1.5 * times[0]


def test_a_device_is_one_that_is_there():
    assert choose_device("cpu") == CPU
    assert choose_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    with pytest.raises(SettingError, match=r"unknown device 'gpu'\. Allowed|Did you mean"):
        choose_device("gpu")
    if not torch.cuda.is_available():
        with pytest.raises(SettingError, match="torch sees no CUDA device"):
            choose_device("cuda")
