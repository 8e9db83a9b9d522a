"""DETR's head: what makes it a set of answers, and what each remedy for little data does."""

from typing import Any

import pytest
import torch
from torch import Tensor

from nas.errors import SpaceError
from nas.network.heads.detr import DETR
from nas.network.layers.detections import Detections
from nas.network.properties import (
    assert_exports,
    assert_gradients_reach_every_parameter,
    assert_runs_in_bfloat16,
    scrambled,
)
from nas.network.testing import HeadSuite, boxes_of
from nas.space.library import load_architecture, load_space
from nas.training.boxes.losses import loss

WIDTHS, CLASSES = (12, 16, 24), 5
SMALL = {"width": 32, "encoder": 2, "decoder": 3, "heads": 4, "hidden": 48, "queries": 7, "dropout": 0.0}
REMEDIES = {"anchors": True, "denoising": 2, "focal": True, "levels": 2}
OWN = [
    {},
    {"anchors": True},
    {"denoising": 2},
    {"focal": True},
    {"levels": 3},
    {"levels": 3, "pyramid": True},
    REMEDIES,
]
KINDS = [
    *OWN,
    {"selected": True},
    REMEDIES | {"selected": True},
    REMEDIES | {"selected": True, "distinct": True, "pyramid": True},
]


def head(**options: Any) -> Any:
    torch.manual_seed(0)
    return scrambled(DETR(WIDTHS, CLASSES, **SMALL | options))


def maps(batch: int = 2, height: int = 8, width: int = 12) -> list[Tensor]:
    return [torch.randn(batch, w, height * 2**i, width * 2**i) for i, w in zip((2, 1, 0), WIDTHS, strict=True)]


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(1)


