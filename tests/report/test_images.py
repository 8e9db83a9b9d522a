"""The figures of a page as files."""

from pathlib import Path
from xml.etree import ElementTree

import pytest
from browser import CHROMIUM
from command import Command
from PIL import Image
from run_fixtures import empty_run, finished_run
from trained_fixtures import ended

from nas.report.collecting import collected
from nas.report.page import render
from nas.report.training_page import render_training

needs_a_browser = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium on the PATH")


@pytest.mark.long
@needs_a_browser
def test_every_figure_of_a_page_becomes_two_files(tmp_path: Path, nas: Command) -> None:
    run = finished_run(tmp_path / "run", complete=10)
    with collected() as figures:
        page = render(run)
    assert {"front", "progress"} <= figures.keys()
    assert all(f'id="chart-{name}"' in page for name in figures)
    answer = nas("report", run.folder, "--images", tmp_path / "new" / "images")
    assert answer.status == 0, answer.err
    names = {path.name for path in (tmp_path / "new" / "images").iterdir()}
    assert names == {f"{name}.{form}" for name in figures for form in ("svg", "png")}
    with Image.open(tmp_path / "new" / "images" / "front.png") as drawn:
        assert drawn.width == 2000
        assert len(drawn.convert("RGB").getcolors(10**6)) > 20
    ElementTree.parse(tmp_path / "new" / "images" / "front.svg")


def test_a_training_has_figures_too(tmp_path: Path) -> None:
    with collected() as figures:
        render_training(ended(tmp_path / "a"))
    assert {"loss", "confusion"} <= figures.keys()


def test_nothing_is_collected_outside(tmp_path: Path) -> None:
    with collected() as figures:
        pass
    render(finished_run(tmp_path / "run"))
    assert not figures


def test_a_run_without_results_has_no_images(tmp_path: Path, nas: Command) -> None:
    run = empty_run(tmp_path / "run")
    answer = nas("report", run.folder, "--images", tmp_path / "images")
    assert answer.status == 0
    assert "no figure" in answer.out


def test_what_is_missing_is_said(tmp_path: Path, nas: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    run = finished_run(tmp_path / "run")
    (tmp_path / "file").touch()
    answer = nas("report", run.folder, "--images", tmp_path / "file")
    assert answer.status == 2
    assert "is a file; name a folder" in answer.err
    monkeypatch.setenv("BROWSER_PATH", str(tmp_path / "chrome"))
    answer = nas("report", run.folder, "--images", tmp_path / "images")
    assert (answer.status, "no Chrome or Chromium" in answer.err, "BROWSER_PATH" in answer.err) == (2, True, True)
    monkeypatch.setenv("BROWSER_PATH", "/bin/true")
    answer = nas("report", run.folder, "--images", tmp_path / "images")
    assert (answer.status, "did not draw" in answer.err) == (1, True)
    monkeypatch.setattr("nas.report.images.find_spec", lambda name: None)
    answer = nas("report", run.folder, "--images", tmp_path / "images")
    assert (answer.status, "pip install 'hybrid-nas[images]'" in answer.err) == (2, True)
