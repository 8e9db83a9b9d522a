"""DETR with ResNet-50 as published (arXiv:2005.12872, appendix A), written plainly with torch's own attention.

The yardstick of our `detr_r50`: images and their padding in, logits and boxes of every decoder layer out.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Frozen(nn.Module):
    """BatchNorm of fixed statistics and affine."""

    def __init__(self, width: int) -> None:
        super().__init__()
        for name, value in {"weight": 1.0, "bias": 0.0, "running_mean": 0.0, "running_var": 1.0}.items():
            self.register_buffer(name, torch.full((width,), value))

    def forward(self, x: Tensor) -> Tensor:
        weight, bias, mean, variance = (buffer.view(1, -1, 1, 1) for buffer in self.buffers())
        scale = weight * (variance + 1e-5).rsqrt()
        return x * scale + (bias - mean * scale)


class Bottleneck(nn.Module):
    """1x1, 3x3 with the stride, 1x1."""

    def __init__(self, before: int, hidden: int, stride: int, dilation: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(before, hidden, 1, bias=False), Frozen(hidden)
        self.conv2 = nn.Conv2d(hidden, hidden, 3, stride, dilation, dilation, bias=False)
        self.bn2 = Frozen(hidden)
        self.conv3, self.bn3 = nn.Conv2d(hidden, 4 * hidden, 1, bias=False), Frozen(4 * hidden)
        self.downsample = None
        if before != 4 * hidden:
            self.downsample = nn.Sequential(nn.Conv2d(before, 4 * hidden, 1, stride, bias=False), Frozen(4 * hidden))

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet50(nn.Module):
    """ResNet-50 to its last map; `dilated` keeps the last stage's stride out, as DC5."""

    def __init__(self, dilated: bool) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), Frozen(64)
        stages, before = [], 64
        for hidden, depth, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
            dilation = 2 if dilated and hidden == 512 else 1
            blocks = []
            for index in range(depth):
                first = index == 0
                blocks.append(Bottleneck(before, hidden, stride // dilation if first else 1, 1 if first else dilation))
                before = 4 * hidden
            stages.append(nn.Sequential(*blocks))
        self.layers = nn.Sequential(*stages)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1))


class EncoderLayer(nn.Module):
    """The encoder's layer, tokens first as torch's attention has them."""

    def __init__(self, width: int, heads: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.self_attn = nn.MultiheadAttention(width, heads, dropout)
        self.norm1 = nn.LayerNorm(width)
        self.linear1, self.linear2 = nn.Linear(width, hidden), nn.Linear(hidden, width)
        self.norm2 = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, positions: Tensor, padding: Tensor) -> Tensor:
        placed = x + positions
        x = self.norm1(x + self.dropout(self.self_attn(placed, placed, x, key_padding_mask=padding)[0]))
        return self.norm2(x + self.dropout(self.linear2(self.dropout(F.relu(self.linear1(x))))))


class DecoderLayer(nn.Module):
    """The decoder's layer."""

    def __init__(self, width: int, heads: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.self_attn = nn.MultiheadAttention(width, heads, dropout)
        self.norm1 = nn.LayerNorm(width)
        self.multihead_attn = nn.MultiheadAttention(width, heads, dropout)
        self.norm2 = nn.LayerNorm(width)
        self.linear1, self.linear2 = nn.Linear(width, hidden), nn.Linear(hidden, width)
        self.norm3 = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, queries: Tensor, memory: Tensor, positions: Tensor, padding: Tensor) -> Tensor:
        placed = x + queries
        x = self.norm1(x + self.dropout(self.self_attn(placed, placed, x)[0]))
        seen = self.multihead_attn(x + queries, memory + positions, memory, key_padding_mask=padding)[0]
        x = self.norm2(x + self.dropout(seen))
        return self.norm3(x + self.dropout(self.linear2(self.dropout(F.relu(self.linear1(x))))))


