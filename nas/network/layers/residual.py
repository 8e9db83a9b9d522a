"""What ResNet's blocks share: the projection shortcut, and the gates that the papers put on the residual branch."""

from torch import nn

from nas.network.layers.cbam import CBAM
from nas.network.layers.squeeze_excitation import SqueezeExcitation


def projection_shortcut(in_width: int, width: int, stride: int) -> nn.Module:
    """Identity, or where the shape changes a strided 1 x 1 convolution and BatchNorm (arXiv:1512.03385, option B)."""
    if stride == 1 and in_width == width:
        return nn.Identity()
    return nn.Sequential(nn.Conv2d(in_width, width, 1, stride, bias=False), nn.BatchNorm2d(width))


def gates(width: int, se_ratio: float, cbam_ratio: float) -> nn.Module:
    """Squeeze-and-Excitation and CBAM, each with its squeezed width as a share of the width (0: none)."""
    layers: list[nn.Module] = []
    if se_ratio:
        layers.append(SqueezeExcitation(width, max(1, int(width * se_ratio))))
    if cbam_ratio:
        layers.append(CBAM(width, max(1, int(width * cbam_ratio))))
    return nn.Sequential(*layers)
