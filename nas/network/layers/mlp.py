"""The feed-forward half of a transformer block."""

from torch import Tensor, nn


class MLP(nn.Module):
    """Linear, GELU (or another `activation`), Linear on tokens `(batch, tokens, width)`."""

    closes = "project"

    def __init__(self, width: int, ratio: float, activation: type[nn.Module] = nn.GELU) -> None:
        super().__init__()
        self.expand = nn.Linear(width, int(ratio * width))
        self.activation = activation()
        self.project = nn.Linear(int(ratio * width), width)

    def forward(self, x: Tensor) -> Tensor:
        return self.project(self.activation(self.expand(x)))