def sine(padding: Tensor, width: int) -> Tensor:
    """Positions `(batch, width, height, width of the map)` of the pixels that are no padding."""
    here = ~padding
    halves = []
    for axis in (1, 2):
        place = here.cumsum(axis, dtype=torch.float32)
        last = place[:, -1:] if axis == 1 else place[:, :, -1:]
        place = place / (last + 1e-6) * 2 * torch.pi
        order = torch.arange(width // 2, dtype=torch.float32, device=padding.device)
        angle = place[..., None] / 10_000 ** (2 * (order // 2) / (width // 2))
        halves.append(torch.stack([angle[..., 0::2].sin(), angle[..., 1::2].cos()], dim=-1).flatten(3))
    return torch.cat(halves, dim=3).permute(0, 3, 1, 2)


class PublishedDETR(nn.Module):
    """The whole detector: logits `(layers, batch, queries, classes + 1)`, boxes `(layers, batch, queries, 4)`."""

    def __init__(
        self,
        backbone: nn.Module,
        channels: int = 2048,
        classes: int = 91,
        *,
        width: int = 256,
        heads: int = 8,
        hidden: int = 2048,
        encoder: int = 6,
        decoder: int = 6,
        queries: int = 100,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.backbone, self.width = backbone, width
        self.input_proj = nn.Conv2d(channels, width, 1)
        self.encoder = nn.ModuleList(EncoderLayer(width, heads, hidden, dropout) for _ in range(encoder))
        self.decoder = nn.ModuleList(DecoderLayer(width, heads, hidden, dropout) for _ in range(decoder))
        self.norm = nn.LayerNorm(width)
        self.query_embed = nn.Embedding(queries, width)
        self.class_embed = nn.Linear(width, classes + 1)
        self.bbox_embed = nn.ModuleList([nn.Linear(width, width), nn.Linear(width, width), nn.Linear(width, 4)])
        for layer in (*self.encoder, *self.decoder):
            for parameter in layer.parameters():
                if parameter.dim() > 1:
                    nn.init.xavier_uniform_(parameter)

    def forward(self, images: Tensor, padding: Tensor | None = None) -> tuple[Tensor, Tensor]:
        x = self.backbone(images)
        if padding is None:
            padding = images.new_zeros(len(images), *images.shape[2:], dtype=torch.bool)
        padding = F.interpolate(padding[None].float(), size=x.shape[-2:]).to(torch.bool)[0]
        positions = sine(padding, self.width).flatten(2).permute(2, 0, 1)
        memory, padding = self.input_proj(x).flatten(2).permute(2, 0, 1), padding.flatten(1)
        for encode in self.encoder:
            memory = encode(memory, positions, padding)
        queries = self.query_embed.weight[:, None].repeat(1, len(images), 1)
        answers, y = [], torch.zeros_like(queries)
        for decode in self.decoder:
            y = decode(y, queries, memory, positions, padding)
            answers.append(self.norm(y))
        hidden = torch.stack(answers).transpose(1, 2)
        boxes = hidden
        for i, linear in enumerate(self.bbox_embed):
            boxes = linear(boxes) if i == 2 else F.relu(linear(boxes))
        return self.class_embed(hidden), boxes.sigmoid()


def freeze_as_published(model: PublishedDETR) -> None:
    """Take the backbone's first convolution and first stage out of the training."""
    for part in (model.backbone.conv1, model.backbone.layers[0]):
        part.requires_grad_(False)


RENAMED = {
    "input_proj": "projections.0",
    "query_embed.weight": "queries.table",
    "class_embed": "classifier",
    "bbox_embed.0": "box.0",
    "bbox_embed.1": "box.2",
    "bbox_embed.2": "box.4",
    "self_attn.out_proj": "attention.out",
    "multihead_attn.out_proj": "cross.out",
    "linear1": "mlp.0",
    "linear2": "mlp.3",
}


def head_weights(theirs: nn.Module) -> dict[str, Tensor]:
    """The weights of all but the backbone under the names of our head."""
    return dict(_renamed(theirs))


def _renamed(theirs: nn.Module) -> Iterator[tuple[str, Tensor]]:
    for name, value in theirs.state_dict().items():
        if name.startswith("backbone."):
            continue
        owner, _, leaf = name.rpartition(".in_proj_")
        if owner.endswith("self_attn"):
            ours = owner.replace("self_attn", "attention")
            qk, v = value.split([2 * len(value) // 3, len(value) // 3])
            yield from ((f"{ours}.qk.{leaf}", qk), (f"{ours}.v.{leaf}", v))
        elif owner.endswith("multihead_attn"):
            ours = owner.replace("multihead_attn", "cross")
            yield from ((f"{ours}.{part}.{leaf}", third) for part, third in zip("qkv", value.chunk(3), strict=True))
        else:
            for before, after in RENAMED.items():
                name = name.replace(before, after)
            yield name, value


def move(theirs: Any, ours: Any) -> None:
    """The published detector's weights into our network, whose blocks have theirs in the same order."""
    named = ours.state_dict()
    own = [name for name in named if not name.startswith("head.") and not name.endswith("num_batches_tracked")]
    state = dict(zip(own, theirs.backbone.state_dict().values(), strict=True))
    state |= {name: value for name, value in named.items() if name.endswith("num_batches_tracked")}
    ours.load_state_dict(state | {f"head.{name}": value for name, value in head_weights(theirs).items()})
