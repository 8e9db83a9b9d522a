"""A head of several maps as a piece: what it costs alone is what it adds to its network."""

from itertools import accumulate
from pathlib import Path

import numpy as np
import pytest
import torch
from small_detection import NET

from nas.costs.counts import cost, count, parameters
from nas.costs.latency.predictor import piece_from_dict, piece_to_dict
from nas.costs.onnx_file import write_onnx
from nas.network.architecture import Architecture
from nas.network.build import build
from nas.network.pieces import Piece, pieces
from nas.space.library import load_architecture, load_space


def detector(**head: object) -> Architecture:
    return load_architecture(NET | {"head": NET["head"] | head})


def last(architecture: Architecture) -> Piece:
    return [*pieces(architecture)][-1]


@torch.no_grad()
@pytest.mark.parametrize("levels", [1, 2])
def test_a_head_alone_answers_as_in_its_network(levels: int) -> None:
    architecture = detector(levels=levels)
    network, head = build(architecture, seed=0).eval(), last(architecture)
    alone = head.build().eval()
    alone.head.load_state_dict(network.head.state_dict())
    x = torch.randn(2, 1, 16, 16)
    maps = [*accumulate(network.stages, lambda x, stage: stage(x), initial=network.stem(x))][1:]
    row = torch.cat([m.flatten(1) for m in maps[-levels:]], 1)
    assert head.taken == (row.shape[1],)
    torch.testing.assert_close(alone(row), network.head(maps))


def test_it_knows_the_maps_that_it_reads_and_no_others() -> None:
    assert last(detector(levels=1)).earlier == ()
    assert last(detector(levels=2)).earlier == ((8, 8, 8),)
    wider = [NET["stages"][0] | {"width": 12}, NET["stages"][1]]
    one, two = (load_architecture(NET | {"stages": wider, "head": NET["head"] | {"levels": n}}) for n in (1, 2))
    assert last(one) == last(detector(levels=1)), "what it does not read changes nothing"
    assert last(two) != last(detector(levels=2))


def test_what_costs_more_does() -> None:
    base = count(last(detector()))
    for more in ({"queries": 12}, {"decoder": 3}, {"encoder": 2}, {"width": 16}, {"hidden": 64}):
        assert count(last(detector(**more))).macs > base.macs, more
    fewer, larger = (count(last(found)) for found in (detector(levels=1), load_architecture(NET | {"resolution": 32})))
    assert fewer.macs < base.macs < larger.macs
    assert larger.params == base.params
    crowded = count(last(load_architecture(NET | {"classes": 80})))
    assert crowded.params == base.params + 70 * (8 + 1) + 70 * 8, "weights and biases, and labels for denoising"


def test_parts_add_up_to_the_network() -> None:
    space = load_space("detr_family").fit(resolution=64, channels=1, classes=10)
    _, architecture = space.sample(np.random.default_rng(3))
    assert cost(architecture).params == parameters(build(architecture))


def test_a_file_keeps_it_and_reads_an_earlier_versions() -> None:
    head = last(detector(levels=2))
    data = piece_to_dict(head)
    assert piece_from_dict(data) == head
    assert "earlier" in data
    assert piece_from_dict({name: value for name, value in data.items() if name != "earlier"}).earlier == ()


@torch.no_grad()
def test_another_device_can_run_it(tmp_path: Path) -> None:
    """A package for a device holds each piece as ONNX, without the sines in double that runtimes before 1.29 lack."""
    onnx = pytest.importorskip("onnx")
    head, x = last(detector(levels=2)), torch.randn(1, *last(detector(levels=2)).taken)
    built = head.build().eval()
    write_onnx(built, x, tmp_path / "head.onnx")
    session = pytest.importorskip("onnxruntime").InferenceSession(tmp_path / "head.onnx")
    (found,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    torch.testing.assert_close(torch.from_numpy(found), built(x), rtol=1e-4, atol=1e-4)
    graph = onnx.shape_inference.infer_shapes(onnx.load(tmp_path / "head.onnx")).graph
    types = {value.name: value.type.tensor_type.elem_type for value in graph.value_info}
    waves = {types[node.output[0]] for node in graph.node if node.op_type in ("Sin", "Cos")}
    assert waves == {onnx.TensorProto.FLOAT}
