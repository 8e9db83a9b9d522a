"""Images for formats that measure on them."""

from pathlib import Path

import pytest
from documents import photos
from small_models import model_of

from nas.data import load, stored
from nas.errors import DataError
from nas.report.examples import Images


def test_a_picture_that_is_damaged_behind_its_header_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "IN_MEMORY", 0)  # or loading would find it
    photos(tmp_path / "photos", ("a", "b", "c", "d"), 20)
    pictures = sorted(tmp_path.rglob("*.jpg"))
    whole = Images(model_of(["conv"]), f"image_folder:{tmp_path / 'photos'}")
    count = len(whole.training().images)
    for file in pictures[::2]:
        file.write_bytes(file.read_bytes()[:-300])
    some = Images(model_of(["conv"]), f"image_folder:{tmp_path / 'photos'}").training()
    assert 0 < len(some.images) == len(some.labels) < count
    for file in pictures[1::2]:
        file.write_bytes(file.read_bytes()[:-300])
    with pytest.raises(DataError, match=r"no image can be read: .*\.jpg"):
        Images(model_of(["conv"]), f"image_folder:{tmp_path / 'photos'}").training()


def test_data_that_fit_in_memory_for_smaller_images_alone_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They count what is damaged behind its header while they do not fit, and no more where they do."""
    photos(tmp_path / "photos", ("a", "b", "c", "d"), 20)
    name = f"image_folder:{tmp_path / 'photos'}"
    damaged = min(tmp_path.rglob("*.jpg"))
    damaged.write_bytes(damaged.read_bytes()[:-300])
    model = model_of(["conv"], data=name, seed=0, split_seed=0)
    for fitting in (False, True):
        monkeypatch.setattr(stored, "IN_MEMORY", 1 << 30 if fitting else 0)
        model.facts["parts"] = load(name, seed=0, resolution=model.architecture.resolution).parts
        for now in (0, 1 << 30):
            monkeypatch.setattr(stored, "IN_MEMORY", now)
            if not fitting or now:
                assert len(Images(model).training().images) > 0
    model.facts["parts"] = {part: count + 1 for part, count in model.facts["parts"].items()}
    with pytest.raises(DataError, match="holds other images than when the model was trained"):
        Images(model).training()
