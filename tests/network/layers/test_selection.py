"""Pixels are chosen by what is said of them, those of padding and of nothing last."""

from typing import Any

import pytest
import torch
from torch import nn

from nas.network.heads.detr import DETR
from nas.network.layers.selection import Selection


@pytest.mark.parametrize("focal", [True, False])
def test_the_surest_pixels_are_chosen_and_all_answer(focal: bool) -> None:
    torch.manual_seed(0)
    selection = Selection(5, 16, 3 if focal else 4, focal)
    nn.init.normal_(selection.classifier.weight)
    nn.init.normal_(selection.box[-1].weight)
    found = selection(torch.randn(2, 12, 16), [(3, 4)], [])
    logits, boxes = found.pixels.logits[0], found.pixels.boxes[0]
    assert logits.shape == (2, 12, 3 if focal else 4)
    sure = (logits.sigmoid() if focal else logits.softmax(-1)[..., :-1]).amax(-1)
    torch.testing.assert_close(found.boxes, boxes.gather(1, sure.topk(5).indices[..., None].expand(-1, -1, 4)))
    assert selection.eval()(torch.randn(2, 12, 16), [(3, 4)], []).pixels is None


def test_boxes_begin_round_their_pixels_and_half_as_large_on_a_finer_map() -> None:
    selection = Selection(20, 16, 3, focal=True)
    found = selection(torch.randn(1, 20, 16), [(4, 4), (2, 2)], []).boxes[0]
    coarse = found[found[:, 2] > 0.15]
    fine = found[found[:, 2] < 0.15]
    torch.testing.assert_close(coarse[:, 2:], torch.full((4, 2), 0.2))
    torch.testing.assert_close(fine[:, 2:], torch.full((16, 2), 0.1))
    assert sorted({round(x, 3) for x in fine[:, 0].tolist()}) == pytest.approx([0.125, 0.375, 0.625, 0.875], abs=1e-3)
    assert sorted({round(x, 3) for x in coarse[:, 1].tolist()}) == pytest.approx([0.25, 0.75], abs=1e-3)


def test_no_pixel_of_padding_is_chosen_before_those_of_the_image() -> None:
    selection = Selection(4, 16, 3, focal=True)
    padding = torch.zeros(1, 2, 4, dtype=torch.bool)
    padding[..., 2:] = True
    tokens = torch.randn(1, 2, 4, 16)
    tokens[..., :2, :] *= 0.01  # whatever is said of them
    boxes = selection(tokens.flatten(1, 2), [(2, 4)], [padding]).boxes[0]
    assert sorted(round(x, 2) for x in boxes[:, 0].tolist()) == [0.25, 0.25, 0.75, 0.75]


def test_distinct_pixels_are_peaks_until_there_are_no_more() -> None:
    torch.manual_seed(0)
    selection = Selection(12, 16, 1, focal=True, distinct=True)
    nn.init.normal_(selection.classifier.weight)
    tokens = torch.randn(1, 20, 16)
    found = selection(tokens, [(4, 4), (2, 2)], [])
    sure = selection.classifier(selection.project(tokens))[0, :, 0]
    peaks = []
    for begun, side in ((0, 4), (16, 2)):
        grid = sure[begun : begun + side * side].view(side, side)
        for i in range(side):
            for j in range(side):
                near = grid[max(i - 1, 0) : i + 2, max(j - 1, 0) : j + 2]
                peaks += [begun + i * side + j] if grid[i, j] == near.max() else []
    rest = [i for i in range(20) if i not in peaks]
    order = [*sorted(peaks, key=lambda i: -sure[i]), *sorted(rest, key=lambda i: -sure[i])][:12]
    assert 1 < len(peaks) < 12
    torch.testing.assert_close(found.boxes[0], found.pixels.boxes[0, 0, order])


def test_a_map_of_fewer_pixels_than_queries_gives_answers_for_all_of_them() -> None:
    head = DETR((8, 16), 3, width=16, heads=2, hidden=16, encoder=1, decoder=2, queries=7, selected=True).eval()
    out = head([torch.randn(2, 8, 4, 4), torch.randn(2, 16, 2, 2)])
    assert out.shape == (2, 7, 7)
    assert out.isfinite().all()


@torch.no_grad()
@pytest.mark.parametrize("distinct", [False, True])
def test_padding_is_never_chosen_though_queries_are_left(distinct: bool) -> None:
    """As without padding, where the queries that find no pixel begin with nothing."""
    options: dict[str, Any] = {"selected": True, "distinct": distinct, "focal": True}
    head = DETR((16,), 3, width=16, heads=2, hidden=16, encoder=1, decoder=2, queries=9, **options).eval()
    nn.init.normal_(head.selection.classifier.weight)
    given, padding = torch.randn(2, 16, 4, 4), torch.zeros(2, 32, 32, dtype=torch.bool)
    padding[:, 16:] = padding[:, :, 24:] = True
    found = head([given], padding=padding)
    torch.testing.assert_close(found, head([given[..., :2, :3]]), rtol=1e-4, atol=1e-5)


def test_every_pixel_learns_and_the_decoder_moves_none() -> None:
    head = DETR((16,), 3, width=16, heads=2, hidden=16, encoder=1, decoder=2, queries=5, selected=True, denoising=2)
    targets = torch.tensor([[[1, 0.5, 0.5, 0.2, 0.2, 0]], [[-1.0, 0, 0, 0, 0, 0]]])
    found = head([torch.randn(2, 16, 4, 4)], targets)
    assert found.boxes.shape == (2, 2, 5, 4)
    assert found.pixels.boxes.shape == (1, 2, 16, 4)
    assert found.noised.boxes.shape == (2, 2, 2, 4)
    found.pixels.boxes.sum().backward(retain_graph=True)
    assert head.selection.box[-1].bias.grad.abs().sum() > 0
    head.zero_grad()
    found.boxes[-1].sum().backward()
    assert head.selection.box[-1].bias.grad is None, "the decoder's answers move where it begins"
