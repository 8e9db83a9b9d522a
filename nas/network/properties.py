"""Assertions about one module that every block, stem and head must pass, each raising AssertionError.

`nas.testing` runs them over a kind and its options.
"""

import io
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nas.network.heads import Head
from nas.network.layers.detections import Detections
from nas.network.options import Option, Scalar, declared

WIDTHS = range(32, 513)
DRAWS = 8  # of input and loss, as a ReLU may block a gradient in some
NUMBERS = (1, 2, 3, 4, 5, 7, 8, 16, 32, 0.0, 0.0625, 0.25, 0.5, 1.5)


def values_of(option: Option) -> Iterator[Scalar]:
    """Yield every choice of an option that lists them, or a few numbers that it allows."""
    schema = option.law.json_schema()
    members = schema.get("anyOf", [schema])  # of `int | None` two
    listed = [v for one in members for v in one.get("enum", [one["const"]] if "const" in one else [])]
    yield from listed or (v for v in (False, True, *NUMBERS) if option.allows(v))


def width_for(kind: Any, /, **chosen: Scalar) -> int:
    """Return the smallest width, from 32, that suits the chosen options of a kind and its other defaults.

    A kind with a width of its own allows it too.
    """
    own = declared(kind).get("width")
    values = {name: option.default for name, option in declared(kind).items()} | chosen
    misfit = getattr(kind, "misfit", lambda *_: None)
    for width in WIDTHS:
        if own and not own.allows(width):
            continue
        if not any(misfit(name, value, width) for name, value in values.items()):
            return width
    raise AssertionError(f"{kind.__name__}: no width of {WIDTHS} fits {values}")


def scrambled(module: nn.Module, seed: int = 0) -> nn.Module:
    """Put the module in eval mode, and randomise norms and statistics so that no part of it is an identity."""
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if name.endswith("running_var"):
                tensor.copy_(torch.rand(tensor.shape, generator=rng) + 0.5)
            elif tensor.is_floating_point() and (tensor.ndim < 2 or not tensor.any()):
                tensor.add_(torch.randn(tensor.shape, generator=rng) * 0.1)
    return module.eval()


def assert_gradients_reach_every_parameter(module: nn.Module, x: Tensor, idle: tuple[str, ...] = ()) -> None:
    """Assert that in one of several draws a random loss moves each parameter.

    Only those that need no gradient, or whose names begin as in `idle`, may stay unmoved.
    """
    trained = {name: p for name, p in module.named_parameters() if p.requires_grad}
    unmoved = {name for name in trained if not name.startswith(idle)}
    for _ in range(DRAWS):
        module.zero_grad()
        out = module((torch.randn_like(x) + torch.randn(1, x.shape[1], 1, 1)).requires_grad_())
        (out * torch.randn_like(out)).sum().backward()
        for name, parameter in trained.items():
            assert parameter.grad is not None, f"no gradient reaches {name}"
            assert parameter.grad.isfinite().all(), f"the gradient of {name} is not finite"
        unmoved -= {name for name, p in trained.items() if p.grad is not None and p.grad.any()}
        if not unmoved:
            return
    raise AssertionError(f"the gradients of {sorted(unmoved)} are zero")


@torch.no_grad()
def assert_same_in_channels_last(module: nn.Module, x: Tensor) -> None:
    """Assert that the memory format changes nothing but the last digits."""
    expected = module(x)
    moved = module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    torch.testing.assert_close(moved(x.to(memory_format=torch.channels_last)), expected, rtol=1e-4, atol=1e-4)


@torch.no_grad()
def assert_runs_in_bfloat16(module: nn.Module, x: Tensor) -> None:
    """Assert that autocast stays near float32, within bfloat16's two or three digits."""
    expected = module(x)
    with torch.autocast("cpu", torch.bfloat16):
        found = module(x)
    scale = expected.abs().max()
    assert float((found.float() - expected).abs().max() / scale) < 0.1


@torch.no_grad()
def assert_exports(module: nn.Module, x: Tensor) -> None:
    """Assert that `torch.export` with a batch of any size gives the same function."""
    batch = torch.export.Dim("batch", min=2, max=64)
    program = torch.export.export(module, (x,), dynamic_shapes=({0: batch},), strict=False)
    other = torch.cat([x, -x, x])
    torch.testing.assert_close(program.module()(other), module(other), rtol=1e-4, atol=1e-4)


@torch.no_grad()
def assert_state_round_trips(module: nn.Module, fresh: nn.Module, x: Tensor) -> None:
    """Assert that weights saved from one module and loaded into a fresh one give the same function."""
    file = io.BytesIO()
    torch.save(module.state_dict(), file)
    file.seek(0)
    fresh.eval().load_state_dict(torch.load(file, weights_only=True, map_location="cpu"))
    assert torch.equal(fresh(x), module(x))


@torch.no_grad()
def assert_compiles(module: nn.Module, x: Tensor) -> None:
    """Assert that `torch.compile` gives the same function as one graph."""
    torch.testing.assert_close(torch.compile(module, fullgraph=True)(x), module(x), rtol=1e-3, atol=1e-3)


def boxes_of(images: int, classes: int, objects: int = 3) -> Tensor:
    """Draw targets of boxes `(images, objects + 2, 6)`: so many objects in the first image, fewer in each further one.

    A row is class, centre x and y, width, height and 0, or -1 and zeros for no object.
    """
    targets = torch.zeros(images, objects + 2, 6)
    targets[..., 0] = -1
    for image in range(images):
        some = slice(image and 1, max(objects - image, 0))  # the second image's first row is empty
        targets[image, some, 0] = torch.randint(classes, targets[image, some, 0].shape).float()
        targets[image, some, 1:5] = 0.3 + 0.4 * torch.rand_like(targets[image, some, 1:5])
    return targets


class Fed(nn.Module):
    """A head fed with a map, with those of three stages, or with its own class token mixed with the map.

    What a head of boxes gives in training is joined to one tensor.
    """

    def __init__(self, head: Head, widths: tuple[int, ...], classes: int) -> None:
        super().__init__()
        self.head, self.widths, self.classes = head, widths, classes

    def forward(self, x: Tensor, *targets: Tensor | None) -> Tensor:
        head: Any = self.head
        if not head.wants_maps:
            out: Tensor = head(head.token + x.mean((2, 3))[:, None] if head.wants_token else x)
            return out
        maps = [F.interpolate(x[:, :width], scale_factor=2.0 ** (2 - i)) for i, width in enumerate(self.widths)]
        given = targets or ((boxes_of(len(x), self.classes) if self.training else None),)
        found = head(maps, *given)
        return found if isinstance(found, Tensor) else torch.cat([part.flatten() for part in _parts(found)])


def _parts(found: Detections) -> Iterator[Tensor]:
    """Yield all that a head of boxes gives in training."""
    for answers in (found, found.noised, found.pixels):
        if answers is not None:
            yield from (answers.logits, answers.boxes)
