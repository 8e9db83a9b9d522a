"""Parameters and multiply-adds: of published networks, of layers that can be counted by hand, of parts."""

import pytest
import torch

from nas.costs.counts import cost, parameters
from nas.network.build import build
from nas.space.library import load_architecture, load_space

# counted with the authors' code (see the files' headers): parameters exactly, multiply-adds within 1 %
PUBLISHED = {"coatnet_0": (25_036_820, 4.14e9), "moat_0": (27_846_892, 5.638e9)}


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_network_has_its_parameters(name):
    params, macs = PUBLISHED[name]
    known = cost(load_architecture(name))
    assert known.params == params
    assert known.macs == pytest.approx(macs, rel=0.01)


def test_the_parts_are_the_whole():
    for name in ("coatnet_0", "cvt_13", "mobilenet_v2"):
        known = cost(load_architecture(name))
        assert sum(p.params for p in known.parts) == known.params
        assert sum(p.macs for p in known.parts) == known.macs
        assert known.parts[0].name == "stem"
        assert known.parts[-1].name == "head"


def test_attention_counts_and_a_count_by_hand_agrees():
    """Patches, then one block of attention on 16 tokens: each product by hand."""
    net = load_architecture(
        {
            "resolution": 8, "channels": 1, "classes": 10,
            "stem": {"kind": "patchify", "width": 8, "patch_size": 2},
            "stages": [{"block": "transformer", "depth": 1, "width": 8, "stride": 1, "head_dim": 4, "mlp_ratio": 2}],
            "head": {"kind": "pool"},
        }
    )  # fmt: skip
    stem, block, head = cost(net).parts
    tokens, width = 16, 8
    assert stem.macs == tokens * 4 * width
    projections = tokens * width * 3 * width + tokens * width * width
    scores = 2 * tokens * tokens * width
    mlp = 2 * tokens * width * 2 * width
    assert block.macs == projections + scores + mlp
    assert head.macs == width * 10
    assert (stem.resolution, block.resolution, head.resolution) == ((4, 4), (4, 4), (1, 1))


def test_the_count_is_that_of_the_built_network():
    space = load_space("cvt_family")
    for architecture in (space.smallest(), space.largest()):
        network = build(architecture)
        assert cost(architecture).params == parameters(network)
        assert not any(p.is_meta for p in network.parameters())


def test_frozen_parameters_are_not_counted():
    layer = torch.nn.Linear(3, 4)
    layer.bias.requires_grad_(False)
    assert parameters(layer) == 12
