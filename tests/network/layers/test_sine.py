"""Sine positions, against the published definition."""

import torch
from published_detr import sine

from nas.network.layers.sine import box_waves, pixel_places, pixel_waves


def test_pixels_have_the_published_positions() -> None:
    padding = torch.zeros(3, 5, 7, dtype=torch.bool)
    padding[1, 3:], padding[2, :, 4:], padding[2, 2:] = True, True, True
    expected = sine(padding, 32).flatten(2).transpose(1, 2)
    padded, whole = (pixel_places((5, 7), 0, padding.device, given) for given in (padding, None))
    torch.testing.assert_close(pixel_waves(*padded, 32, 10_000), expected)
    torch.testing.assert_close(pixel_waves(*whole, 32, 10_000)[0], expected[0])


def test_a_box_has_the_positions_of_the_pixel_at_its_centre() -> None:
    """Where pixels stand for their centres, a box round a pixel begins with that pixel's rows and columns."""
    places = pixel_places((4, 8), 0.5, torch.device("cpu"))
    pixels = pixel_waves(*places, 16, 20)[0].view(4, 8, 16)
    box = torch.tensor([(2 + 0.5) / 8, (3 + 0.5) / 4, 0.3, 0.2])
    waves = box_waves(box, 16, 20)
    torch.testing.assert_close(waves[:16], pixels[3, 2], rtol=1e-4, atol=1e-4)
    width_and_height = box_waves(torch.tensor([0.2, 0.3, 0.2, 0.3]), 16, 20)
    torch.testing.assert_close(waves[16:], width_and_height[:16], rtol=1e-4, atol=1e-4)  # of width, then of height


def test_an_image_that_is_all_padding_has_finite_positions() -> None:
    padding = torch.ones(1, 3, 4, dtype=torch.bool)
    assert pixel_waves(*pixel_places((3, 4), 0.5, padding.device, padding), 16, 20).isfinite().all()
