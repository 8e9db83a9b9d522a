"""What is exported computes what the network computes."""

import io

import onnxruntime as ort
import pytest
import torch

from nas.costs.onnx_file import INPUT, write_onnx
from nas.network.build import build
from nas.space.library import load_space

SPACE = {
    "name": "one", "resolution": 16, "classes": 10, "stem": {"kind": "conv", "width": 8},
    "stages": [{"block": ["conv", "mbconv", "transformer", "moat"], "depth": 2, "width": 8, "stride": 2}],
    "blocks": {"transformer": {"head_dim": 4}, "moat": {"head_dim": 4}},
}  # fmt: skip


@pytest.mark.parametrize("block", ["conv", "mbconv", "transformer", "moat"])
def test_the_exported_network_gives_the_same_logits(block):
    space = load_space(SPACE)
    network = build(space.decide(lambda name, values: block), seed=0).eval()
    x = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = network(x)
    file = io.BytesIO()
    write_onnx(network, x, file)
    session = ort.InferenceSession(file.getvalue(), providers=["CPUExecutionProvider"])
    (logits,) = session.run(None, {INPUT: x.numpy()})
    torch.testing.assert_close(torch.from_numpy(logits), expected, rtol=1e-4, atol=1e-5)
