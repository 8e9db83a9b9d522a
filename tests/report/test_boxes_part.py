"""A detector's page: what was found in words and by class, boxes on images, and what a lowered network loses."""

import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import detections
import pytest
from browser import NARROW, WIDE, opened, serious
from detections import ended
from minimised import missing
from playwright.sync_api import Browser

from nas.record.trained import Trained
from nas.report.lowered_part import lowered_part
from nas.report.training_page import render_training, write_training_report
from nas.training.boxes.verdict import Drawn

HOSTILE = ("<script>alert(1)</script>", "\"quoted\" 'name' & <b>x</b>", "שלום (1)", "🚸 " + "long" * 40)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A detector's training that has ended."""
    return ended(tmp_path_factory.mktemp("runs") / "animals")


def text_of(page: str) -> str:
    body = re.sub(r"<(script|style)\b.*?</\1>", "", page.partition("<body>")[2], flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def test_the_sections_are_those_of_boxes_and_none_of_classes(trained: Trained) -> None:
    assert re.findall(r"<h2>(.*?)</h2>", render_training(trained)) == [
        "Curves", "What it found", "Images", "Fewer queries, smaller images", "The network and what it costs",
        "What to do next",
    ]  # fmt: skip


def test_the_numbers_are_said_in_words(trained: Trained) -> None:
    text, counts = text_of(render_training(trained)), trained.ending.boxes.counts
    assert "mAP is 61.0 % (95 % interval 57.0 to 65.0) , mAP@50 83.0 %" in text
    assert f"Of {counts['objects']} objects in the 60 test images, {counts['found']} were found" in text
    assert f"{counts['doubled']} show an object that a surer one had shown" in text
    assert f"{counts['misnamed']} have a wrong class, and {counts['background']} show nothing" in text


def test_the_score_is_said_to_be_the_best_where_the_training_noted_it(tmp_path: Path) -> None:
    done, why = ended(tmp_path / "animals"), "at which F1 was best on the validation part"
    assert why not in render_training(done)
    model = done.model()
    model.facts = {"threshold": 0.5}
    done.keep_ending(done.ending, model)
    assert f"counting boxes with a score of 0.5 or more, {why}, that overlap" in text_of(render_training(done))


def test_what_a_lowered_network_loses_is_told_and_one_that_loses_little_is_proposed(trained: Trained) -> None:
    page = text_of(render_training(trained))
    assert (
        "With 4 queries at 32 × 32 pixels it needs 4 % fewer multiply-adds; mAP is 69.60 % in place of 70.00 %." in page
    )
    assert "−21.00 points" in page
    assert re.search(r"nas export \S*animals --queries 4 --format onnx -o animals-lowered.onnx", page)
    poor = tuple(
        replace(row, metrics={"map": 0.7 - 0.1 * i, "map50": 0.9}) for i, row in enumerate(detections.lowered())
    )
    rows = replace(trained.ending, lowered=poor)
    vars(trained)["ending"] = rows
    page = text_of(render_training(trained))
    vars(trained).pop("ending")
    assert "Each of them loses more than a point of mAP." in page
    assert "--queries" not in page


def test_a_detector_without_queries_is_offered_no_fewer(trained: Trained) -> None:
    rows = tuple(replace(row, queries=0) for row in detections.lowered() if row.queries == 8)
    vars(trained)["ending"] = replace(trained.ending, lowered=rows)
    page = render_training(trained)
    vars(trained).pop("ending")
    assert "<h2>Smaller images</h2>" in page
    assert 'aria-label="Smaller images"' in page
    assert "without being trained again: take smaller images. This is what that costs" in text_of(page)


def test_images_are_called_by_their_files_where_they_have_any(trained: Trained) -> None:
    shown = trained.ending.boxes.shown
    vars(trained)["ending"] = replace(trained.ending, names=tuple(f"later/{one.row}.jpg" for one in shown))
    page = render_training(trained)
    vars(trained).pop("ending")
    names = re.findall(r"<small><bdi>(.*?)</bdi></small>", page)
    assert sorted(names) == sorted(f"later/{one.row}.jpg" for one in shown)


@pytest.mark.parametrize(
    ("whole", "said"),
    [
        (0.0071, "Each of them loses more than a twentieth of the mAP."),
        (0.0, "As its mAP is 0.00 %, it has none to lose."),
    ],
)
def test_what_loses_most_of_a_small_value_is_not_proposed(trained: Trained, whole: float, said: str) -> None:
    rows = tuple(
        replace(row, metrics={"map": whole / (1 + i), "map50": 0.9}) for i, row in enumerate(detections.lowered())
    )
    vars(trained)["ending"] = replace(trained.ending, lowered=rows)
    page = text_of(render_training(trained))
    vars(trained).pop("ending")
    assert said in page
    assert "multiply-adds;" not in page
    assert "--queries" not in page


def test_where_less_is_better_what_misses_more_is_not_proposed(trained: Trained) -> None:
    rows = [replace(row, metrics={"missed": 0.2 + 0.2 * i}) for i, row in enumerate(detections.lowered())]
    better = [replace(row, metrics={"missed": 0.2 - 0.01 * i}) for i, row in enumerate(rows)]
    with missing():
        assert lowered_part(trained.architecture, rows, "missed")["proposed"] is None
        assert lowered_part(trained.architecture, better, "missed")["proposed"] == better[-1]


def test_a_metric_that_is_no_share_changes_in_its_own_unit(trained: Trained) -> None:
    rows = [replace(row, metrics={"latency": 12.0 + 0.5 * i}) for i, row in enumerate(detections.lowered())]
    assert lowered_part(trained.architecture, rows, "latency")["proposed"] == rows[1]
    assert lowered_part(trained.architecture, rows, "latency")["little"]


def test_every_shown_image_has_its_boxes(trained: Trained) -> None:
    page = render_training(trained)
    figures = re.findall(r'<svg class="boxed" viewBox="0 0 100 100".*?</svg>', page, re.DOTALL)
    shown = trained.ending.boxes.shown
    assert len(figures) == len(shown)
    assert sum(figure.count("<rect") for figure in figures) == 2 * sum(len(one.boxes) for one in shown)
    assert all('href="data:image/png;base64,' in figure for figure in figures)
    first = re.search(r'aria-label="(test image \d+: [^"]*)"', figures[0])
    assert first
    assert "4 of 4 found" in first[1]


def test_of_crowded_boxes_only_the_surest_are_named_beside_what_was_missed(trained: Trained) -> None:
    boxes = trained.ending.boxes
    crowd = [Drawn("background", 0, (0.5 + i / 400, 0.5, 0.3, 0.3), 0.3 + i / 100) for i in range(40)]
    spread = [Drawn("background", 1, (0.1 + i % 5 / 5, 0.1 + i // 5 / 8, 0.1, 0.1), 0.2) for i in range(40)]
    missed = Drawn("missed", 2, (0.5, 0.5, 0.2, 0.2))
    shown = (replace(boxes.shown[0], boxes=(*crowd, *spread, missed)), *boxes.shown[1:])
    vars(trained)["ending"] = replace(trained.ending, boxes=replace(boxes, shown=shown))
    page = render_training(trained)
    vars(trained).pop("ending")
    figures = re.findall(r'<svg class="boxed" viewBox="0 0 100 100".*?</svg>', page, re.DOTALL)
    figure = unescape(max(figures, key=len))
    assert figure.count("<rect") == 2 * 81
    names = re.findall(r'<text class="(\w+)" x="(.*?)" y="(.*?)" text-anchor="(\w+)">(.*?)</text>', figure)
    told = [name for *_, name in names]
    assert len(told) <= 12
    assert {detections.NAMES[2], f"{detections.NAMES[0]} 0.69"} <= set(told)
    spans = [(float(y), float(x) - (side == "end") * 2.8 * len(name), 2.8 * len(name)) for _, x, y, side, name in names]
    for i, (y, left, width) in enumerate(spans):
        assert not [
            1 for b, start, wide in spans[:i] if abs(y - b) < 5 and left < start + wide and start < left + width
        ]


def test_mistakes_of_one_kind_are_counted_by_class(trained: Trained) -> None:
    boxes = trained.ending.boxes
    missed = [Drawn("missed", label, (0.5, 0.5, 0.1, 0.1)) for label in (0, 1, 1, 1)]
    shown = (replace(boxes.shown[0], boxes=tuple(missed)), *boxes.shown[1:])
    vars(trained)["ending"] = replace(trained.ending, boxes=replace(boxes, shown=shown))
    page = text_of(render_training(trained))
    vars(trained).pop("ending")
    first, second = detections.NAMES[:2]
    assert f"0 of 4 found; missed: 3 × {second}, {first}" in page


def test_a_training_that_has_not_ended_or_found_nothing_has_a_page(tmp_path: Path) -> None:
    begun = render_training(detections.begun(tmp_path / "begun"))
    assert "What it found" not in begun
    assert "The training has not ended" in text_of(begun)
    done = ended(tmp_path / "bare")
    bare = replace(done.ending.boxes, shown=(), classes=tuple(
        replace(one, objects=0, found=0, doubled=0, misnamed=0, background=0, half=None, precision=None)
        for one in done.ending.boxes.classes
    ))  # fmt: skip
    vars(done)["ending"] = replace(done.ending, boxes=bare, pictures=(), lowered=())
    page = text_of(render_training(done))
    assert "Of 0 objects in the 60 test images, none could be found" in page
    assert "Fewer queries" not in page


@pytest.mark.parametrize(("width", "dark"), [(NARROW, False), (WIDE, True)])
def test_a_browser_shows_it_without_errors_overflow_or_barriers(
    browser: Browser, tmp_path: Path, width: int, dark: bool
) -> None:
    done = ended(tmp_path / "animals", HOSTILE, side=200)
    with opened(browser, write_training_report(done), width=width, dark=dark) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert serious(page) == []
        boxes = page.locator(".scenes svg.boxed")
        assert boxes.count() == len(done.ending.boxes.shown)
        assert page.locator(".scenes text").all_inner_texts()
        inside = page.evaluate(
            "[...document.querySelectorAll('.scenes rect')].map(r => [r.x, r.y, r.width].map(v => v.baseVal.value))"
            ".every(([x, y, width]) => x >= 0 && y >= 0 && x + width <= 100.01)"
        )
        assert inside
