"""Attention in windows against a double loop over the pixels of each window."""

from collections.abc import Callable

import pytest
import torch
from timm_models import scrambled
from torch import Tensor, nn

from nas.network.blocks.attention_augmented import AugmentedConv
from nas.network.blocks.cvt import ConvolutionalAttention
from nas.network.blocks.relative_attention import RelationAwareAttention, RelativeLogitsAttention
from nas.network.layers.attention import SelfAttention
from nas.network.layers.map_attention import MapAttention, Windows
from nas.network.layers.relative import RelativeAttention

Size = tuple[int, int]
N = 4  # the side of a window
SIZES = [(5, 7), (8, 4), (11, 6)]
Terms = Callable[[Tensor, int, int], tuple[Tensor | float, Tensor | float]]
"""What a pair of pixels gains, of the query `(batch, heads, d)`, the key's row and column less the query's."""


def _nothing(q: Tensor, down: int, right: int) -> tuple[float, float]:
    return 0.0, 0.0


def _looped(
    q: Tensor, k: Tensor, v: Tensor, size: Size, scale: float, terms: Terms = _nothing, stride: int = 1
) -> Tensor:
    """Each pixel attends to those of its own window; a token in front of the pixels to all, and all to it."""
    token = q.shape[2] - size[0] * size[1]
    small = (-(-size[0] // stride), -(-size[1] // stride))
    keys = [divmod(i, small[1]) for i in range(small[0] * small[1])]
    mixed = torch.zeros(*q.shape[:3], v.shape[3])
    for i in range(q.shape[2]):
        row, column = divmod(i - token, size[1])
        one, logits, values = q[:, :, i], [], []
        for j in range(k.shape[2]):
            gain, value = 0.0, v[:, :, j]
            if i >= token and j >= token:
                y, x = keys[j - token]
                if (y * stride // N, x * stride // N) != (row // N, column // N):
                    continue
                gain, more = terms(one, y - row, x - column)
                value = value + more
            logits.append((one * k[:, :, j]).sum(-1) * scale + gain)
            values.append(value)
        mixed[:, :, i] = (torch.stack(logits).softmax(0)[..., None] * torch.stack(values)).sum(0)
    return mixed


def _compare(attention: MapAttention, expected: Callable[[], Tensor], found: Callable[[], Tensor]) -> None:
    attention.windows = Windows(N, N)
    with torch.no_grad():
        reference = expected()
        torch.testing.assert_close(found(), reference, rtol=1e-4, atol=1e-5)
    trained = found()  # another formulation, where tables have gradients
    torch.testing.assert_close(trained.detach(), reference, rtol=1e-4, atol=1e-5)
    trained.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in attention.parameters())


@pytest.mark.parametrize("size", SIZES)
def test_a_scalar_bias(size: Size) -> None:
    attention = RelativeAttention(8, 8, 4, (N, N))
    table = nn.init.normal_(attention.bias.table)
    x = torch.randn(2, size[0] * size[1], 8)

    def expected() -> Tensor:
        q, k, v = attention.split(x)
        return attention.merge(_looped(q, k, v, size, 0.5, lambda q, d, r: (table[:, N - 1 - d, N - 1 - r], 0.0)))

    _compare(attention, expected, lambda: attention(x, size))


@pytest.mark.parametrize("size", SIZES)
def test_relative_logits(size: Size) -> None:
    attention = RelativeLogitsAttention(8, 4, (N, N))
    rows, columns = attention.logits.rows, attention.logits.columns
    x = torch.randn(2, size[0] * size[1], 8)

    def terms(q: Tensor, down: int, right: int) -> tuple[Tensor, float]:
        return (q * (rows[down + N - 1] + columns[right + N - 1])).sum(-1) * 0.5, 0.0

    _compare(
        attention,
        lambda: attention.merge(_looped(*attention.split(x), size, 0.5, terms)),
        lambda: attention(x, size),
    )


@pytest.mark.parametrize("size", [(5, 7), (8, 5)])
def test_vectors_of_clipped_distances_count_the_pixels_of_a_window(size: Size) -> None:
    attention = RelationAwareAttention(8, 4, 6)
    x = torch.randn(2, size[0] * size[1], 8)

    def terms(q: Tensor, down: int, right: int) -> tuple[Tensor, Tensor]:
        place = min(max(down * N + right, -6), 6) + 6
        return (q * attention.keys[place]).sum(-1) * 0.5, attention.values[place]

    _compare(
        attention,
        lambda: attention.merge(_looped(*attention.split(x), size, 0.5, terms)),
        lambda: attention(x, size),
    )


@pytest.mark.parametrize("token", [0, 1])
@pytest.mark.parametrize("size", [*SIZES, (3, 9)])
def test_plain_attention_with_and_without_a_class_token(size: Size, token: int) -> None:
    attention = SelfAttention(8, 8, 4)
    x = torch.randn(2, size[0] * size[1] + token, 8)
    _compare(attention, lambda: attention.merge(_looped(*attention.split(x), size, 0.5)), lambda: attention(x, size))


@pytest.mark.parametrize("token", [0, 1])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [*SIZES, (3, 9)])
def test_convolutions_see_across_windows_and_strided_keys_stay_in_theirs(size: Size, stride: int, token: int) -> None:
    attention = ConvolutionalAttention(8, 4, stride, "head_dim")
    scrambled(attention)
    x = torch.randn(2, size[0] * size[1] + token, 8)

    def heads(name: str) -> Tensor:
        image = x[:, token:].transpose(1, 2).reshape(2, 8, *size)
        pixels = attention.get_submodule(f"convolve_{name}")(image).flatten(2).transpose(1, 2)
        projected = attention.get_submodule(name)(torch.cat([x[:, :token], pixels], 1))
        return projected.view(2, -1, 2, 4).transpose(1, 2)

    def expected() -> Tensor:
        mixed = _looped(heads("q"), heads("k"), heads("v"), size, 0.5, stride=stride)
        return attention.out(mixed.transpose(1, 2).flatten(2))

    _compare(attention, expected, lambda: attention(x, size))


@pytest.mark.parametrize("size", SIZES)
def test_attention_beside_convolution(size: Size) -> None:
    conv = AugmentedConv(8, 16, 3, 1, (N, N), kappa=0.5, upsilon=1.0, heads=2, attention_stride=1)
    scrambled(conv)
    rows, columns = conv.logits.rows, conv.logits.columns
    x = torch.randn(2, 8, *size)

    def terms(q: Tensor, down: int, right: int) -> tuple[Tensor, float]:
        return (q * (rows[down + N - 1] + columns[right + N - 1])).sum(-1), 0.0

    def expected() -> Tensor:
        parts = conv.qkv(x).flatten(2).transpose(1, 2).split([conv.keys, conv.keys, 16], 2)
        q, k, v = (part.reshape(2, -1, 2, part.shape[2] // 2).transpose(1, 2) for part in parts)
        mixed = _looped(q * q.shape[3] ** -0.5, k, v, size, 1.0, terms)
        return conv.out(mixed.transpose(1, 2).flatten(2).transpose(1, 2).view(2, 16, *size))

    _compare(conv, expected, lambda: conv(x))


@torch.no_grad()
def test_whole_windows_equal_each_window_alone() -> None:
    """Also on a map that is lower than a window, for which the table is resized as for any map of that height."""
    attention = RelativeAttention(8, 8, 4, (N, N))
    nn.init.normal_(attention.bias.table)
    x = torch.randn(2, 3, 8, 8)
    alone = [attention(part.flatten(1, 2), (3, 4)).view(2, 3, 4, 8) for part in x.split(4, 2)]
    attention.windows = Windows(N, N)
    torch.testing.assert_close(attention(x.flatten(1, 2), (3, 8)).view(2, 3, 8, 8), torch.cat(alone, 2))


@torch.no_grad()
def test_bfloat16_windows_stay_near() -> None:
    attention = RelativeAttention(8, 8, 4, (N, N))
    attention.windows = Windows(N, N)
    x = torch.randn(2, 35, 8)
    with torch.autocast("cpu", torch.bfloat16):
        found = attention(x, (5, 7))
    torch.testing.assert_close(found.float(), attention(x, (5, 7)), rtol=0.1, atol=0.02)


def test_which_maps_attend_in_windows() -> None:
    four = Windows(4, 4)
    assert four.on((4, 4)) is four.on((2, 3)) is None
    assert four.on((5, 3)) == (4, 3)
    assert four.on((40, 5)) == (4, 4)
    assert Windows(7, 7).on((20, 20), stride=2) == (8, 8)
    assert Windows(7, 7).on((7, 20), stride=2) == (7, 8)
    like = Windows.like((7, 20))
    assert like.on((32, 32)) is None
    assert like.on((32, 33)) == (14, 20)
    assert Windows.like((56, 56)).on((56, 56)) is None  # as built, however large
    assert Windows.like((56, 56)).on((57, 20)) == (56, 20)
