"""A small anchor-free convolutional detector to measure against, CenterNet's, https://arxiv.org/abs/1904.07850.

A map at a stride of 4 with a heat for each class, whose peaks are centres, and for each place a size and an offset.
The backbone's stages are ours, merged from coarse to fine as in https://arxiv.org/abs/1612.03144.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import nas
from nas.data.boxes import CLASS, CROWD, H, W, X, Y
from nas.network.architecture import Architecture

OVERLAP = 0.7  # of a box that is moved off its centre by the radius within which heat is not punished
PEAKS = 100


class CenterNet(nn.Module):
    """Images `(batch, channels, side, side)` -> maps `(batch, classes + 4, side / 4, side / 4)` in training.

    In evaluation `(batch, 100, 4 + classes)`, boxes and scores as a detector of nas gives them.
    """

    def __init__(self, architecture: Architecture, width: int, seed: int = 0) -> None:
        super().__init__()
        self.backbone = nas.build(architecture, features=True, seed=seed)
        info = self.backbone.feature_info
        self.kept = [i for i, stride in enumerate(info.reduction()) if stride >= 4]
        self.laterals = nn.ModuleList(nn.Conv2d(info.channels()[i], width, 1) for i in self.kept)
        self.merge = _convolution(width, width)
        self.heat = nn.Sequential(_convolution(width, width), nn.Conv2d(width, architecture.classes, 1))
        self.place = nn.Sequential(_convolution(width, width), nn.Conv2d(width, 4, 1))
        nn.init.constant_(self.heat[-1].bias, -2.19)  # a heat of .1, as in the paper's code

    def forward(self, x: Tensor, targets: Tensor | None = None, padding: Tensor | None = None) -> Tensor:
        maps = self.backbone(x)
        merged: Tensor | None = None
        for index, lateral in reversed(list(zip(self.kept, self.laterals, strict=True))):
            here = lateral(maps[index])
            merged = here if merged is None else here + F.interpolate(merged, here.shape[2:])
        merged = self.merge(merged)
        found = torch.cat([self.heat(merged), self.place(merged)], 1)
        return found if self.training else _peaks(found)


def _convolution(width: int, out: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(width, out, 3, padding=1, bias=False), nn.BatchNorm2d(out), nn.ReLU())


def _peaks(found: Tensor) -> Tensor:
    """Read boxes and scores off the places whose heat is the largest among their neighbours."""
    height, width = found.shape[2:]
    heat, place = found[:, :-4].sigmoid(), found[:, -4:]
    heat = heat * (F.max_pool2d(heat, 3, 1, 1) == heat)
    best = heat.flatten(1).topk(min(PEAKS, heat[0].numel()))
    kind, spot = best.indices // (height * width), best.indices % (height * width)
    at = place.flatten(2).gather(2, spot[:, None].expand(-1, 4, -1))
    x = (spot % width + at[:, 2]) / width
    y = (torch.div(spot, width, rounding_mode="floor") + at[:, 3]) / height
    boxes = torch.stack([x, y, at[:, 0].clamp(min=0), at[:, 1].clamp(min=0)], -1)
    scores = F.one_hot(kind, found.shape[1] - 4) * best.values[..., None]
    return torch.cat([boxes, scores], -1)


def loss(found: Tensor, targets: Tensor, label_smoothing: float = 0.0) -> Tensor:
    """Penalty-reduced focal loss of the heat, L1 of sizes (weight .1 a cell) and offsets, by the number of boxes.

    What the network gives in evaluation has no heat any more: its loss is 0.
    """
    if found.ndim == 3:
        return found.new_zeros(())
    batch, _, height, width = found.shape
    classes = found.shape[1] - 4
    heat = torch.zeros(batch, classes, height, width)
    total, count = found.new_zeros(()), 0
    rows, columns = torch.arange(height)[:, None], torch.arange(width)[None]
    for image, boxes in enumerate(targets):
        for box in boxes[(boxes[:, CLASS] >= 0) & (boxes[:, CROWD] == 0)]:
            x, y = float(box[X]) * width, float(box[Y]) * height
            column, row = min(int(x), width - 1), min(int(y), height - 1)
            sigma = (2 * _radius(float(box[W]) * width, float(box[H]) * height) + 1) / 6
            bump = torch.exp(-((rows - row) ** 2 + (columns - column) ** 2) / (2 * sigma**2))
            kind = int(box[CLASS])
            heat[image, kind] = torch.maximum(heat[image, kind], bump)
            heat[image, kind, row, column] = 1
            w, h, dx, dy = found[image, -4:, row, column]
            total = total + ((w - box[W]).abs() * width + (h - box[H]).abs() * height) * 0.1
            total = total + (dx - (x - column)).abs() + (dy - (y - row)).abs()
            count += 1
    logits = found[:, :-4]
    p = logits.sigmoid().clamp(1e-4, 1 - 1e-4)
    right = heat == 1
    focal = torch.where(right, (1 - p) ** 2 * p.log(), (1 - heat) ** 4 * p**2 * (1 - p).log())
    return (total - focal.sum()) / max(count, 1)


def _radius(width: float, height: float) -> float:
    """The largest distance that leaves a box of this size an overlap of OVERLAP (arXiv:1808.01244, 3.2)."""
    roots = []
    for a, b, c in (
        (1, height + width, width * height * (1 - OVERLAP) / (1 + OVERLAP)),
        (4, 2 * (height + width), (1 - OVERLAP) * width * height),
        (4 * OVERLAP, -2 * OVERLAP * (height + width), (OVERLAP - 1) * width * height),
    ):
        roots.append((b + max(b * b - 4 * a * c, 0) ** 0.5) / 2)
    return max(min(roots), 0.0)
