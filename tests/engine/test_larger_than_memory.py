"""A search on pictures that do not fit in memory, from the command to the record."""

import json
from pathlib import Path

import pytest
from command import Command
from picture_folders import damage, write

from nas.data import stored


@pytest.mark.parametrize("source", ["image_folder", "huggingface"])
@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_search_decodes_its_subset_and_records_what_it_could_not_read(
    source: str, workers: int, tiny: Path, tmp_path: Path, nas: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    if source == "huggingface":
        pytest.importorskip("datasets")
    for part, count in (("train", 20), ("val", 6), ("test", 6)):
        write(tmp_path / "photos" / part, count=count, side=24)
    broken = damage(tmp_path / "photos" / "val" / "cat" / "2.jpg")
    monkeypatch.setattr(stored, "IN_MEMORY", 1000)
    answer = nas("search", "--space", tiny, "--data", f"{source}:{tmp_path / 'photos'}", "--resolution", 16,
                 "--budget", 2, "--subset", 16, "--epochs", 1, "--confirm", 1, "--objectives", "balanced_accuracy,macs",
                 "--workers", workers, "--runs", tmp_path / "runs", "--name", "lazy")  # fmt: skip
    assert answer.status == 0, answer.err
    made = json.loads((tmp_path / "runs" / "lazy" / "environment.json").read_text())
    assert made["unreadable_images"] == 1
    assert made["unreadable"][0].startswith({"image_folder": f"val/{broken}", "huggingface": "validation["}[source])
