import json
import math
import re
import shlex
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from browser import NARROW, WIDE, opened
from plotly.offline import get_plotlyjs
from trained_fixtures import begun, ended, history, model_of, picture, verdict

from nas.errors import SettingError
from nas.record.ending import Ending
from nas.record.models import BEST
from nas.record.trained import Trained
from nas.report.confusion import recalls
from nas.report.training_page import render_training, write_training_report
from nas.training.full.recipe import load_recipe
from nas.training.full.verdict import Measured, Mistake, Verdict

NAMES = ["stop", "yield", "priority", "no entry"]
HOSTILE = ["<script>alert(1)</script>", "\"quoted\" 'name' & <b>x</b>", "שלום (1)", "🚸 \udce9 " + "long" * 40]
VOID = {"meta", "link", "img", "br"}


class Page(HTMLParser):
    """The visible text of a page, its headings, tables and pictures, and the addresses it would load."""

    def __init__(self, page):
        super().__init__()
        self.words, self.addresses, self.open, self.pictures, self.headings, self.tables = [], [], [], [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.addresses += [v for k, v in attrs if k in ("src", "href")]
        if tag == "img":
            self.pictures.append(dict(attrs))
        if tag in ("h1", "h2", "h3"):
            self.headings.append(tag)
        if tag == "table":
            self.tables.append([])
        if tag == "tr" and self.tables:
            self.tables[-1].append([])
        if tag in ("td", "th"):
            self.tables[-1][-1].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data):
        if {"script", "style"} & set(self.open):
            return
        self.words.append(data)
        if {"td", "th"} & set(self.open):
            self.tables[-1][-1][-1] += data

    @property
    def text(self):
        return " ".join("".join(self.words).split())

    def table(self, first):
        """The rows of the table whose first heading is `first`, without the heads."""
        return next([[c.strip() for c in r] for r in t[1:]] for t in self.tables if t and t[0][0] == first)


def with_ending(trained, ending):
    trained.keep_ending(ending, model_of(trained, NAMES))
    return trained


def changed(trained, **changes):
    """The training with another verdict."""
    return with_ending(trained, replace(trained.ending, verdict=replace(trained.ending.verdict, **changes)))


@pytest.mark.parametrize(
    ("classes", "monitor", "drawn"),
    [(6, "accuracy", False), (10, "accuracy", False), (11, "accuracy", True), (6, "top5", True)],
)
def test_the_top_five_of_few_classes_take_no_curve(tmp_path, classes, monitor, drawn):
    names, metrics = [f"class {i}" for i in range(classes)], ("accuracy", "top5", "macro_f1")
    page = render_training(ended(tmp_path / "run", names, metrics=metrics, monitor=monitor))
    assert ("Accuracy, Top-5 accuracy, Macro F1 on the validation part" in page) == drawn
    assert ("Accuracy, Macro F1 on the validation part" in page) != drawn


def test_the_first_paragraphs_say_what_was_trained_and_what_came_of_it(tmp_path):
    trained = ended(tmp_path / "signs", epochs=6, recipe={"epochs": 6})
    metrics = {"accuracy": Measured(0.9312, 0.92, 0.94), "macro_f1": Measured(0.9, 0.8, 0.95)}
    text = Page(render_training(changed(trained, metrics=metrics))).text
    assert "The network tiny (C-A at 8 × 8 pixels, 12.3 k parameters, 679 k multiply-adds) was trained" in text
    assert "on image_folder:signs (4 classes) by the recipe small" in text
    assert "6 epochs in 2 min." in text
    assert "On 300 test images that the training never saw, accuracy is 93.1 % (95 % interval 92.0 to 94.0)" in text
    assert "Macro F1 90.0 % (95 % interval 80.0 to 95.0)" in text
    assert "The weights are those of epoch 5 of 6, the best by accuracy on the validation part (74.34 %)." in text
    assert "right: it is" in text or "right (expected" in text


def test_the_sections_come_in_order_and_headings_do_not_skip(tmp_path):
    page = render_training(ended(tmp_path / "signs"))
    titles = re.findall(r"<h2>(.*?)</h2>", page)
    assert titles == [
        "Curves", "Confusion matrix", "Every class", "Calibration", "The worst mistakes",
        "The network and what it costs", "What to do next",
    ]  # fmt: skip
    levels = [int(tag[1]) for tag in Page(page).headings]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_values_changed_from_the_recipe_are_named(tmp_path):
    recipe = load_recipe("small", {"epochs": 9, "drop_path": 0.2}).model_dump()
    text = Page(render_training(begun(tmp_path / "a", recipe=recipe))).text
    assert "by the recipe small with drop path 0.2: no epoch has ended yet." in text
    same = load_recipe("small", {"epochs": 9}).model_dump()
    assert "by the recipe small: no epoch" in Page(render_training(begun(tmp_path / "b", recipe=same))).text
    own = begun(tmp_path / "c", recipe_name="")
    assert "by a recipe of its own: no epoch" in Page(render_training(own)).text


