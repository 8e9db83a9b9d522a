"""Every command and example of the guides to training and export runs as it stands, but for its length."""

from pathlib import Path

import pytest
from documents import blocks, commands, photos, run, small

NAS = ["-m", "nas.cli"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with photographs, and one that the search called `first` has run in."""
    folder = tmp_path_factory.mktemp("guides")
    photos(folder / "photos")
    (folder / "my_recipe.yaml").write_text("epochs: 3\nlearning_rate: 1e-3\n")
    words = "search --data digits --budget 2 --subset 32 --confirm 0 --objectives accuracy,macs --name first"
    run([*NAS, *words.split()], folder)
    return folder


def test_the_tutorial_leads_to_a_deployed_file(tmp_path: Path) -> None:
    photos(tmp_path / "photos")
    for command in commands("docs/tutorial.md"):
        run(small(command), tmp_path)
    (deployed,) = blocks("docs/tutorial.md", "python")
    assert run(["-c", deployed], tmp_path).strip() in ("cats", "dogs")


def test_the_guide_to_training_runs(home: Path) -> None:
    for command in commands("docs/training.md"):
        run(small(command), home)
    (example,) = blocks("docs/training.md", "python")
    assert run(["-c", example], home).startswith("Measured(value=0.")


def test_the_guide_to_export_runs(home: Path) -> None:
    run([*NAS, "train", "first", "--data", "image_folder:photos", "--epochs", "1", "--name", "photos"], home)
    for command in commands("docs/export.md"):
        run(small(command), home)
    said = [run(["-c", example], home) for example in blocks("docs/export.md", "python")]
    assert "'value'" in said[0]
    assert "('cats', 'dogs')" in said[1]
