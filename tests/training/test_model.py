"""A model of a detector: pictures whole, boxes in their pixels, a lowered copy without what was measured before."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from detections import NAMES, model, quarters
from PIL import Image
from small_models import model_of

import nas
from nas.errors import DataError, SettingError
from nas.record.models import write_model
from nas.training.model import ORDER


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A picture twice as wide as it is high, red, and white in its upper right quarter."""
    quarters(80, 40).save(tmp_path / "wide.png")
    return tmp_path / "wide.png"


def test_a_detector_sees_all_of_a_picture_on_grey_and_a_classifier_its_middle(picture: Path) -> None:
    whole = model().preprocess(picture)[0]
    assert whole.shape == (3, 32, 32)
    assert whole[1, 4, [0, 31]].tolist() == [0, 1]
    assert whole[:, 16:].eq(114 / 255).all()
    middle = model_of(["conv"]).preprocess(picture)[0]
    assert middle[1, 2, [0, 15]].tolist() == [0, 1]
    assert not middle.eq(114 / 255).any()


def test_boxes_are_those_of_the_outputs_in_the_pictures_pixels(picture: Path) -> None:
    found = model()
    with torch.no_grad():
        outputs = found(found.preprocess(picture))[0]
    (boxes,) = found.detect(picture, threshold=0)
    assert len(boxes) == 8
    assert [box.score for box in boxes] == sorted((row[4:].max().item() for row in outputs), reverse=True)
    surest = outputs[outputs[:, 4:].max(1).values.argmax()]
    assert boxes[0].name == NAMES[int(surest[4:].argmax())]
    x, y, w, h = (80 * surest[:4]).tolist()
    ends = np.clip([x - w / 2, y - h / 2, x + w / 2, y + h / 2], 0, [80, 40, 80, 40])
    assert boxes[0].corners == pytest.approx(tuple(ends), abs=1e-3)
    assert found.detect(picture, Image.open(picture), threshold=1.0) == [[], []]


def test_boxes_are_found_in_the_middle_of_a_training_too(picture: Path) -> None:
    found = model()
    expected = found.detect(picture, threshold=0)
    assert found.train().detect(picture, threshold=0) == expected
    assert found.training
    assert all(part.training for part in found.modules())


def test_boxes_are_taken_from_the_score_that_the_training_noted(picture: Path) -> None:
    found = model(focal=True)
    assert found.threshold == 0.5
    found.facts = {"threshold": 0.9}
    assert all(one.score >= 0.9 for one in found.detect(picture)[0])
    assert found.detect(picture) == found.detect(picture, threshold=0.9)
    assert len(found.detect(picture, threshold=0)[0]) > len(found.detect(picture)[0])
    for damaged in ("much", 7.0, None):
        found.facts = {"threshold": damaged}
        assert found.threshold == 0.5


def test_a_classifier_detects_nothing_and_says_so(picture: Path) -> None:
    with pytest.raises(SettingError, match="small gives logits, not boxes"):
        model_of(["conv"]).detect(picture)
    with pytest.raises(DataError, match=r"gone\.png: cannot be read"):
        model().detect(picture.with_name("gone.png"))


def test_it_comes_back_from_disk(picture: Path, tmp_path: Path) -> None:
    found = model(anchors=True, focal=True)
    write_model(found, tmp_path / "best.safetensors")
    assert nas.load(tmp_path).detect(picture, threshold=0.3) == found.detect(picture, threshold=0.3)


def test_a_lowered_copy_keeps_the_best_queries_and_loses_what_was_measured() -> None:
    found = model()
    found.facts = {"data": "voc:animals", "test": {"map": {"value": 0.5}}, "params": 9, ORDER: [3, 1, 0, 2, 4, 5, 6, 7]}
    small = found.lowered(queries=2, resolution=16)
    assert small.facts == {"data": "voc:animals", "lowered_from": {"queries": 8, "resolution": 32}}
    assert small(torch.rand(1, 3, 16, 16)).shape == (1, 2, 7)
    ours, theirs = found.network.head.state_dict(), small.network.head.state_dict()
    (name,) = [name for name, value in ours.items() if value.shape != theirs[name].shape]
    assert torch.equal(theirs[name], ours[name][[3, 1]])
    assert found.architecture.resolution == 32, "the model is as it was"


def test_lowered_in_two_steps_it_is_as_in_one() -> None:
    found = model()
    found.facts = {ORDER: [7, 6, 5, 4, 3, 2, 1, 0]}
    one, two = found.lowered(queries=3, resolution=16), found.lowered(resolution=16).lowered(queries=3)
    for name, value in one.network.state_dict().items():
        assert torch.equal(two.network.state_dict()[name], value), name
    assert two.facts == one.facts == {"lowered_from": {"queries": 8, "resolution": 32}}


@pytest.mark.parametrize("given", [torch.zeros(3, 8, 8), ["a.png", "b.png"]])
def test_what_is_no_picture_is_refused_by_its_type_alone(given: Any) -> None:
    with pytest.raises(DataError, match=r"give paths, PIL images or arrays .* each as an argument of its own") as said:
        model_of(["conv"]).preprocess(given)
    assert f"found {'list' if isinstance(given, list) else type(given).__module__}" in str(said.value)
    assert len(str(said.value)) < 200


@pytest.mark.parametrize("shape", [(40, 60, 3), (40, 60), (40, 60, 1), (40, 60, 4)])
def test_an_array_is_a_picture(shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    image = Image.fromarray(pixels[..., 0] if shape[2:] == (1,) else pixels)
    for own in (model(), model_of(["conv"])):
        assert torch.equal(own.preprocess(pixels), own.preprocess(image))
    assert model().detect(pixels, threshold=0.0) == model().detect(image, threshold=0.0)


@pytest.mark.parametrize(
    "given", [np.zeros((8, 8, 3)), np.zeros((3, 8, 8), np.uint8), np.zeros((0, 8, 3), np.uint8), np.zeros(8, np.uint8)]
)
def test_an_array_of_another_form_is_refused_by_its_shape(given: Any) -> None:
    with pytest.raises(DataError, match=rf"found an array of {given.dtype} \({given.shape[0]},.*; give paths, "):
        model_of(["conv"]).preprocess(given)


def test_whole_numbers_are_no_images_and_one_image_no_batch() -> None:
    own = model_of(["conv"]).eval()
    x = torch.randint(0, 256, (1, *own.architecture.image_shape), dtype=torch.uint8)
    with pytest.raises(ValueError, match=r"images are a tensor, found .*ndarray.*; torch\.from_numpy"):
        own(x.numpy())
    with pytest.raises(ValueError, match=r"images have 3 channels, found \(1, 1, "):
        own(x[:1, :1] / 255)
    with pytest.raises(ValueError, match=r"floats from 0 to 1, found torch\.uint8; of 0 to 255 give x / 255"):
        own(x)
    with pytest.raises(ValueError, match=r"\(batch, channels, height, width\), found \(\d, \d+, \d+\); x\[None\]"):
        own(x[0] / 255)
    with torch.inference_mode():
        expected = own(x / 255)
        assert torch.equal(torch.export.export(own, (x / 255,)).module()(x / 255), expected)
        assert torch.equal(torch.compile(own, backend="eager", fullgraph=True)(x / 255), expected)
