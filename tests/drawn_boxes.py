"""Predictions of boxes that are partly right."""

import torch

from nas.training.tasks import Predictions


def drawn(images: int, seed: int = 0, queries: int = 12, classes: int = 4, most: int = 5) -> Predictions:
    """Scenes of boxes, crowds among them, of all classes but one, found more or less well by some of the queries."""
    generator = torch.Generator().manual_seed(seed)

    def uniform(*shape: int) -> torch.Tensor:
        return torch.rand(*shape, generator=generator)

    targets = torch.cat([uniform(images, most, 3), uniform(images, most, 3)], -1)
    targets[..., 0] = torch.randint(-1, classes - 1, (images, most), generator=generator)
    targets[..., 3:5] = 0.05 + 0.3 * targets[..., 3:5]
    targets[..., 5] = (targets[..., 5] < 0.15).float()
    targets[targets[..., 0] < 0] = torch.tensor([-1.0, 0, 0, 0, 0, 0])
    outputs = 0.3 * uniform(images, queries, 4 + classes)
    chosen = torch.randint(0, most, (images, queries), generator=generator)
    for image in range(images):
        rows = targets[image, chosen[image]]
        outputs[image, :, :4] = rows[:, 1:5] + 0.03 * torch.randn(queries, 4, generator=generator)
        for query, row in enumerate(rows):
            outputs[image, query, 4 + int(row[0].clamp(min=0))] += 0.7 * uniform(1)[0]
    outputs[..., 2:4] = outputs[..., 2:4].clamp(min=0.01)
    return Predictions(outputs, targets)
