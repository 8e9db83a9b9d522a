"""The front and its networks as a person meets them: by pointer, by keyboard, by slider."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from browser import NARROW, WIDE, opened, serious
from playwright.sync_api import Browser, Locator, Page
from run_fixtures import empty_run, finished_run, trial

from nas.document import parse
from nas.evaluation import units
from nas.evaluation.job import Outcome
from nas.record.run import Run
from nas.record.trial import Further
from nas.report.page import write_report
from nas.space.library import load_architecture

pytestmark = pytest.mark.long

DOUBLE = 400  # ms after a click, within which plotly takes another, wherever it is, for the second of a double click
EVIL = "<script>alert(1)</script>\"'&amp; שלום 🦆"


def _save(run: Run) -> tuple[Run, Path]:
    return run, write_report(run)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Path]:
    """A run of two objectives, with all that the front may hold."""
    run = finished_run(tmp_path_factory.mktemp("plain") / "run", complete=30, failed=0, rejected=0, rungs=(1, 3),
                       maximum={"latency": 2.0})  # fmt: skip
    for number in range(0, 30, 2):
        run.append_further(Further(number, 0, Outcome("complete", run.trials[number].metrics), rung=1))
    known = {"latency": 1.5, "params": 9e4}
    for number in (40, 41):
        run.append(trial(run, number, "failed", metrics=known))
    run.append(trial(run, 42, "rejected", metrics=known))
    run.append(trial(run, 43, "rejected", metrics={"params": 9e4}))
    run.seal["seeds"] = [{"name": "moat_0", "key": run.front()[0].key, "exact": False}]
    run.keep_front_reading("latency", run.front()[-1].key, 9.0, {"iqr": 0.1})
    return _save(run)


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Path]:
    """A run of three objectives."""
    folder = tmp_path_factory.mktemp("three") / "run"
    return _save(finished_run(folder, complete=20, objectives=("accuracy", "latency", "params")))


def _yaml(page: Page) -> str:
    return page.locator("#file pre").inner_text()


def _expected(run: Run, number: int) -> str:
    known = next(one for one in run.trials if one.number == number)
    return replace(known.architecture, name=f"{run.name}_{number}").to_yaml().strip()


def _title(page: Page) -> str:
    return page.locator("#panel h3").inner_text().strip()


def _find(page: Page, number: int) -> None:
    page.get_by_label("Trial", exact=True).fill(str(number))
    page.get_by_role("button", name="Show", exact=True).click()


def _traces(page: Page, plot: str) -> list[dict[str, Any]]:
    found = "({part: trace.meta.part, numbers: trace.customdata ?? [], on: trace.visible})"
    traces: list[dict[str, Any]] = page.evaluate(f"id => document.getElementById(id).data.map(trace => {found})", plot)
    return traces


def _numbers(page: Page, plot: str, *parts: str) -> list[int]:
    """The trials whose marks are there to see."""
    return sorted(n for t in _traces(page, plot) if t["on"] and t["part"] in parts for n in t["numbers"])


def _mark(page: Page, plot: str, number: int) -> tuple[float, float]:
    """Where on the screen the mark of a trial is."""
    script = """([id, number]) => {
      const plot = document.getElementById(id), {xaxis, yaxis} = plot._fullLayout, box = plot.getBoundingClientRect();
      const trace = plot.data.find(t => t.customdata?.includes(number)), i = trace.customdata.indexOf(number);
      return [box.x + xaxis._offset + xaxis.d2p(trace.x[i]), box.y + yaxis._offset + yaxis.d2p(trace.y[i])];
    }"""
    page.locator(f"#{plot}").scroll_into_view_if_needed()
    x, y = page.evaluate(script, [plot, number])
    return x, y


def _rings(page: Page) -> list[list[float]]:
    """Where the ring of the chosen network is, by plot."""
    script = """[...document.querySelectorAll(".plane")].map(plot =>
      plot.layout.shapes.filter(s => s.xsizemode === "pixel").flatMap(s => [s.xanchor, s.yanchor]))"""
    found: list[list[float]] = page.evaluate(script)
    return found


def test_the_pick_is_chosen_at_first(browser: Browser, plain: tuple[Run, Path]) -> None:
    run, path = plain
    with opened(browser, path) as page:
        assert _title(page) == f"Trial {run.pick().number}"
        assert _yaml(page).strip() == _expected(run, run.pick().number)
        assert "★ knee" in page.locator("#panel").inner_text()


def test_as_many_marks_as_trials(browser: Browser, plain: tuple[Run, Path]) -> None:
    run, path = plain
    with opened(browser, path) as page:
        assert _numbers(page, "chart-front", "dots", "below", "front", "pick") == [r.number for r in run.results]
        points = page.locator("#chart-front .trace:has(path.point)").count()
        assert points == sum(bool(t["numbers"]) and t["on"] for t in _traces(page, "chart-front")) + 1  # measured again
        lens = _numbers(page, "chart-front-lens", "dots", "below", "front", "pick")
        assert {r.number for r in run.front()} <= set(lens) < {r.number for r in run.results}


def test_every_trial_can_be_clicked(browser: Browser, plain: tuple[Run, Path]) -> None:
    run, path = plain
    front = [r.number for r in run.front() if r.number != run.pick().number]
    others = [r.number for r in run.results if r.number not in front and r.number != run.pick().number]
    with opened(browser, path) as page:
        for plot, number in [("chart-front", others[0]), ("chart-front", others[-1]), ("chart-front-lens", front[0])]:
            page.mouse.click(*_mark(page, plot, number))
            assert _title(page) == f"Trial {number}"
            assert _yaml(page).strip() == _expected(run, number)
            page.wait_for_timeout(DOUBLE)


def test_every_trial_has_its_file(browser: Browser, plain: tuple[Run, Path], tmp_path: Path) -> None:
    run, path = plain
    with opened(browser, path) as page:
        for one in run.trials:
            _find(page, one.number)
            assert _yaml(page).strip() == _expected(run, one.number)
        (tmp_path / "copied.yaml").write_text(_yaml(page))
    assert load_architecture(tmp_path / "copied.yaml").key() == run.trials[-1].key


def test_the_arrow_keys_go_along_the_front(browser: Browser, plain: tuple[Run, Path]) -> None:
    run, path = plain
    order = [r.number for r in sorted(run.front(), key=lambda r: r.metrics["latency"])]
    with opened(browser, path) as page:
        page.locator("#chart-front").focus()
        page.keyboard.press("Home")
        seen = [_title(page)]
        for _ in order[1:]:
            page.keyboard.press("ArrowRight")
            seen.append(_title(page))
        assert seen == [f"Trial {number}" for number in order]
        assert f"Trial {order[-1]}, {len(order)} of {len(order)}" in page.locator("#front-said").inner_text()
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "panel"
        assert _yaml(page).strip() == _expected(run, order[-2])


def test_keys_of_a_plane_s_buttons_and_of_the_browser_are_theirs(browser: Browser, plain: tuple[Run, Path]) -> None:
    with opened(browser, plain[1]) as page:
        page.locator("#chart-front").focus()
        before = _title(page)
        page.keyboard.press("Alt+ArrowRight")
        page.keyboard.press("Control+Home")
        assert _title(page) == before
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('.modebar') !== null")
        page.evaluate("document.activeElement.addEventListener('click', () => { document.title = 'pressed'; })")
        page.keyboard.press("Enter")
        assert page.title() == "pressed"


def test_the_slider_speaks_of_less_where_more_is_better(browser: Browser, tmp_path: Path) -> None:
    run = empty_run(tmp_path / "run", objectives=("latency", "accuracy"))
    for number, (latency, accuracy) in enumerate(((1.0, 0.80), (2.0, 0.90), (4.0, 0.95))):
        run.append(trial(run, number, metrics={"accuracy": accuracy, "latency": latency}))
    with opened(browser, write_report(run)) as page:
        slider, said = page.locator("#budget-slider"), page.locator("#budget-said")
        slider.press("Home")
        assert " points less buys " in said.inner_text()
        slider.press("End")
        assert "Less accuracy buys nothing on this front." in said.inner_text()


def test_buttons_of_the_table_choose_by_keyboard(browser: Browser, plain: tuple[Run, Path]) -> None:
    run, path = plain
    number = run.front()[-1].number
    with opened(browser, path) as page:
        page.get_by_role("button", name=f"Show trial {number}", exact=True).press("Enter")
        assert _title(page) == f"Trial {number}"
        assert _yaml(page).strip() == _expected(run, number)
        assert "measured again: 9.00 ms" in page.locator("#panel").inner_text()


def test_copying(browser: Browser, plain: tuple[Run, Path]) -> None:
    run, path = plain
    number = run.pick().number
    with opened(browser, path) as page:
        page.get_by_role("button", name="Copy the YAML").click()
        assert page.evaluate("navigator.clipboard.readText()").strip() == _expected(run, number)
        page.get_by_role("button", name="Copy the command to train it to the end").click()
        words = page.evaluate("navigator.clipboard.readText()").split()
        assert words[:3] == ["nas", "train", f"{run.folder}:{number}"]


def test_a_link_to_a_trial_opens_it(browser: Browser, plain: tuple[Run, Path]) -> None:
    _, path = plain
    with opened(browser, path) as page:
        _find(page, 41)
        assert page.url.endswith("#trial-41")
        page.reload()
        assert _title(page) == "Trial 41"
        assert "failed: the loss became nan" in page.locator("#panel").inner_text()
        assert "nas train" not in page.locator("#file").inner_text(), "a failed network is not offered for training"


def test_toggles(browser: Browser, plain: tuple[Run, Path]) -> None:
    run, path = plain
    below = [r.number for r in run.results if r.rung == 0]
    with opened(browser, path) as page:
        assert "of 1 no objective was known, so it is not drawn" in page.locator("main").inner_text()
        for plot in ("chart-front", "chart-front-lens"):
            assert _numbers(page, plot, "failed", "rejected") == []
        assert _numbers(page, "chart-front", "below") == below
        page.get_by_label("failed (2)").check()
        page.get_by_label("rejected before training (2)").check()
        page.get_by_label(f"below the last rung ({len(below)})").uncheck()
        for plot in ("chart-front", "chart-front-lens"):
            assert _numbers(page, plot, "failed") == [40, 41]
            assert _numbers(page, plot, "rejected") == [42]
            assert _numbers(page, plot, "below") == []
        assert _numbers(page, "chart-front", "dots", "front", "pick") == [r.number for r in run.results if r.rung]
        page.get_by_label("failed (2)").uncheck()
        assert _numbers(page, "chart-front", "failed") == []


def _slide(slider: Locator, place: int) -> str:
    """Bring the slider to a place as the keyboard does, and return what it says of itself."""
    slider.press("Home")
    for _ in range(place):
        slider.press("ArrowRight")
    return slider.get_attribute("aria-valuetext") or ""


def test_the_slider_finds_the_best_within_each_budget(browser: Browser, plain: tuple[Run, Path]) -> None:
    run, path = plain
    with opened(browser, path) as page:
        slider = page.get_by_label("Latency of at most")
        most = int(slider.get_attribute("max") or 0)
        assert most > 20
        for place in (0, most // 4, most // 2, most):
            words = _slide(slider, place)
            budget = float(words.removeprefix("at most ").split(" ms")[0])
            best = max((r for r in run.front() if r.metrics["latency"] <= budget), key=lambda r: r.metrics["accuracy"])
            assert f"trial {best.number}, accuracy {100 * best.metrics['accuracy']:.2f} %" in words
            assert _title(page) == f"Trial {best.number}"
            assert page.locator("#budget-value").inner_text() == f"{budget:g} ms"
            lines = page.evaluate("document.getElementById('chart-front').layout.shapes.map(shape => shape.x0)")
            assert budget in lines
        said = page.locator("#budget-said").inner_text()
        assert "More latency buys nothing on this front." in said
        assert "Measured again at the end it has 9.00 ms, outside this budget." in said


def test_restoring_the_slider_leaves_the_chosen_network(browser: Browser, plain: tuple[Run, Path]) -> None:
    with opened(browser, plain[1]) as page:
        _find(page, 1)
        page.evaluate("""() => {
          const slider = document.getElementById("budget-slider");
          slider.value = 0;
          slider.dispatchEvent(new Event("input", {bubbles: true}));
        }""")
        assert _title(page) == "Trial 1"


def test_the_slider_says_what_more_buys(browser: Browser, tmp_path: Path) -> None:
    run = empty_run(tmp_path / "run")
    for number, (latency, accuracy) in enumerate(((1.0, 0.80), (2.0, 0.90), (2.08, 0.91), (4.0, 0.95))):
        run.append(trial(run, number, metrics={"accuracy": accuracy, "latency": latency}))
    with opened(browser, write_report(run)) as page:
        slider, said = page.get_by_label("Latency of at most"), page.locator("#budget-said")
        assert _slide(slider, 20).startswith("at most 2 ms: trial 1,"), "in steps of 0.05 ms"
        assert "trial 1 " in said.inner_text()
        assert "One step tighter: trial 0, 10.00 points less, at 1.00 ms." in said.inner_text()
        assert "0.1 ms more buys 1.00 points more: trial 2 at 2.08 ms." in said.inner_text()
        _slide(slider, 10)
        assert "buys nothing yet; the next gain, 10.00 points more, is trial 1 at 2.00 ms." in said.inner_text()
        slider.press("ArrowRight")
        said.get_by_role("button", name="trial 1").click()
        assert _title(page) == "Trial 1"


def test_values_have_the_units_of_the_tables(browser: Browser, tmp_path: Path) -> None:
    scales = {"accuracy": 1e-5, "throughput": 1.0, "latency": 1.0, "energy": 2.0, "params": 1.0, "memory": 1.0}
    run = empty_run(tmp_path / "run", objectives=tuple(scales))
    for number, size in enumerate((0.0, 0.5, 16, 999.6, 9_990, 12_345, 98_765, 1_234_560, 4.2e9)):
        metrics = {name: min(scale * size, 1.0) if name == "accuracy" else scale * size
                   for name, scale in scales.items()}  # fmt: skip
        run.append(trial(run, number, metrics=metrics, readings={}))
    with opened(browser, write_report(run)) as page:
        for one in run.trials:
            _find(page, one.number)
            shown = page.locator("#panel .values div").evaluate_all(
                "rows => rows.map(row => [row.querySelector('dt').innerText, row.querySelector('dd b').innerText])"
            )
            metrics = one.outcome.metrics
            assert dict(shown) == {units.title(name): units.show(name, metrics[name]) for name in scales}


def test_two_networks_side_by_side(browser: Browser, plain: tuple[Run, Path]) -> None:
    run, path = plain
    one, other = run.front()[0], run.results[1]
    with opened(browser, path) as page:
        while page.locator("input.compare:checked").count():
            page.locator("input.compare:checked").first.uncheck()
        page.get_by_label(f"Compare trial {one.number}", exact=True).check()
        assert f"Trial {one.number} is chosen; choose another." in page.locator("#pair-said").inner_text()
        _find(page, other.number)
        page.locator("#panel").get_by_role("button", name="Compare").click()
        table = page.locator("#side-by-side")
        assert table.locator("thead").inner_text().split("\t")[1:3] == [f"trial {one.number}", f"trial {other.number}"]
        rows = [row.split("\t") for row in table.locator("tr.differs").all_inner_texts()]
        found = {name: (left, right) for name, left, right, _ in rows}
        pairs = zip(one.architecture.stages, other.architecture.stages, strict=True)
        for i, (left, right) in enumerate(pairs):
            for name in ("block", "depth", "width"):
                values = str(getattr(left, name)), str(getattr(right, name))
                assert found.get(f"stage {i} {name}", ("same", "same")) == (
                    values if values[0] != values[1] else ("same",) * 2
                )
        marked = table.locator("svg").first.locator(".differs").count()
        assert marked == sum(
            left != right for left, right in zip(one.architecture.stages, other.architecture.stages, strict=True)
        ) + (one.architecture.stem != other.architecture.stem)


def test_strips_grow_with_depth_width_and_map(browser: Browser, plain: tuple[Run, Path]) -> None:
    run, path = plain
    with opened(browser, path) as page:
        boxes = {}
        for result in run.front():
            strip = page.locator(f".strip[data-trial='{result.number}'] svg")
            label = strip.get_attribute("aria-label") or ""
            for i, stage in enumerate(result.architecture.stages):
                assert f"stage {i} {stage.block} × {stage.depth} @ {stage.width}" in label
            boxes[result.number] = strip.locator("g.part rect").evaluate_all(
                "boxes => boxes.map(box => [Number(box.getAttribute('width')), Number(box.getAttribute('height'))])"
            )
        lengths: dict[int, set[float]] = {}
        for result in run.front():
            for stage, (long, _) in zip(result.architecture.stages, boxes[result.number][1:-1], strict=True):
                lengths.setdefault(stage.depth, set()).add(round(long, 3))
        assert len(lengths) > 1
        assert [len(found) for found in lengths.values()] == [1] * len(lengths), "one length for each depth"
        assert sorted(lengths, key=lambda depth: max(lengths[depth])) == sorted(lengths)
        for found in boxes.values():
            heights = [high for _, high in found[1:-1]]
            assert heights == sorted(heights, reverse=True), "maps shrink from image to classes"
            assert heights[0] > heights[-1]


def test_three_objectives_have_linked_planes(browser: Browser, three: tuple[Run, Path]) -> None:
    run, path = three
    number = run.front()[1].number
    with opened(browser, path) as page:
        page.wait_for_function("document.querySelectorAll('.plane .main-svg').length >= 6")
        for plot in ("chart-front", "chart-front-2", "chart-front-3"):
            assert _numbers(page, plot, "dots", "front", "pick") == [r.number for r in run.results]
        page.mouse.click(*_mark(page, "chart-front-2", number))
        assert _title(page) == f"Trial {number}"
        values = run.front()[1].metrics
        accuracy, latency, params = 100 * values["accuracy"], values["latency"], values["params"] / 1000
        for (x, y), expected in zip(
            _rings(page)[::2], [(latency, accuracy), (params, accuracy), (params, latency)], strict=True
        ):
            assert (x, y) == pytest.approx(expected, rel=1e-4)
        assert serious(page) == []


@pytest.mark.parametrize(("width", "dark"), [(NARROW, True), (WIDE, False)])
def test_it_fits_and_has_no_serious_barrier(browser: Browser, plain: tuple[Run, Path], width: int, dark: bool) -> None:
    with opened(browser, plain[1], width=width, dark=dark) as page:
        for toggle in page.locator(".toggle").all():
            toggle.check()
        _find(page, 41)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert serious(page) == []
        whole, lens = (page.locator(f"#chart-{name}").bounding_box() or {} for name in ("front", "front-lens"))
        below, beside = lens["y"] >= whole["y"] + whole["height"], lens["x"] >= whole["x"] + whole["width"]
        assert (below, beside) == (width == NARROW, width == WIDE)


def test_the_ink_of_the_planes_is_the_page_s(browser: Browser, plain: tuple[Run, Path]) -> None:
    script = "getComputedStyle(document.querySelector('#chart-front .shapelayer path[style*=\"2.5px\"]')).stroke"
    with opened(browser, plain[1], dark=True) as page:
        assert page.evaluate(script) == "rgb(230, 233, 239)"
        page.emulate_media(color_scheme="light")
        page.wait_for_function(f"{script} === 'rgb(29, 36, 51)'")


def test_names_are_text(browser: Browser, tmp_path: Path) -> None:
    run = empty_run(tmp_path / EVIL.replace("/", "·"), space=EVIL)
    for number in range(6):
        done = trial(run, number)
        stages = tuple(replace(stage, block=EVIL) for stage in done.architecture.stages)
        run.append(replace(done, architecture=replace(done.architecture, stages=stages)))
    run.append(trial(run, 9, "failed", reason=EVIL, metrics={"latency": 1.0}))
    space = run.folder / "space.yaml"
    space.write_text(space.read_text().replace("mbconv", json.dumps(EVIL, ensure_ascii=False)))
    run.seal["seeds"] = [{"name": EVIL, "key": run.trials[0].key, "exact": True}]
    with opened(browser, write_report(run)) as page:
        assert page.locator(f".legend >> text={EVIL}").count() or EVIL in page.locator(".tools").inner_text()
        assert EVIL in page.locator("#panel").inner_text()
        read = parse(_yaml(page)).value
        assert (read["name"], read["stages"][0]["block"]) == (f"{run.name}_{run.pick().number}", EVIL)
        page.mouse.move(*_mark(page, "chart-front-lens", run.pick().number))
        page.wait_for_selector("#chart-front-lens .hoverlayer text")
        assert "<script>alert(1)" in page.locator("#chart-front-lens .hoverlayer").text_content()
        _find(page, 9)
        assert f"failed: {EVIL}" in page.locator("#panel").inner_text()


@pytest.mark.parametrize("counts", [(1, 0, 0), (0, 2, 1)])
def test_little_to_show(browser: Browser, tmp_path: Path, counts: tuple[int, int, int]) -> None:
    run = finished_run(tmp_path / "run", *counts)
    with opened(browser, write_report(run)) as page:
        assert page.locator("#panel").count() == (1 if run.results else 0)
        if run.results:
            assert _title(page) == "Trial 0"
            assert not page.locator("#budget").is_visible(), "one network leaves nothing to choose"


@pytest.mark.slow
def test_five_thousand_trials(browser: Browser, tmp_path: Path) -> None:
    """Under 6 MB, and answering within 3 s where the machine is free (the best of three)."""
    run = finished_run(tmp_path / "run", complete=5000, failed=100)
    path = write_report(run)
    assert path.stat().st_size < 6e6
    times = []
    for _ in range(3):
        with opened(browser, path) as page:
            times.append(page.evaluate("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"))
            assert _numbers(page, "chart-front", "dots", "front", "pick") == [r.number for r in run.results]
            page.locator("#chart-front").press("Home")
            assert _title(page) == f"Trial {min(run.front(), key=lambda r: r.metrics['latency']).number}"
    assert min(times) < 3000