def test_the_tables_have_what_the_verdict_counted(tmp_path):
    trained = changed(ended(tmp_path / "signs"), confusion=[[8, 2, 0, 0], [1, 3, 0, 0], [0, 0, 0, 0], [5, 4, 0, 91]])
    page = Page(render_training(trained))
    assert page.table("Class")[0] == ["no entry", "stop", "5 of 100", "5.00 %"]
    recalls = next([[c.strip() for c in row] for row in t[1:]] for t in page.tables if t and "Recall" in t[0])
    assert [row[0] for row in recalls] == ["yield", "stop", "no entry", "priority"]
    assert recalls[0][1:5] == ["75.0 %", "30.1 to 95.4", "3 of 4", "33.3 %"]
    assert recalls[3][1:4] == ["–", "–", "no images"]
    assert "1 class has no test image." in page.text
    assert "Most often, no entry is taken for stop (5 of 100 images)." in page.text


def test_the_worst_mistakes_are_pictures_with_words(tmp_path):
    trained = ended(tmp_path / "signs", images=900)
    found = trained.ending
    page = Page(render_training(trained))
    assert len(page.pictures) == 12
    for mistake, data, shown in zip(found.verdict.mistakes, found.pictures, page.pictures, strict=True):
        assert shown["src"] == f"data:image/png;base64,{data}"
        assert shown["class"] == "small"
        assert shown["alt"] == (
            f"test image {mistake.row}, of class {NAMES[mistake.label]}, taken for {NAMES[mistake.predicted]}"
        )
        assert f"{100 * mistake.probability:.1f} %, test image {mistake.row}" in page.text


def test_large_pictures_are_not_enlarged_pixel_by_pixel_and_missing_ones_are_told_in_words(tmp_path):
    trained = ended(tmp_path / "signs")
    mistakes = [Mistake(1, 0, 1, 0.9), Mistake(2, 1, 0, 0.8)]
    found = replace(trained.ending.verdict, mistakes=mistakes)
    with_ending(trained, replace(trained.ending, verdict=found, pictures=(picture(1, 224),)))
    page = Page(render_training(trained))
    assert ["class" in shown for shown in page.pictures] == [False]
    assert "80.0 %, test image 2" in page.text


def test_a_network_that_is_always_right(tmp_path):
    trained = changed(ended(tmp_path / "signs"), confusion=[[9, 0], [0, 9]], mistakes=[])
    text = Page(render_training(trained)).text
    assert "There is no mistake." in text
    assert "The worst mistakes" not in text


def test_an_unfinished_training_shows_its_curves_and_how_to_go_on(tmp_path):
    trained = begun(tmp_path / "half open")
    text = Page(render_training(trained)).text
    assert "is to be trained" in text
    assert "The training has not ended." in text
    assert "nas export" not in text
    trained.keep_epoch({}, history(12), model_of(trained, NAMES))
    page = write_training_report(Trained(trained.folder))
    shown = Page(page.read_text())
    assert "The training has not ended: 12 of 100 epochs are done. The best so far is epoch 11" in shown.text
    assert f"nas train {shlex.quote(str(trained.folder))} --resume" in shown.text
    assert re.findall(r'id="chart-([\w-]+)"', page.read_text()) == ["loss", "metrics-0", "rate"]
    assert "Confusion matrix" not in shown.text


def test_an_end_that_came_early_is_told(tmp_path):
    trained = ended(tmp_path / "a", patience=3)
    assert "It ended early, after 3 epochs without progress." in Page(render_training(trained)).text
    whole = ended(tmp_path / "b", patience=3, recipe={"epochs": 6})
    assert "ended early" not in Page(render_training(whole)).text
    timed = begun(tmp_path / "c", time=7200)
    timed.keep_epoch({}, history(2), None)
    assert "2 of 2 h 00 min are done" not in Page(render_training(timed)).text
    assert "2 epochs of a training of 2 h 00 min are done" in Page(render_training(timed)).text


