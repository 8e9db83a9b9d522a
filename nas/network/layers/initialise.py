"""Initial weights, those of the papers' code and those for short trainings."""

from torch import nn


def normal(module: nn.Module) -> None:
    """Draw kernels and matrices normal with deviation 0.02, set biases to zero: MaxViT's and MOAT's."""
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def kaiming(module: nn.Module) -> None:
    """Draw convolutions normal by fan-out: ResNet's (arXiv:1502.01852)."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def transformer(module: nn.Module) -> None:
    """Draw matrices truncated normal with deviation 0.02, set biases to zero: DeiT's, CvT's and Swin's."""
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def truncated_normal(module: nn.Module) -> None:
    """Draw kernels and matrices normal with deviation 0.09, cut at two deviations: the MobileNets' (TF-Slim)."""
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.09, a=-0.18, b=0.18)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def scaled(network: nn.Module) -> None:
    """Draw every kernel by its fan-in, and set to zero the layer that a part names in `closes`, for short trainings.

    The papers' deviation of 0.02 suits widths of hundreds; at a width of 32 it leaves so little signal that a
    transformer stays at chance for a hundred steps. That layer ends a branch: `MultiHead`, `MLP` and
    `InvertedBottleneck` name one. Other branches, such as ResNet's, begin as drawn. A part that is `by_fans` is drawn
    so already, and stays.
    """
    parts = (part for part in network.modules() if getattr(part, "by_fans", False))
    stays = {module for part in parts for module in part.modules()}
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear) and module not in stays:
            nn.init.normal_(module.weight, std=module.weight[0].numel() ** -0.5)
    for module in network.modules():
        if closing := getattr(module, "closes", None):
            nn.init.zeros_(module.get_submodule(closing).weight)  # type: ignore[arg-type]
