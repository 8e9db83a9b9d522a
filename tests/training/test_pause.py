"""A training that waits as bytes and goes on."""

import pytest
import torch
from torch import nn

from nas.errors import RunError
from nas.training.pause import Pause


def stepped(steps: int = 3, width: int = 4) -> tuple[nn.Module, torch.optim.Optimizer]:
    """A network with a norm, some steps into its training."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, width, 3), nn.BatchNorm2d(width), nn.Flatten(), nn.LazyLinear(2))
    network(torch.zeros(2, 1, 6, 6))
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-2, fused=True)
    for step in range(steps):
        torch.manual_seed(step)
        optimizer.zero_grad()
        network(torch.randn(8, 1, 6, 6)).square().mean().backward()
        optimizer.step()
    return network, optimizer


def test_it_goes_on_as_if_it_had_not_waited():
    network, optimizer = stepped(3)
    pause = Pause.from_bytes(Pause.of(3, network, optimizer).to_bytes())
    assert pause.steps == 3
    other, fresh = stepped(0)
    pause.restore(other, fresh)
    for net, opt in ((network, optimizer), (other, fresh)):
        torch.manual_seed(9)
        opt.zero_grad()
        net(torch.randn(8, 1, 6, 6)).square().mean().backward()
        opt.step()
    assert all(
        torch.equal(a, b) for a, b in zip(network.state_dict().values(), other.state_dict().values(), strict=True)
    )


def test_it_is_a_copy():
    network, optimizer = stepped(1)
    pause = Pause.of(1, network, optimizer)
    before = {name: value.clone() for name, value in pause.tensors.items()}
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
    assert all(torch.equal(pause.tensors[name], value) for name, value in before.items())


@pytest.mark.parametrize("spoilt", [b"", b"not a file of weights", None])
def test_damaged_bytes_are_refused(spoilt):
    data = Pause.of(2, *stepped(1)).to_bytes()[:-5] if spoilt is None else spoilt
    with pytest.raises(RunError, match="the paused training is damaged"):
        Pause.from_bytes(data)


def test_another_network_is_refused():
    with pytest.raises(RunError, match="of another network"):
        Pause.of(2, *stepped(1)).restore(*stepped(1, width=6))
