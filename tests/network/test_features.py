"""Networks as backbones: their maps, what is said of them, windows for large images, weights of small ones."""

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

import nas
from nas.errors import SettingError
from nas.network import properties
from nas.network.architecture import Architecture
from nas.network.build import build
from nas.network.features import Backbone, FeatureInfo
from nas.network.layers.map_attention import MapAttention
from nas.network.properties import scrambled, width_for
from nas.network.weights import adapt
from nas.registry import BLOCKS, HEADS, STEMS
from nas.space.library import load_architecture

ATTENDING = ["attention_augmented", "bello", "cvt", "moat", "shaw", "swin", "transformer", "vit"]


def _architecture(*blocks: str, side: int = 32, stem: str = "conv", head: str = "pool", **options: Any) -> Architecture:
    """A stage of each block with its smallest width; the first keeps the map, the others halve it."""
    width = width_for(STEMS.get(stem))
    stages = [
        {"block": block, "depth": 2, "width": width_for(BLOCKS.get(block)), "stride": min(i, 1) + 1, **options}
        for i, block in enumerate(blocks)
    ]
    return load_architecture(
        {
            "resolution": side,
            "classes": 5,
            "stem": {"kind": stem, "width": width},
            "stages": stages,
            "head": {"kind": head},
        }
    )


