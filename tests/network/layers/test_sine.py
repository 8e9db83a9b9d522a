"""Sine positions, against the published definition."""

import torch
from published_detr import sine

from nas.network.layers.sine import box_waves, padded_waves, pixel_waves


def test_pixels_have_the_published_positions() -> None:
    padding = torch.zeros(3, 5, 7, dtype=torch.bool)
    padding[1, 3:], padding[2, :, 4:], padding[2, 2:] = True, True, True
    expected = sine(padding, 32).flatten(2).transpose(1, 2)
    torch.testing.assert_close(padded_waves(padding, 32, 10_000, 0), expected)
    torch.testing.assert_close(pixel_waves((5, 7), 32, 10_000, 0, padding)[0], expected[0])


def test_a_box_has_the_positions_of_the_pixel_at_its_centre() -> None:
    """Where pixels stand for their centres, a box round a pixel begins with that pixel's rows and columns."""
    pixels = pixel_waves((4, 8), 16, 20, 0.5, torch.empty(0))[0].view(4, 8, 16)
    box = torch.tensor([(2 + 0.5) / 8, (3 + 0.5) / 4, 0.3, 0.2])
    waves = box_waves(box, 16, 20)
    torch.testing.assert_close(waves[:16], pixels[3, 2], rtol=1e-4, atol=1e-4)
    width_and_height = box_waves(torch.tensor([0.2, 0.3, 0.2, 0.3]), 16, 20)
    torch.testing.assert_close(waves[16:], width_and_height[:16], rtol=1e-4, atol=1e-4)  # of width, then of height


def test_an_image_that_is_all_padding_has_finite_positions() -> None:
    assert padded_waves(torch.ones(1, 3, 4, dtype=torch.bool), 16, 20, 0.5).isfinite().all()