def test_a_task_without_classes_has_its_metrics_only(tmp_path):
    trained = ended(tmp_path / "signs")
    found = Verdict(50, {"accuracy": Measured(0.5, 0.5, 0.5)}, [], math.nan, [], [])
    vars(trained)["ending"] = Ending(found, 5, (), {"params": 5, "macs": 7})
    page = render_training(trained)
    assert "On 50 test images that the training never saw, accuracy is 50.00 %." in Page(page).text
    assert re.findall(r"<h2>(.*?)</h2>", page) == ["Curves", "The network and what it costs", "What to do next"]


def test_a_metric_that_has_no_value_is_a_dash(tmp_path):
    trained = ended(tmp_path / "signs")
    metrics = {"accuracy": Measured(0.9, 0.8, 0.95), "macro_f1": Measured(math.nan, math.nan, math.nan)}
    vars(trained)["ending"] = replace(trained.ending, verdict=replace(trained.ending.verdict, metrics=metrics))
    assert "Macro F1 –." in Page(render_training(trained)).text


def test_costs_have_their_conditions_and_are_counted_where_nobody_measured(tmp_path):
    trained = ended(tmp_path / "signs")
    facts = dict(row for row in Page(render_training(trained)).tables[-2])
    said = (
        "1.23 ms (95 % interval 1.21 ms to 1.26 ms; cpu-eager on Some CPU, 1 thread, batch of 1, 8 × 8 pixels, float32)"
    )
    assert facts["Parameters"] == "12,345"
    assert " ".join(facts["Latency"].split()) == said
    with_ending(trained, replace(trained.ending, costs={}))
    page = Page(render_training(trained))
    assert dict(page.tables[-2])["Parameters"] == f"{sum(p.numel() for p in trained.model().parameters()):,}"
    assert "Latency" not in page.text


def test_images_left_out_are_named(tmp_path):
    trained = ended(tmp_path / "signs")
    assert "Left out of the data" not in Page(render_training(trained)).text
    with_ending(trained, replace(trained.ending, unreadable=("a/<b>.png", "a/c.png", "a/c.png")))
    text = Page(render_training(trained)).text
    assert "2 items could not be used. Their names and causesa/<b>.pnga/c.png" in text


def test_copies_in_the_data_are_told(tmp_path):
    trained = ended(tmp_path / "signs")
    assert "Copies in the data" not in Page(render_training(trained)).text
    trained.seal["data"] = {"parts": {"validation": 24, "test": 9}, "copies": {"validation": 15, "test": 0}}
    page = Page(render_training(trained))
    assert "Copies in the data" in page.text
    assert "15 of 24 validation images are also among the training images" in page.text


def test_commands_name_the_folder_as_a_shell_and_python_read_it(tmp_path):
    trained = ended(tmp_path / 'it\'s "mine"')
    text, folder = Page(render_training(trained)).text, str(trained.folder)
    lines = re.findall(r"<code>(nas .*?)</code>", render_training(trained))
    assert len(lines) == 5
    assert f"nas export {shlex.quote(folder)} --format onnx -o {shlex.quote(trained.name + '.onnx')}" in text
    assert f"model = nas.load({folder!r})" in text


def test_weights_that_cannot_be_read_cost_the_names_of_the_classes_only(tmp_path):
    trained = ended(tmp_path / "signs")
    (trained.folder / BEST).write_bytes(b"damaged")
    assert "class 1 is taken for class 0" in Page(render_training(trained)).text


def test_the_best_epoch_is_that_of_the_monitor(tmp_path):
    past = history(5)
    past[3] = replace(past[3], metrics={"accuracy": math.nan, "balanced_accuracy": 1.0})
    for monitor, best in (("accuracy", 5), ("balanced_accuracy", 4)):
        trained = begun(tmp_path / monitor, monitor=monitor)
        trained.keep_history(past)
        assert f"The best so far is epoch {best}," in Page(render_training(trained)).text


def test_every_name_is_text(tmp_path):
    evil = "<script>alert(1)<b>&amp;"
    trained = ended(tmp_path / evil, HOSTILE, data=f"image_folder:{evil}</script>")
    with_facts = json.loads((trained.folder / "environment.json").read_text()) | {"device": evil, "command": evil}
    (trained.folder / "environment.json").write_text(json.dumps(with_facts))
    page = write_training_report(trained).read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert page.count("<script") == page.count("</script>")
    text = Page(page).text
    assert text.count(evil) >= 6
    for name in (HOSTILE[0], HOSTILE[1], HOSTILE[2], "🚸 \\udce9 longlong"):
        assert name in text
    assert set(Page(page).addresses) <= {"data:,", *(shown["src"] for shown in Page(page).pictures)}


