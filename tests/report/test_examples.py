"""Images for formats that measure on them."""

from pathlib import Path

import pytest
from documents import photos
from small_models import model_of

from nas.data import stored
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
