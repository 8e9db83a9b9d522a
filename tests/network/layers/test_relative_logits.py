"""Bello's logits against a naive double loop over positions."""

import pytest
import torch

from nas.network.layers.relative_logits import RelativeLogits


@pytest.mark.parametrize("resolution", [(3, 4), (5, 2), (1, 3), (1, 1)])
def test_each_pair_meets_the_vectors_of_its_offsets(resolution: tuple[int, int]) -> None:
    height, width = resolution
    layer = RelativeLogits(4, resolution)
    q = torch.randn(2, 3, height * width, 4)
    logits = layer(q, resolution)
    for query in range(height * width):
        for key in range(height * width):
            dy = key // width - query // width + height - 1
            dx = key % width - query % width + width - 1
            expected = q[:, :, query] @ (layer.rows[dy] + layer.columns[dx])
            torch.testing.assert_close(logits[:, :, query, key], expected)


def test_another_map_has_the_resized_tables() -> None:
    layer, larger = RelativeLogits(4, (3, 4)), RelativeLogits(4, (5, 6))
    with torch.no_grad():
        larger.rows.copy_(larger.resized("rows", layer.rows))
        larger.columns.copy_(larger.resized("columns", layer.columns))
    q = torch.randn(1, 2, 30, 4)
    torch.testing.assert_close(layer(q, (5, 6)), larger(q, (5, 6)))
