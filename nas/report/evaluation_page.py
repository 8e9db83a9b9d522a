"""The page of an evaluation: what a network does on labelled images, and where it errs."""

from pathlib import Path

from markupsafe import Markup
from plotly.offline import get_plotlyjs

from nas.data.parts import ALL
from nas.files import quoted
from nas.report.charts import THEMES
from nas.report.evaluate import Evaluation
from nas.report.rendering import TITLES, check_found, left_out, render_page, write_in_place
from nas.report.verdict_part import verdict_part
from nas.settings import text_of


def write_evaluation(found: Evaluation, page: Path | str) -> None:
    """Write the page, in place of an earlier evaluation.

    Raises SettingError for a place that another file has, and for what is no evaluation.
    """
    check_found(found, Evaluation, "evaluate")
    write_in_place(Path(text_of(page, "page")), render_evaluation(found), "evaluation")


def render_evaluation(found: Evaluation) -> str:
    """Render the page with everything it needs inside, so that it opens offline."""
    of_part = "" if found.part == ALL else f" of the {found.part} part"
    context = {
        "heading": f"{TITLES['evaluation']} {found.source}",
        "found": found,
        "of_part": of_part,
        "first": next(iter(found.verdict.metrics)),
        "judged": "image",
        "noted": False,
        "verdict_file": f"nas evaluate {quoted(found.source)} --data {quoted(found.data)} --part {found.part} "
        f"--split-seed {found.split_seed} --json",
        "plotlyjs": Markup(get_plotlyjs()),
        "themes": THEMES,
        **left_out(found.unreadable),
    }
    return render_page(
        "evaluation.html",
        context | verdict_part(found.verdict, found.classes, found.boxes, found.pictures, found.names.__getitem__),
    )
