"""Learning from a teacher: the loss, and which networks may teach."""

from pathlib import Path
from typing import Any

import pytest
import torch
from small_trainings import network
from torch.nn import functional as F

from nas.errors import SettingError
from nas.network.build import build
from nas.training.full.teacher import Teacher, from_model, from_timm, lesson
from nas.training.model import Model

CLASSES = tuple("abcde")


def model(classes: tuple[str, ...] = CLASSES, side: int = 8, channels: int = 3) -> Model:
    net = build(network(side, len(classes), channels), seed=0)
    return Model(net, classes, [0.4] * channels, [0.2] * channels).eval()


# ---- the loss


@pytest.mark.parametrize("temperature", [1.0, 2.0, 5.0])
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_the_gradients_are_those_of_the_formula(share: float, temperature: float) -> None:
    """Hinton et al. (2015), section 2.1: d/dz = T^2 (1/T) (softmax(z/T) - softmax(v/T)), a mean over the images."""
    generator = torch.Generator().manual_seed(0)
    student = torch.randn(7, 5, generator=generator).double().requires_grad_()
    teacher = 3 * torch.randn(7, 5, generator=generator).double()
    labels = torch.arange(7) % 5
    found = lesson(F.cross_entropy(student, labels), student, teacher, share, temperature)
    found.backward()
    z, v = student.detach(), teacher
    soft = temperature * ((z / temperature).softmax(1) - (v / temperature).softmax(1)) / 7
    hard = (z.softmax(1) - F.one_hot(labels, 5)) / 7
    assert torch.allclose(student.grad, (1 - share) * hard + share * soft, atol=1e-9)
    p, q = (v / temperature).softmax(1), (z / temperature).softmax(1)
    divergence = float((p * (p / q).log()).sum() / 7 * temperature**2)
    assert found.item() == pytest.approx((1 - share) * float(F.cross_entropy(z, labels)) + share * divergence)


def test_a_student_that_answers_as_its_teacher_does_learns_nothing_more() -> None:
    answers = torch.randn(4, 3)
    assert float(lesson(torch.zeros(()), answers, answers + 7, 1.0, 2.0)) == pytest.approx(0, abs=1e-6)


def test_gradients_keep_their_size_at_a_high_temperature() -> None:
    student, teacher = torch.randn(50, 4), torch.randn(50, 4)
    sizes = []
    for temperature in (10.0, 40.0):
        z = student.clone().requires_grad_()
        lesson(torch.zeros(()), z, teacher, 1.0, temperature).backward()
        sizes.append(float(z.grad.norm()))
    assert sizes[1] == pytest.approx(sizes[0], rel=0.1)


# ---- teachers of ours


def test_a_teacher_answers_as_the_model_does_and_does_not_learn() -> None:
    own = model().train()
    teacher = from_model(own, CLASSES, "first")
    x = torch.rand(4, 3, 8, 8)
    answers = teacher(x)
    assert torch.equal(answers, own.eval()(x))
    assert not answers.requires_grad
    assert not any(p.requires_grad for p in teacher.parameters())
    assert not any(m.training for m in teacher.network.modules())


def test_a_teacher_of_another_size_sees_resized_images() -> None:
    own = model(side=16)
    x = torch.rand(2, 3, 8, 8)
    enlarged = F.interpolate(x, (16, 16), mode="bicubic", antialias=True).clamp(0, 1)
    assert torch.equal(from_model(own, CLASSES, "first")(x), own(enlarged))


def test_a_teacher_of_other_channels_sees_grey_as_it_was_read_or_three_times_the_same() -> None:
    colour, grey = torch.rand(2, 3, 8, 8), torch.rand(2, 1, 8, 8)
    seen = from_model(model(channels=1), CLASSES, "first")
    light = 0.299 * colour[:, :1] + 0.587 * colour[:, 1:2] + 0.114 * colour[:, 2:]
    assert torch.allclose(seen(colour), seen(light), atol=1e-5)
    other = from_model(model(channels=3), CLASSES, "first")
    assert torch.equal(other(grey), other(grey.repeat(1, 3, 1, 1)))


@pytest.mark.parametrize(
    ("classes", "said"),
    [
        (tuple("abxde"), "'c' stands for 'x'"),
        (tuple("abced"), "'d' stands for 'e'"),
        (tuple("abcdef"), "5 against 6"),
        (tuple("abc"), "5 against 3"),
    ],
)
def test_a_teacher_of_other_classes_is_refused_with_the_first_that_differs(classes: tuple[str, ...], said: str) -> None:
    with pytest.raises(SettingError) as error:
        from_model(model(), classes, "runs/first")
    assert f"teacher runs/first: its classes are not those of the data ({said})" in str(error.value)


# ---- teachers of timm


def test_unknown_names_get_the_nearest_of_timm(timm: Any) -> None:
    with pytest.raises(SettingError, match=r"teacher resnt18: no folder .* Did you mean 'resnet18'"):
        from_timm("resnt18", 10)
    with pytest.raises(SettingError) as error:
        from_timm("runs/qqqqqqqqqq", 10)
    assert len(str(error.value)) < 200, "not with the names of all networks"


def test_weights_that_cannot_be_had_are_said_to_be(timm: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"teacher resnet18\.none: timm cannot load its weights \(RuntimeError: "):
        from_timm("resnet18.none", 10)
    with pytest.raises(SettingError, match="timm cannot load its weights"):
        from_timm(f"local-dir:{tmp_path}", 10)


def saved(timm: Any, folder: Path, classes: int) -> str:
    """The name of a small network of timm whose weights lie in a folder."""
    net = timm.create_model("resnet10t", num_classes=classes)
    timm.models.save_for_hf(net, str(folder), safe_serialization=True, model_config={"num_classes": classes})
    return f"local-dir:{folder}"


def test_a_network_of_timm_sees_images_as_it_was_trained_on_them(timm: Any, tmp_path: Path) -> None:
    name = saved(timm, tmp_path, 10)
    teacher = from_timm(name, 10)
    net = timm.create_model(name, pretrained=True).eval()
    facts = net.pretrained_cfg
    assert isinstance(teacher, Teacher)
    side = facts["input_size"][1]
    x = torch.rand(1, 3, side, side)
    mean, std = (torch.tensor(facts[key]).view(-1, 1, 1) for key in ("mean", "std"))
    assert torch.allclose(teacher(x), net((x - mean) / std), atol=1e-4)
    assert teacher(torch.rand(2, 1, 16, 16)).shape == (2, 10)


def test_a_network_of_a_thousand_classes_cannot_teach_ten(timm: Any, tmp_path: Path) -> None:
    name = saved(timm, tmp_path, 1000)
    with pytest.raises(SettingError, match="knows 1000 classes, the data have 10; train a teacher on these data"):
        from_timm(name, 10)