def _assert_info_is_true(backbone: Backbone, height: int, width: int) -> None:
    maps = backbone(torch.randn(2, 3, height, width))
    info = backbone.feature_info
    found = [tuple(m.shape) for m in maps]
    expected = zip(info.channels(), info.reduction(), strict=True)
    assert found == [(2, channels, -(-height // r), -(-width // r)) for channels, r in expected]
    assert all(m.isfinite().all() for m in maps)


@torch.no_grad()
@pytest.mark.parametrize("kind", BLOCKS.names())
def test_info_is_true_of_every_block(kind: str) -> None:
    backbone = build(_architecture(kind, kind, kind), features=True, window=4).eval()
    for size in ((32, 32), (37, 22), (75, 40), (1, 3)):
        _assert_info_is_true(backbone, *size)


@torch.no_grad()
@pytest.mark.parametrize("stem", STEMS.names())
def test_info_is_true_of_every_stem(stem: str) -> None:
    backbone = build(_architecture("conv", "mbconv", stem=stem), features=True).eval()
    assert backbone.feature_info.reduction() == [backbone.stem.stride, 2 * backbone.stem.stride]
    for size in ((64, 64), (37, 50), (65, 33)):
        _assert_info_is_true(backbone, *size)


@torch.no_grad()
@pytest.mark.parametrize("head", HEADS.names())
@pytest.mark.parametrize("block", ["conv", "cvt", "vit"])
def test_maps_and_first_weights_are_those_of_the_network(block: str, head: str) -> None:
    if HEADS.get(head).wants_token and not BLOCKS.get(block).carries_token:
        pytest.skip("carries no token")
    architecture = _architecture("conv", block, head=head)
    network, backbone = build(architecture, seed=1).eval(), build(architecture, seed=1, features=True).eval()
    kept = {name: value for name, value in network.state_dict().items() if name[:5] != "head." or name == "head.token"}
    assert list(backbone.state_dict()) == list(kept)
    assert all(torch.equal(value, kept[name]) for name, value in backbone.state_dict().items())
    seen: list[Any] = []
    for stage in network.stages:
        stage.register_forward_hook(lambda _module, _inputs, out: seen.append(out))
    for size in ((32, 32), (41, 20)):
        x, seen[:] = torch.randn(2, 3, *size), []
        network(x)
        maps = [out[0] if isinstance(out, tuple) else out for out in seen]
        assert all(torch.equal(ours, theirs) for ours, theirs in zip(backbone(x), maps, strict=True))


def _timm_info(timm: Any, name: str, **options: Any) -> list[dict[str, Any]]:
    with torch.device("meta"):
        return list(timm.create_model(name, **options).feature_info)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("resnet_50", "resnet50"), ("coatnet_0", "coatnet_0_224"), ("swin_t", "swin_tiny_patch4_window7_224")],
)
def test_info_equals_timms(timm: Any, ours: str, theirs: str) -> None:
    with torch.device("meta"):
        info = build(load_architecture(ours), features=True).feature_info
    expected = _timm_info(timm, theirs)[-4:]  # the stem of some comes first
    assert [(i["num_chs"], i["reduction"]) for i in info] == [(i["num_chs"], i["reduction"]) for i in expected]


def test_info_answers_as_timms_class(timm: Any) -> None:
    from timm.models._features import FeatureInfo as Theirs

    ours = build(_architecture("conv", "mbconv", "vit"), features=True, out_indices=(2, 0)).feature_info
    theirs = Theirs(copy.deepcopy(list(ours)), ours.out_indices)
    assert len(ours) == len(theirs) == 3
    assert ours.out_indices == (0, 2)
    assert ours[1] == theirs[1] == {"num_chs": 32, "reduction": 4, "module": "stages.1", "index": 1}
    for idx in (None, 1, [1, 2]):
        assert ours.channels(idx) == theirs.channels(idx)
        assert ours.reduction(idx) == theirs.reduction(idx)
        assert ours.module_name(idx) == theirs.module_name(idx)
        assert ours.get_dicts(["reduction"], idx) == theirs.get_dicts(["reduction"], idx)
    assert ours.get_dicts() == theirs.get_dicts()
    assert isinstance(ours, FeatureInfo)


@torch.no_grad()
def test_some_stages_alone() -> None:
    architecture = _architecture("conv", "mbconv", "vit", head="class_token")
    whole = build(architecture, seed=0, features=True).eval()
    x = torch.randn(1, 3, 40, 33)
    for asked, kept in (((1,), (1,)), ((-1, 0), (0, 2)), ((0, -2), (0, 1))):
        some = build(architecture, seed=0, features=True, out_indices=asked).eval()
        for found, index in zip(some(x), kept, strict=True):
            assert torch.equal(found, whole(x)[index])
        assert len(some.stages) == kept[-1] + 1
        assert ("head.token" in some.state_dict()) == (2 in kept)
        some.load_state_dict(adapt(whole.state_dict(), some))
    with pytest.raises(SettingError, match=r"no stage 3; it has the stages 0 to 2"):
        build(architecture, features=True, out_indices=(0, 3))
    with pytest.raises(SettingError, match="names no stage"):
        build(architecture, features=True, out_indices=())


def test_settings_that_make_no_sense_are_refused() -> None:
    architecture = _architecture("vit")
    for window in (1, 0, -7, True, "every", 7.0):
        for network in (architecture, _architecture("conv")):
            with pytest.raises(SettingError, match=r"window: .*; give a side of 2 pixels or more, 'auto', or None"):
                build(network, features=True, window=window)  # type: ignore[call-overload]
    for stages in (3, [1.0, 2.0], "12"):
        with pytest.raises(SettingError, match=r"out_indices: found .*; give a list of whole numbers"):
            build(architecture, features=True, out_indices=stages)  # type: ignore[call-overload]
    for rate in (-0.1, 1.0, 2.0):
        with pytest.raises(SettingError, match=r"drop_path: found .*; write a rate from 0 to below 1"):
            build(architecture, drop_path=rate)
    with pytest.raises(SettingError, match="say features=True too"):
        build(architecture, window=7)  # type: ignore[call-overload]


def test_numbers_of_numpy_are_numbers() -> None:
    architecture = _architecture("vit", "vit", "vit")
    backbone = build(architecture, features=True, window=np.int64(7), out_indices=np.array([0, -1]))
    assert backbone.feature_info.out_indices == (0, 2)


@torch.no_grad()
@pytest.mark.parametrize("kind", ATTENDING)
def test_a_window_that_holds_the_map_changes_nothing(kind: str) -> None:
    architecture = _architecture(kind, kind)
    x = torch.randn(1, 3, 40, 33)  # maps of 20 x 17 and 10 x 9
    whole, windowed, cut = (
        scrambled(build(architecture, seed=0, features=True, window=window)) for window in (None, 20, 8)
    )
    assert all(torch.equal(a, b) for a, b in zip(whole(x), windowed(x), strict=True))
    assert kind == "swin" or not any(torch.equal(a, b) for a, b in zip(whole(x), cut(x), strict=True))


def _windows(backbone: Backbone) -> list[tuple[int, int, int]]:
    found = [m.windows for m in backbone.modules() if isinstance(m, MapAttention)]
    return [(w.height, w.width, w.above) for w in found if w]


def test_windows_are_by_default_the_map_that_the_network_was_built_for() -> None:
    assert _windows(build(_architecture("vit", "moat", side=96), features=True)) == [
        (48, 48, 1024), (48, 48, 1024), (24, 24, 1024), (24, 24, 1024)
    ]  # fmt: skip
    assert _windows(build(_architecture("vit", side=8), features=True)) == [(14, 14, 1024)] * 2
    pooled = _architecture("attention_augmented", side=96, attention_stride=2)
    assert _windows(build(pooled, features=True)) == [(24, 24, 1024)] * 2
    assert _windows(build(pooled, features=True, window=9)) == [(9, 9, 0)] * 2
    assert _windows(build(pooled, features=True, window=None)) == []


@torch.no_grad()
@pytest.mark.parametrize("kind", ["swin", "moat"])
def test_a_window_that_a_small_map_clamped_grows_with_the_map(kind: str) -> None:
    """As in a network that is built for the larger image and given the weights of the small one."""
    small = _architecture(kind, kind, side=12, window=7)  # maps of 6 and 3 pixels
    backbone = scrambled(build(small, seed=0, features=True))
    for side in (40, 12):
        other = build(replace(small, resolution=side), features=True).eval()
        other.load_state_dict(adapt(backbone.state_dict(), other))
        x = torch.randn(2, 3, side, side)
        for found, expected in zip(backbone(x), other(x), strict=True):
            torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_weights_of_a_network_lose_their_head_in_a_backbone(tmp_path: Path) -> None:
    network = build(_architecture("mbconv", "vit", head="class_token"), seed=0)
    path = tmp_path / "best.safetensors"
    save_file(network.state_dict(), path)
    backbone = build(network.architecture, features=True)
    assert sorted(nas.load_weights(backbone, path)) == [
        "head.classifier.bias", "head.classifier.weight", "head.norm.bias", "head.norm.weight"
    ]  # fmt: skip
    assert {name for name in network.state_dict() if not backbone.leaves_out(name)} == set(backbone.state_dict())
    assert all(torch.equal(value, network.state_dict()[name]) for name, value in backbone.state_dict().items())
    assert nas.load_weights(network, path) == []
    first = build(network.architecture, features=True, out_indices=[0])
    assert {name.partition(".")[0] for name in nas.load_weights(first, path)} == {"head", "stages"}


def test_weights_of_another_network_are_refused_by_a_backbone() -> None:
    architecture = _architecture("mbconv", "vit", head="class_token")
    state, backbone = build(architecture).state_dict(), build(architecture, features=True)
    with pytest.raises(SettingError, match=r"no weight 'stem.conv3.weight'. Did you mean 'stem.conv"):
        adapt(state | {"stem.conv3.weight": torch.zeros(1)}, backbone)
    with pytest.raises(SettingError, match=r"'head\.token' is missing"):
        adapt({k: v for k, v in state.items() if k != "head.token"}, backbone)
    with pytest.raises(SettingError, match=r"the weight 'head\.[a-z.]+' is missing"):
        adapt(backbone.state_dict(), build(architecture))


@torch.no_grad()
def test_a_network_of_32_pixels_sees_640_with_its_weights(tmp_path: Path) -> None:
    options: dict[str, Any] = {"depth": 1, "width": 16, "head_dim": 8}
    blocks = [("moat", 2), ("transformer", 2), ("bello", 1), ("swin", 1), ("cvt", 1), ("shaw", 1), ("vit", 2)]
    small = load_architecture(
        {
            "resolution": 32,
            "stem": {"kind": "conv", "width": 8},
            "stages": [{"block": block, "stride": stride, **options} for block, stride in blocks],
            "head": {"kind": "class_token"},
        }
    )
    network = scrambled(build(small, seed=0))
    save_file(network.state_dict(), tmp_path / "small.safetensors")
    backbone = build(small, features=True).eval()
    nas.load_weights(backbone, tmp_path / "small.safetensors")
    image = torch.rand(1, 3, 32, 32)
    here, large = backbone(image), backbone(F.interpolate(image, (640, 480), mode="bilinear"))
    assert [m.shape[2:] for m in large] == [(160, 120), *[(80, 60)] * 5, (40, 30)]
    for before, after in zip(here, large, strict=True):
        assert after.isfinite().all()
        assert 0.5 < after.std() / before.std() < 2


def _macs(backbone: Backbone, *size: int) -> int:
    x = torch.empty(1, 3, *size, device="meta")
    backbone.requires_grad_(False)  # the counter stumbles over an expanded parameter
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        backbone(x)
    return counter.get_total_flops() // 2


@pytest.mark.parametrize(("name", "share"), [("coatnet_0", 0.85), ("moat_0", 0.85), ("cvt_13", 0.6), ("deit_ti", 0.55)])
def test_windows_save_work_in_large_images(name: str, share: float) -> None:
    architecture = load_architecture(name)
    with torch.device("meta"):
        whole, windowed = (build(architecture, features=True, window=w).eval() for w in (None, "auto"))
    assert _macs(windowed, 224, 224) == _macs(whole, 224, 224)
    assert _macs(windowed, 640, 640) < share * _macs(whole, 640, 640)


@pytest.mark.parametrize("kind", [kind for kind in ATTENDING if kind != "swin"])
def test_the_work_of_windows_grows_with_the_area(kind: str) -> None:
    with torch.device("meta"):
        whole, windowed = (build(_architecture(kind), features=True, window=w).eval() for w in (None, 8))
    assert _macs(windowed, 128, 128) == pytest.approx(4 * _macs(windowed, 64, 64), rel=0.01)
    assert _macs(whole, 128, 128) > 6 * _macs(whole, 64, 64)


@pytest.mark.parametrize(
    "kind", [pytest.param(k, marks=[] if k in ("cvt", "swin") else pytest.mark.slow) for k in ATTENDING]
)
def test_windowed_backbones_export_and_keep_memory_formats(kind: str) -> None:
    head = "class_token" if BLOCKS.get(kind).carries_token else "pool"
    backbone = scrambled(build(_architecture("mbconv", kind, head=head), features=True, window=4))
    x = torch.randn(2, 3, 45, 32)
    properties.assert_exports(backbone, x)
    properties.assert_same_in_channels_last(backbone, x)


class Pyramid(nn.Module):
    """A feature pyramid, https://arxiv.org/abs/1612.03144 (section 3), with one score at each pixel."""

    def __init__(self, backbone: Backbone, width: int = 16) -> None:
        super().__init__()
        self.backbone = backbone
        channels = backbone.feature_info.channels()
        self.laterals = nn.ModuleList(nn.Conv2d(c, width, 1) for c in channels)
        self.smooth = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in channels)
        self.score = nn.Conv2d(width, 1, 1)

    def forward(self, x: Tensor) -> list[Tensor]:
        maps = [lateral(m) for lateral, m in zip(self.laterals, self.backbone(x), strict=True)]
        for i in range(len(maps) - 1, 0, -1):
            maps[i - 1] = maps[i - 1] + F.interpolate(maps[i], maps[i - 1].shape[2:])
        return [self.score(F.relu(smooth(m))) for smooth, m in zip(self.smooth, maps, strict=True)]


