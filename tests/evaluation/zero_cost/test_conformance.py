"""What every score keeps: run over the registry, so that a new kind is tested by existing."""

import math
from typing import Any

import pytest
import torch

from nas.errors import SettingError
from nas.evaluation.scoring import score
from nas.evaluation.zero_cost import Sample
from nas.network.architecture import Architecture, HeadSpec, StageSpec, StemSpec
from nas.network.build import Network, build
from nas.network.properties import width_for
from nas.registry import BLOCKS, HEADS, SCORES, STEMS
from nas.training.catalogue import load_task, task_of


def network(block: str, **settings: Any) -> Network:
    """Two stages of a block, on one grey channel of 8 x 8 pixels."""
    width = width_for(BLOCKS.get(block))
    stages = (StageSpec(block, 2, width, 2), StageSpec(block, 1, width, 1))
    return build(Architecture(StemSpec("conv", 8), stages, HeadSpec("pool"), "tiny", 16, 1, 3), seed=0, **settings)


def batch(images: int = 4, task: str = "classification") -> Sample:
    generator, learnt = torch.Generator().manual_seed(0), load_task(task)
    x = torch.randn(images, 1, 16, 16, generator=generator)
    return Sample(x, learnt.drawn(images, 3, generator), learnt.loss)


@pytest.mark.parametrize("block", BLOCKS.names())
def test_every_score_is_defined_for_every_block(block: str) -> None:
    scored = score(network(block), batch())
    assert list(scored) == SCORES.names()
    assert all(math.isfinite(s.value) and s.ms > 0 for s in scored.values()), scored


@pytest.mark.parametrize(
    ("stem", "head"), [*((s, "pool") for s in STEMS.names()), *(("conv", h) for h in HEADS.names())]
)
def test_every_score_is_defined_for_every_stem_and_head(stem: str, head: str) -> None:
    stages = (StageSpec("conv", 1, 32, 1), StageSpec("cvt", 1, 64, 1))
    ends = Architecture(StemSpec(stem, 32), stages, HeadSpec(head), "tiny", 16, 1, 3)
    scored = score(build(ends, seed=0), batch(task=task_of(HEADS.get(head).outputs)))
    assert all(math.isfinite(s.value) for s in scored.values()), scored


@pytest.mark.parametrize("name", SCORES.names())
@pytest.mark.parametrize("training", [True, False])
def test_a_score_leaves_the_network_as_it_was(name: str, training: bool) -> None:
    scored, sample = network("mbconv", drop_path=0.5).train(training), batch()
    scored(sample.x).sum().backward()
    state = {key: value.clone() for key, value in scored.state_dict().items()}
    gradients = [p.grad.clone() for p in scored.parameters() if p.grad is not None]
    generator, images = torch.get_rng_state(), sample.x.clone()
    SCORES.get(name)(scored, sample)
    assert all(torch.equal(value, state[key]) for key, value in scored.state_dict().items())
    assert all(torch.equal(p.grad, g) for p, g in zip(scored.parameters(), gradients, strict=True))
    assert all(p.requires_grad and p.dtype == torch.float32 for p in scored.parameters())
    assert all(module.training == training for module in scored.modules())
    assert torch.equal(torch.get_rng_state(), generator)
    assert torch.equal(sample.x, images)
    assert not sample.x.requires_grad


@pytest.mark.parametrize("name", SCORES.names())
def test_a_score_is_the_same_each_time_whatever_is_dropped_at_random(name: str) -> None:
    values = {SCORES.get(name)(network("moat", drop_path=rate), batch()) for rate in (0.0, 0.9, 0.9)}
    assert len(values) == 1


def test_named_scores_are_computed_in_their_order() -> None:
    assert list(score(network("conv"), batch(), ["snip", "params"])) == ["snip", "params"]
    with pytest.raises(SettingError, match=r"unknown score 'sinflow'\. Did you mean 'synflow'"):
        score(network("conv"), batch(), ["sinflow"])