def test_a_folder_that_cannot_be_written_keeps_its_old_page(tmp_path):
    trained = ended(tmp_path / "signs")
    (trained.folder / "report.html").mkdir()
    with pytest.raises(SettingError, match=r"report\.html: cannot be written"):
        write_training_report(trained)
    assert [path.name for path in trained.folder.iterdir() if path.name.startswith(".")] == []


def test_a_page_of_a_thousand_classes_stays_small(tmp_path):
    trained = ended(tmp_path / "many")
    vars(trained)["ending"] = replace(trained.ending, verdict=verdict(1000, 5000))
    page = render_training(trained)
    assert len(page) - len(get_plotlyjs()) < 2e6
    assert page.count('<td class="name"><bdi>class ') > 1000
    assert "the 2,000 pairs of classes with most images are shown" in Page(page).text


SEEN = """() => {
  const all = query => [...document.querySelectorAll(query)];
  return {
    loaded: performance.getEntriesByType("resource").map(e => e.name)
      .filter(name => !name.startsWith("data:")),
    width: document.documentElement.scrollWidth, visible: document.documentElement.clientWidth,
    wide: all("section, table, header, details").filter(e => e.getBoundingClientRect().right > innerWidth + 1
      && !e.closest(".scroll")).length,
    charts: all(".js-plotly-plot").map(e => [e.id, e.data.length, e.querySelectorAll(".point").length]),
    fits: all(".charts .main-svg").every(e => e.getBoundingClientRect().width <= e.closest(".scroll").clientWidth),
    pictures: all("img").map(e => e.naturalWidth),
    pixelated: all("img").map(e => getComputedStyle(e).imageRendering),
    paper: getComputedStyle(document.body).backgroundColor,
    plots: all(".js-plotly-plot").map(e => e.querySelector(".main-svg").style.background),
    labels: all(".xtick text").map(e => e.textContent), bold: all(".xtick text tspan").length,
    first: (all("table.sortable th button").find(e => e.textContent == "Precision").click(), all("table.sortable")[1]
      .rows[1].cells[4].textContent.trim()),
  };
}"""


@pytest.mark.parametrize(("width", "dark"), [(NARROW, False), (WIDE, True)])
def test_a_browser_shows_everything_without_errors_requests_or_overflow(browser, tmp_path, width, dark):
    trained = ended(tmp_path / "signs", [f"sign {i}" for i in range(43)], epochs=9, images=2000)
    with opened(browser, write_training_report(trained), width=width, dark=dark) as page:
        found = page.evaluate(SEEN)
    assert (found["loaded"], found["wide"]) == ([], 0)
    assert found["width"] <= found["visible"] <= width
    bars = 2 * len(trained.ending.verdict.bins)
    assert found["charts"] == [
        ["chart-loss", 2, 18], ["chart-metrics-0", 2, 18], ["chart-rate", 1, 9], ["chart-confusion", 1, 0],
        ["chart-reliability", 2, bars],
    ]  # fmt: skip
    assert found["fits"]
    assert found["pictures"] == [32] * 12
    assert set(found["pixelated"]) == {"pixelated"}
    colour = "rgb(20, 24, 31)" if dark else "rgb(255, 255, 255)"
    assert {found["paper"], *found["plots"]} == {colour}
    assert "\u2068sign 42\u2069" in found["labels"]
    worst = min(one.precision for one in recalls(trained.ending.verdict.confusion))
    assert found["first"] == f"{100 * worst:.1f} %"


def test_a_browser_shows_hostile_names_as_text(browser, tmp_path):
    with opened(browser, write_training_report(ended(tmp_path / "signs", HOSTILE)), width=NARROW) as page:
        found = page.evaluate(SEEN)
    assert found["loaded"] == []
    assert found["width"] <= found["visible"]
    assert found["bold"] == 0
    shown = [label.strip("\u2068\u2069") for label in found["labels"]]
    assert "<script>alert(1)</s…" in shown
    assert "\"quoted\" 'name' & <…" in shown
    assert "שלום (1)" in shown


def test_the_page_is_the_same_from_disk(tmp_path):
    trained = ended(tmp_path / "signs")
    assert Page(render_training(Trained(trained.folder))).text == Page(render_training(trained)).text


def test_it_is_written_in_its_folder(tmp_path):
    assert write_training_report(begun(tmp_path / "a")) == Path(tmp_path / "a" / "report.html")
