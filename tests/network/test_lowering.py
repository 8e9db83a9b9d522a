"""Lowered networks: fewer queries give the same boxes but for those that go, and position tables are resized."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from detections import model, network, quarters
from small_models import model_of

from nas.errors import SettingError
from nas.network.lowering import ENLARGE, lower, lowered, queries_of

HEADS = ({}, {"anchors": True, "focal": True, "denoising": 2}, {"levels": 2, "denoising": 1})


def test_a_number_of_numpy_lowers_as_any() -> None:
    found = lowered(network(), np.int64(5), np.int64(16))  # type: ignore[arg-type]
    assert found == lowered(network(), 5, 16)
    assert {type(found.head.options["queries"]), type(found.resolution)} == {int}


def test_a_network_says_how_many_boxes_it_may_find() -> None:
    assert queries_of(network()) == 8
    assert queries_of(model_of(["conv"]).architecture) is None


@torch.no_grad()
@pytest.mark.parametrize("head", HEADS, ids=str)
def test_the_queries_that_stay_are_those_that_are_named_in_their_order(head: dict[str, object]) -> None:
    net, order, x = model(**head).network, [5, 0, 7, 1], model().preprocess(quarters(40, 30))
    few = lower(net, lowered(net.architecture, 4), [*order, 2, 3])
    ours, theirs = net.state_dict(), few.state_dict()
    changed = [name for name, value in ours.items() if value.shape != theirs[name].shape]
    assert changed
    assert all(torch.equal(theirs[name], ours[name][order]) for name in changed)
    assert few(x).shape == (1, 4, 7)
    turned = lower(net, lowered(net.architecture, 4), [7, 1, 5, 0])
    assert not torch.allclose(turned(x), few(x), atol=1e-2)
    torch.testing.assert_close(turned(x)[:, [2, 3, 0, 1]], few(x), rtol=1e-4, atol=1e-5)
    first = lower(net, lowered(net.architecture, 4))
    assert all(torch.equal(first.state_dict()[name], ours[name][:4]) for name in changed)
    whole = lower(net, net.architecture, order)
    assert torch.equal(whole(x), net(x)), "a network that keeps all of them stays as it is"


@torch.no_grad()
def test_a_lower_resolution_takes_smaller_images_with_the_same_weights() -> None:
    net = model().network
    small = lower(net, lowered(net.architecture, resolution=16))
    assert small.architecture.resolution == 16
    assert small(torch.rand(1, 3, 16, 16)).shape == (1, 8, 7)
    ours, theirs = net.state_dict(), small.state_dict()
    resized = [name for name, value in ours.items() if value.shape != theirs[name].shape]
    assert resized, "the relative table of a smaller map is smaller"
    assert all(torch.equal(value, theirs[name]) for name, value in ours.items() if name not in resized)


@torch.no_grad()
@pytest.mark.parametrize("head", HEADS, ids=str)
def test_boxes_of_smaller_images_are_larger_than_the_network_takes_them_for(head: dict[str, object]) -> None:
    net, x = model(**head).network, torch.rand(2, 3, 16, 16)
    small = lowered(net.architecture, resolution=16)
    options = {name: value for name, value in small.head.options.items() if name != ENLARGE}
    plain = replace(small, head=replace(small.head, options=options))
    boxes, taken = (lower(net, architecture)(x) for architecture in (small, plain))
    torch.testing.assert_close(boxes[..., 2:4], (2 * taken[..., 2:4]).clamp(max=1))
    torch.testing.assert_close(boxes[..., [0, 1, 4, 5, 6]], taken[..., [0, 1, 4, 5, 6]])
    in_turn = lowered(lowered(net.architecture, resolution=24), resolution=16)
    assert in_turn.value("head.enlarge") == pytest.approx(2)
    assert ENLARGE not in lowered(net.architecture, queries=4).head.options
    assert ENLARGE not in lowered(model_of(["conv"]).architecture, resolution=8).head.options


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"queries": 9}, "queries 9 is not allowed; a network can be lowered to 1 to 8"),
        ({"queries": 0}, "queries 0 is not allowed"),
        ({"queries": True}, "queries True is not allowed"),
        ({"resolution": 33}, "resolution 33 is not allowed; a network can be lowered to 4 to 32"),
    ],
)
def test_more_than_there_is_is_refused(asked: dict[str, int], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        lowered(network(), **asked)
    with pytest.raises(SettingError, match="the head 'pool' has none; only networks that find boxes have queries"):
        lowered(model_of(["conv"]).architecture, 4)
