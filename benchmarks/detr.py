"""Is our DETR as fast as the published definition? Forward pass and training step, and peak memory, side by side.

The definition is that of tests/published_detr.py, plain torch with `nn.MultiheadAttention`, with the same weights; a
training step asks every decoder layer and has the gradients of a plain mean in place of the matching, which is the same
for both. Rounds, clock and memory are those of blocks.py.

    python benchmarks/detr.py --height 320 --width 426 --rounds 9
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from blocks import Pair, arguments, show
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from published_detr import PublishedDETR, ResNet50, freeze_as_published, head_weights, move

from nas.network.build import build
from nas.network.heads.detr import DETR
from nas.network.properties import scrambled
from nas.space.library import load_architecture


class Theirs(nn.Module):
    """The published detector: the last layer's boxes and scores, in training all that it answers, as one tensor."""

    def __init__(self, detector: PublishedDETR) -> None:
        super().__init__()
        self.detector = detector

    def forward(self, x: Tensor) -> Tensor:
        logits, boxes = self.detector(x)
        if self.training:
            return torch.cat([logits, boxes], dim=-1)
        return torch.cat([boxes[-1], logits[-1].softmax(-1)[..., :-1]], dim=-1)


class Ours(nn.Module):
    """Our detector, or a head of one map."""

    def __init__(self, detector: nn.Module) -> None:
        super().__init__()
        self.detector = detector

    def forward(self, x: Tensor) -> Tensor:
        given: Any = [x] if isinstance(self.detector, DETR) else x
        found = self.detector(given)
        return torch.cat([found.logits, found.boxes], dim=-1) if self.training else found


def detectors(batch: int, height: int, width: int) -> Iterator[Pair]:
    """The published networks, and the head of a small one."""
    for name, dilated in (("detr_r50", False), ("detr_r50_dc5", True)):
        theirs, ours = PublishedDETR(ResNet50(dilated)), build(load_architecture(name), seed=0)
        freeze_as_published(theirs)
        move(scrambled(theirs), ours)
        yield Pair(f"{name} / published", Ours(ours), Theirs(theirs), torch.randn(batch, 3, height, width))
    sizes: dict[str, Any] = {"width": 96, "hidden": 256, "heads": 8, "queries": 30}
    for images in (1, 32):
        small = PublishedDETR(nn.Identity(), 64, 10, encoder=2, decoder=3, **sizes)
        head = DETR((64,), 10, encoder=2, decoder=3, **sizes)
        head.load_state_dict(head_weights(scrambled(small)))
        maps = torch.randn(images, 64, 8, 8)
        yield Pair(f"head of 96, 2 + 3 layers, {images} x 8 x 8 / published", Ours(head), Theirs(small), maps)


def main() -> None:
    parser = arguments(__doc__, batch=1)
    parser.add_argument("--height", type=int, default=320)
    parser.add_argument("--width", type=int, default=426)
    options = parser.parse_args()
    size = f"{options.height} x {options.width} px"
    show(lambda: detectors(options.batch, options.height, options.width), options, size, width=150)


if __name__ == "__main__":
    main()