def _squares(count: int) -> tuple[Tensor, Tensor]:
    """Noise with one bright square of 16 pixels each, and where it is, as a map of the image's size."""
    images, places = torch.randn(count, 3, 72, 56), torch.zeros(count, 1, 72, 56)
    for image, place in zip(images, places, strict=True):
        y, x = int(torch.randint(0, 56, ())), int(torch.randint(0, 40, ()))
        image[:, y : y + 16, x : x + 16] += 2
        place[:, y : y + 16, x : x + 16] = 1
    return images, places


def test_a_pyramid_on_it_trains() -> None:
    backbone = build(_architecture("mbconv", "transformer", "vit", head="class_token"), seed=0, features=True, window=6)
    pyramid = Pyramid(backbone)
    optimizer = torch.optim.AdamW(pyramid.parameters(), 2e-3)
    losses = []
    for _ in range(12):
        images, places = _squares(8)
        scores = pyramid(images)
        loss = sum(
            F.binary_cross_entropy_with_logits(s, F.interpolate(places, s.shape[2:], mode="area")) for s in scores
        ) / len(scores)
        optimizer.zero_grad()
        loss.backward()
        assert all(p.grad is not None and p.grad.any() for p in pyramid.parameters())
        optimizer.step()
        losses.append(float(loss.detach()))
    assert sum(losses[-3:]) < 0.6 * sum(losses[:3])
