"""The conformance suites of blocks, stems and heads that `nas.testing` offers."""

import re
from dataclasses import replace
from typing import Any, ClassVar, NamedTuple

import pytest
import torch
from torch import Tensor, nn

from nas.network.blocks import Block, Site, Size, strided
from nas.network.heads import Head
from nas.network.options import Scalar, declared
from nas.network.properties import (
    Fed,
    assert_compiles,
    assert_exports,
    assert_gradients_reach_every_parameter,
    assert_runs_in_bfloat16,
    assert_same_in_channels_last,
    assert_state_round_trips,
    boxes_of,
    scrambled,
    values_of,
    width_for,
)
from nas.network.stems import Stem
from nas.registry import BLOCKS


class Given(NamedTuple):
    """A module, a batch of images or maps for it, and the promised shape of its output."""

    module: nn.Module
    x: Tensor
    shape: tuple[int, ...]


class _PartSuite:
    """The tests that blocks, stems and heads share."""

    kind: ClassVar[Any]
    size: ClassVar[Size]
    """Height and width of the input in tests that do not vary them."""
    sizes: ClassVar[tuple[Size, ...]]

    def build(self, size: Size | None = None, stride: int = 2, /, **chosen: Scalar) -> Given:
        """Construct a module at the smallest width that its chosen options allow."""
        raise NotImplementedError

    def scrambled(self, size: Size | None = None, stride: int = 2, /, **chosen: Scalar) -> Given:
        """Build in eval mode, with no weight at a value that would hide a branch."""
        given = self.build(size, stride, **chosen)
        return given._replace(module=scrambled(given.module))

    @pytest.fixture(autouse=True)
    def _seed(self) -> None:
        torch.manual_seed(0)

    @pytest.fixture
    def stride(self) -> int:
        """Return the stride to test, several for blocks."""
        return 2

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Run a test for each size of the suite, or for each option of the kind with each of its values."""
        if "size" in metafunc.fixturenames:
            metafunc.parametrize("size", self.sizes, ids=str)
        if "option" in metafunc.fixturenames:
            pairs = [(name, value) for name, o in declared(self.kind).items() for value in values_of(o)]
            metafunc.parametrize(("option", "value"), pairs)

    @torch.no_grad()
    def test_the_output_has_the_promised_shape(self, size: Size, stride: int) -> None:
        module, x, shape = self.scrambled(size, stride)
        out = module(x)
        assert out.shape == shape
        assert out.isfinite().all()

    @torch.no_grad()
    def test_every_value_of_every_option_builds(self, option: str, value: Scalar, stride: int) -> None:
        module, x, shape = self.scrambled(None, stride, **{option: value})
        out = module(x)
        assert out.shape == shape
        assert out.isfinite().all()

    def test_gradients_reach_every_parameter(self, stride: int) -> None:
        module, x, _ = self.scrambled(None, stride)
        assert_gradients_reach_every_parameter(module, x)

    @torch.no_grad()
    def test_evaluation_is_the_same_twice_and_image_by_image(self) -> None:
        module, x, _ = self.scrambled()
        together = module(x)
        assert torch.equal(module(x), together)
        torch.testing.assert_close(torch.cat([module(x[:1]), module(x[1:])]), together, rtol=1e-4, atol=1e-5)

    def test_channels_last_changes_nothing(self, stride: int) -> None:
        module, x, _ = self.scrambled(None, stride)
        assert_same_in_channels_last(module, x)

    def test_bfloat16_autocast_runs_and_trains(self) -> None:
        module, x, _ = self.scrambled()
        assert_runs_in_bfloat16(module, x)
        with torch.autocast("cpu", torch.bfloat16):
            loss = module.train()(x).float().square().mean()
        loss.backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in module.parameters())

    def test_state_round_trips(self) -> None:
        module, x, _ = self.scrambled()
        assert_state_round_trips(module, self.build().module, x)

    def test_it_can_be_counted_without_memory(self) -> None:
        with torch.device("meta"):
            module, x, shape = self.build()
            out = module.eval()(x)
        assert out.shape == shape
        assert all(p.is_meta for p in module.parameters())

    def test_it_exports(self) -> None:
        module, x, _ = self.scrambled()
        assert_exports(module, x)

    @pytest.mark.slow
    def test_it_compiles(self) -> None:
        module, x, _ = self.scrambled()
        assert_compiles(module, x)

    @pytest.mark.gpu
    @pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
    @torch.no_grad()
    def test_it_moves_to_a_gpu(self) -> None:
        module, x, _ = self.scrambled()
        expected = module(x)
        torch.testing.assert_close(module.cuda()(x.cuda()).cpu(), expected, rtol=1e-2, atol=1e-2)


class BlockSuite(_PartSuite):
    """The tests of a block, whose class is `kind`."""

    kind: ClassVar[type[Block]]
    size = (7, 5)
    sizes = ((8, 8), (7, 5), (2, 9), (1, 1))

    def site(self, size: Size | None = None, stride: int = 2, /, **chosen: Scalar) -> Site:
        """Return a site that changes the width."""
        return Site(24, width_for(self.kind, **chosen), stride, size or self.size)

    def keeping(self, **changes: float) -> Site:
        """Return a site that changes neither width nor resolution, so that shortcuts are identities."""
        return replace(self.site(None, 1), in_width=width_for(self.kind), **changes)  # type: ignore[arg-type]

    def build(self, size: Size | None = None, stride: int = 2, /, **chosen: Scalar) -> Given:
        site = self.site(size, stride, **chosen)
        x = torch.randn(2, site.in_width, *site.resolution)
        return Given(self.kind(site, **chosen), x, (2, site.width, *site.out_resolution))

    @pytest.fixture(params=[1, 2])
    def stride(self, request: pytest.FixtureRequest) -> int:
        return int(request.param)

    def test_it_is_a_block_with_a_letter_of_its_own(self) -> None:
        assert issubclass(self.kind, Block)
        letter = self.kind.letter
        assert re.fullmatch("[A-Z]{1,2}", letter), f"letter {letter!r}: write one or two capitals"
        others = [b for b in BLOCKS.sound().values() if b is not self.kind and b.letter == letter]
        assert not others, f"letter {letter} is that of {others[0].__name__}"

    def test_gradients_reach_the_parameters_of_every_option(self, option: str, value: Scalar) -> None:
        module, x, _ = self.scrambled((6, 4), 1, **{option: value})
        assert_gradients_reach_every_parameter(module, x)

    @torch.no_grad()
    def test_a_later_block_keeps_the_map(self) -> None:
        site = self.keeping(index=1, depth=2)
        x = torch.randn(2, site.width, *site.resolution)
        assert scrambled(self.kind(site))(x).shape == x.shape

    @torch.no_grad()
    def test_the_input_is_left_as_it_was(self) -> None:
        site = self.keeping()
        x = torch.randn(2, site.width, *site.resolution)
        before = x.clone()
        scrambled(self.kind(site))(x)
        assert torch.equal(x, before)

    def test_a_single_odd_image_trains(self, stride: int) -> None:
        site = replace(self.site(None, stride), drop_path=0.2)
        block = self.kind(site).train()
        block(torch.randn(1, site.in_width, *site.resolution)).square().mean().backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in block.parameters())

    @torch.no_grad()
    def test_drop_path_is_for_training_only(self) -> None:
        site = self.keeping()
        dropping, plain = (scrambled(self.kind(replace(site, drop_path=rate))) for rate in (0.5, 0.0))
        plain.load_state_dict(dropping.state_dict())
        x = torch.randn(2, site.width, *site.resolution)
        assert torch.equal(dropping(x), plain(x))
        assert dropping.train()(x).isfinite().all()


class StemSuite(_PartSuite):
    """The tests of a stem, whose class is `kind`."""

    kind: ClassVar[type[Stem]]
    size = (33, 40)
    sizes = ((32, 32), (37, 50), (16, 5))

    def build(self, size: Size | None = None, stride: int = 2, /, **chosen: Scalar) -> Given:
        return self._build(3, size or self.size, **chosen)

    def _build(self, channels: int, size: Size, /, **chosen: Scalar) -> Given:
        width = width_for(self.kind, **chosen)
        stem = self.kind(channels, width, **chosen)
        return Given(stem, torch.randn(2, channels, *size), (2, width, *strided(size, stem.stride)))

    @torch.no_grad()
    def test_grey_images_are_taken(self, size: Size) -> None:
        stem, x, shape = self._build(1, size)
        out = scrambled(stem)(x)
        assert out.shape == shape
        assert out.isfinite().all()


class HeadSuite(_PartSuite):
    """The tests of a head, whose class is `kind`.

    Heads of maps are handed those of three stages, and in training the targets of images with boxes.
    """

    kind: ClassVar[type[Head]]
    size = (4, 3)
    sizes = ((7, 7), (3, 5), (1, 1))
    classes: ClassVar[int] = 10
    small: ClassVar[dict[str, Scalar]] = {}
    """Options that keep a kind of many layers small wherever a test does not vary them."""
    idle: ClassVar[tuple[str, ...]] = ()
    """How the names of those parameters begin that the paper's head has but cannot train."""

    def build(self, size: Size | None = None, stride: int = 2, /, **chosen: Scalar) -> Given:
        chosen = self.small | chosen
        options, width = declared(self.kind), width_for(self.kind, **chosen)
        if "width" in options and "width" not in chosen:  # a width of its own, narrow in tests
            chosen["width"] = width
        widths = (8, 16, width)
        kind: Any = self.kind
        head = Fed(kind(widths if kind.wants_maps else width, self.classes, **chosen), widths, self.classes)
        outputs: tuple[int, ...] = (2, self.classes)
        if kind.outputs == "boxes":
            outputs = (2, int(chosen.get("queries", options["queries"].default)), 4 + self.classes)
        return Given(head, torch.randn(2, width, *(size or self.size)), outputs)

    def test_gradients_reach_every_parameter(self, stride: int) -> None:
        module, x, _ = self.scrambled(None, stride)
        assert_gradients_reach_every_parameter(module.train(), x, idle=self.idle)

    def test_every_value_of_every_option_trains(self, option: str, value: Scalar) -> None:
        module, x, _ = self.scrambled(None, 1, **{option: value})
        module.train()(x).square().mean().backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in module.parameters())

    @torch.no_grad()
    def test_boxes_and_scores_are_shares(self, option: str, value: Scalar) -> None:
        if self.kind.outputs != "boxes":
            pytest.skip(f"gives {self.kind.outputs}")
        module, x, _ = self.scrambled(None, 2, **{option: value})
        out = module(x)
        assert 0 <= out.min() <= out.max() <= 1

    def test_images_without_boxes_train(self, option: str, value: Scalar) -> None:
        if self.kind.outputs != "boxes":
            pytest.skip(f"gives {self.kind.outputs}")
        module, x, _ = self.build(None, 2, **{option: value})
        for targets in (boxes_of(2, self.classes, objects=0), None):
            out = module.train()(x, targets)
            out.square().mean().backward()
            assert out.isfinite().all()
            assert all(p.grad is None or p.grad.isfinite().all() for p in module.parameters())
