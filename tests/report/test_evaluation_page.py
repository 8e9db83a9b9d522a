"""The page of an evaluation says how good a network is on which images, and shows where it errs."""

import re
from pathlib import Path

import detections
import pytest
from boxed_folders import voc_folder
from browser import NARROW, WIDE, opened, serious
from documents import photos
from playwright.sync_api import Browser
from small_models import learnt, model_of

import nas
from nas.errors import SettingError
from nas.report.evaluate import Evaluation


@pytest.fixture(scope="module")
def found() -> Evaluation:
    return nas.evaluate(learnt().model, "digits", part="validation")


def page_of(found: Evaluation, folder: Path) -> str:
    nas.write_evaluation(found, folder / "page.html")
    return (folder / "page.html").read_text()


def words(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", "", re.sub(r"(?s)<(script|style).*?</\1>", "", page)).split())


def test_it_says_how_good_on_what(found: Evaluation, tmp_path: Path) -> None:
    text = words(page_of(found, tmp_path))
    assert f"On {found.verdict.images} images of the validation part of digits (10 classes), accuracy is" in text
    assert "The verdict may flatter: it learnt from digits divided by seed 0" in text
    assert text.count("Every class") == 1
    assert "test image" not in text
    assert all(found.names[one.row] in text for one in found.verdict.mistakes)


def test_names_are_text(tmp_path: Path) -> None:
    photos(folder := tmp_path / "<b>new", ("a", "b", "c", "d"), 6)
    (folder / "a" / "001.jpg").rename(folder / "a" / "<i>0.jpg")
    page = page_of(nas.evaluate(model_of(["conv"]), f"image_folder:{folder}"), tmp_path)
    assert "<b>new" not in page
    assert "<i>0" not in page
    assert "&lt;b&gt;new" in page


def test_it_replaces_an_evaluation_and_nothing_else(found: Evaluation, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    for _ in range(2):
        nas.write_evaluation(found, page)
    page.write_text("my own")
    with pytest.raises(SettingError, match=r"page\.html exists already and is no evaluation of nas; name another file"):
        nas.write_evaluation(found, page)
    assert page.read_text() == "my own"
    with pytest.raises(SettingError, match=r"the folder .*absent does not exist; make it first"):
        nas.write_evaluation(found, tmp_path / "absent" / "page.html")


@pytest.mark.parametrize("kind", ["classes", "boxes"])
@pytest.mark.parametrize(("width", "dark"), [(NARROW, True), (WIDE, False)])
def test_a_browser_shows_it_without_errors_overflow_or_barriers(
    browser: Browser, found: Evaluation, tmp_path: Path, kind: str, width: int, dark: bool
) -> None:
    if kind == "boxes":
        found = nas.evaluate(detections.model(names=("dog", "cat")), f"voc:{voc_folder(tmp_path / 'boxed')}")
    nas.write_evaluation(found, page := tmp_path / "page.html")
    with opened(browser, page, width=width, dark=dark) as shown:
        assert shown.evaluate("document.documentElement.scrollWidth") <= width
        assert serious(shown) == []
        assert shown.locator("h2").all_inner_texts()[0] == ("What it found" if kind == "boxes" else "Confusion matrix")
