"""Initial weights as the papers' code has them."""

from torch import nn


def normal(module: nn.Module) -> None:
    """MaxViT's and MOAT's: every kernel and matrix normal with deviation 0.02, biases zero."""
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def kaiming(module: nn.Module) -> None:
    """ResNet's: convolutions normal by fan-out (arXiv:1502.01852)."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def transformer(module: nn.Module) -> None:
    """DeiT's, CvT's and Swin's: every matrix truncated normal with deviation 0.02, biases zero."""
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def truncated_normal(module: nn.Module) -> None:
    """The MobileNets' (TF-Slim): every kernel and matrix normal with deviation 0.09, cut at two deviations."""
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.09, a=-0.18, b=0.18)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def scaled(network: nn.Module) -> None:
    """For short trainings of narrow networks: every kernel by its fan-in, every residual branch starting at nothing.

    The papers' deviation of 0.02 is meant for widths of hundreds; at a width of 32 it leaves so little signal that
    a transformer stays at chance for a hundred steps. A layer that ends a branch says so in `closes`.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.normal_(module.weight, std=module.weight[0].numel() ** -0.5)
    for module in network.modules():
        if closing := getattr(module, "closes", None):
            nn.init.zeros_(module.get_submodule(closing).weight)  # type: ignore[arg-type]