@torch.no_grad()
@pytest.mark.parametrize("options", OWN, ids=str)
def test_permuted_queries_give_permuted_answers(options: dict[str, Any]) -> None:
    asked, given, order = head(**options), maps(), torch.randperm(SMALL["queries"])
    before = asked(given)
    asked.queries.table.copy_(asked.queries.table[order])
    torch.testing.assert_close(asked(given), before[:, order], rtol=1e-4, atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("options", KINDS, ids=str)
def test_a_padded_batch_equals_its_images_one_by_one(options: dict[str, Any]) -> None:
    asked, padding = head(**options), torch.zeros(3, 64, 96, dtype=torch.bool)
    sizes = [(64, 96), (40, 96), (64, 24)]
    images = [maps(1, rows // 8, columns // 8) for rows, columns in sizes]
    together = [torch.randn(3, w, 64 // s, 96 // s) for w, s in zip(WIDTHS, (2, 4, 8), strict=True)]
    for i, (rows, columns) in enumerate(sizes):
        padding[i, rows:], padding[i, :, columns:] = True, True
        for into, x in zip(together, images[i], strict=True):
            into[i, :, : x.shape[2], : x.shape[3]] = x[0]
    alone = torch.cat([asked(one) for one in images])
    torch.testing.assert_close(asked(together, padding=padding), alone, rtol=1e-4, atol=1e-5)
    whole = asked(together, padding=torch.zeros_like(padding))
    torch.testing.assert_close(whole, asked(together), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("options", [*KINDS, {"decoder": 1} | REMEDIES, {"encoder": 0} | REMEDIES], ids=str)
def test_training_moves_every_weight(options: dict[str, Any]) -> None:
    class Suite(HeadSuite):
        kind = DETR

    module, x, _ = Suite().scrambled(None, 1, **SMALL | options)
    content = () if "denoising" in options else ("head.decoder.0.attention.qk", "head.decoder.0.attention.v.weight")
    assert_gradients_reach_every_parameter(module.train(), x, idle=content)


@pytest.mark.parametrize("options", KINDS, ids=str)
def test_it_runs_in_bfloat16(options: dict[str, Any]) -> None:
    class Suite(HeadSuite):
        kind = DETR

    module, x, shape = Suite().scrambled(None, 1, **SMALL | options)
    if "selected" not in options:  # which pixels are chosen, a digit more or less decides
        assert_runs_in_bfloat16(module, x)
    assert module.bfloat16()(x.bfloat16()).shape == shape


@pytest.mark.parametrize("options", [{"anchors": True}, *KINDS[-2:]], ids=str)
def test_it_exports_for_batches_of_any_size(options: dict[str, Any]) -> None:
    class Suite(HeadSuite):
        kind = DETR

    module, x, _ = Suite().scrambled(None, 1, **SMALL | options)
    assert_exports(module, x)


@torch.no_grad()
def test_a_head_of_two_levels_looks_at_two_maps() -> None:
    given = maps()
    other = [torch.randn_like(given[0]), torch.randn_like(given[1]), given[2]]
    assert torch.equal(head()(given), head()(other))
    assert not torch.allclose(head(levels=2)(given), head(levels=2)(other))
    assert torch.equal(head(levels=2)(given), head(levels=2)([other[0], *given[1:]]))


@torch.no_grad()
def test_with_a_pyramid_the_encoder_sees_the_last_map_alone() -> None:
    given = maps()
    other = [torch.randn_like(given[0]), *given[1:]]
    asked = head(levels=3, pyramid=True, encoder=0)
    attends = head(levels=3, pyramid=True)
    assert not torch.allclose(asked(given), asked(other))
    seen: list[int] = []
    attends.encoder[0].register_forward_pre_hook(lambda _, x: seen.append(x[0].shape[1]))
    attends(given)
    assert seen == [given[2][0, 0].numel()]


@torch.no_grad()
def test_a_network_of_fewer_stages_than_levels_gives_all_its_maps() -> None:
    asked = DETR(WIDTHS[:2], CLASSES, **SMALL | {"levels": 3}).eval()
    assert asked(maps()[:2]).shape == (2, 7, 4 + CLASSES)


def answers(asked: Any, given: list[Tensor], targets: Tensor | None) -> Detections:
    found = asked.train()(given, targets)
    assert isinstance(found, Detections)
    return found


@torch.no_grad()
@pytest.mark.parametrize("anchors", [False, True])
def test_matched_queries_do_not_see_denoising(anchors: bool) -> None:
    """What is to be found is not told: with targets and without, the answers are the same."""
    asked, given = head(anchors=anchors, denoising=3), maps()
    told, alone = answers(asked, given, boxes_of(2, CLASSES)), answers(asked, given, None)
    torch.testing.assert_close(told.logits, alone.logits, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(told.boxes, alone.boxes, rtol=1e-4, atol=1e-5)
    assert alone.noised is None


@torch.no_grad()
@pytest.mark.parametrize("enlarge", [1.0, 1.5])
def test_every_target_has_its_guides(enlarge: float) -> None:
    """With boxes that begin as they were asked, guide `group * most + row` is near that row's box."""
    torch.manual_seed(0)
    asked = DETR(WIDTHS, CLASSES, **SMALL | {"anchors": True, "denoising": 3, "enlarge": enlarge})
    targets = boxes_of(2, CLASSES)
    noised = answers(asked, maps(), targets).noised
    assert noised is not None
    boxes = noised.boxes[-1].unflatten(1, (3, targets.shape[1]))
    for image in range(2):
        for row in (targets[image, :, 0] >= 0).nonzero().flatten():
            limits = torch.tensor([0.2, 0.2, 0.4, 0.4]) * targets[image, row, 3:5].repeat(2) + 1e-5
            moved = (boxes[image, :, row] - targets[image, row, 1:5]).abs()
            assert (moved <= limits).all()
            assert moved.min() > 0
    assert noised.logits.shape == (3, 2, 3 * targets.shape[1], CLASSES + 1)


@torch.no_grad()
@pytest.mark.parametrize("targets", [boxes_of(2, CLASSES, objects=0), torch.zeros(2, 1, 6) - 1], ids=["none", "row"])
def test_a_batch_without_boxes_has_no_guides(targets: Tensor) -> None:
    assert answers(head(**REMEDIES), maps(), targets).noised is None


@pytest.mark.parametrize("options", [options for options in KINDS if "denoising" in options], ids=str)
def test_a_batch_without_boxes_gives_every_weight_a_gradient(options: dict[str, Any]) -> None:
    """Processes that train together wait for those of all weights, and another may have a box."""
    asked, targets = head(**options), torch.zeros(2, 1, 6) - 1
    loss(answers(asked, maps(), targets), targets).backward()
    assert not [name for name, weights in asked.named_parameters() if weights.grad is None]


@torch.no_grad()
def test_anchors_begin_as_boxes_and_a_focal_head_unsure() -> None:
    torch.manual_seed(0)
    asked = DETR(WIDTHS, CLASSES, **SMALL | {"anchors": True, "focal": True}).train()
    found = answers(asked, maps(), None)
    anchors = asked.queries.table.sigmoid()
    torch.testing.assert_close(found.boxes, anchors.expand(3, 2, -1, -1), rtol=1e-4, atol=1e-5)
    assert 0.001 < found.logits.sigmoid().mean() < 0.05
    assert found.logits.shape[-1] == CLASSES


def test_a_layer_refines_the_box_before_it_without_teaching_it() -> None:
    asked, given = head(anchors=True), maps()
    torch.nn.init.zeros_(asked.box[4].weight)
    torch.nn.init.constant_(asked.box[4].bias, 0.5)
    found = answers(asked, given, None).boxes
    changes = found.logit().diff(dim=0)
    torch.testing.assert_close(changes, torch.full_like(changes, 0.5), rtol=1e-2, atol=1e-2)
    found[1:].sum().backward()
    assert not asked.queries.table.grad.any()


MISFITS = [
    ({"width": 36, "heads": 8}, r"head\.heads: detr: width 36 is not divisible by heads 8"),
    ({"width": [64, 100], "heads": [4, 8]}, r"head\.heads: detr: width 100 is not divisible by heads 8"),
    ({"width": 20}, r"head\.width: detr: width 20 is not divisible by heads 8"),
    ({"width": 30, "heads": 2}, r"head\.width: 30 is not allowed: write a whole number from 8 .*divisible by 4"),
    ({"queries": 0}, r"head\.queries: 0 is not allowed: write a whole number from 1 to 2000"),
    (
        {"levels": 2},
        r"head\.levels: with 2 the head 'detr' reads the maps of 2 stages, and 1 stage always stays; write 1",
    ),
    (
        {"levels": [1, 3]},
        r"head\.levels: with 3 .* 3 stages, and 1 stage always stays; write 1 at most, or more stages",
    ),
    ({"levels": 4}, r"head\.levels: 4 is not allowed: write one of 1, 2, 3"),
]


@pytest.mark.parametrize(("options", "said"), MISFITS)
def test_what_does_not_fit_is_refused(options: dict[str, Any], said: str) -> None:
    space = {
        "stem": {"kind": "conv", "width": 16},
        "stages": [{"block": "mbconv", "depth": 1, "width": 16, "stride": 2}],
        "head": {"kind": "detr"} | options,
    }
    with pytest.raises(SpaceError, match=said):
        load_space(space)


def test_levels_are_at_most_the_stages_that_always_stay() -> None:
    stages = [{"block": "conv", "depth": depth, "width": 16, "stride": 2} for depth in (1, [0, 1], [1, 2])]
    space = {"stem": {"kind": "conv", "width": 16}, "stages": stages, "head": {"kind": "detr", "levels": [1, 2]}}
    assert load_space(space).size() == 8
    space["head"] = {"kind": "detr", "levels": [2, 3]}
    with pytest.raises(SpaceError, match=r"with 3 .* 3 stages, and 2 stages always stay; write 2 at most"):
        load_space(space)
    stages[1]["depth"] = 1
    assert load_space(space).size() == 4


def test_the_options_in_a_file_are_those_of_the_network() -> None:
    data = {
        "resolution": 32,
        "classes": 3,
        "stem": {"kind": "conv", "width": 16},
        "stages": 2 * [{"block": "mbconv", "depth": 1, "width": 16, "stride": 2}],
        "head": {"kind": "detr"} | SMALL | REMEDIES,
    }
    architecture = load_architecture(data)
    assert architecture.to_dict()["head"] == data["head"]
    assert load_architecture(architecture.to_dict()) == architecture
