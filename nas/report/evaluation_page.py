"""The page of an evaluation: what a network does on labelled images, and where it errs."""

from pathlib import Path

from markupsafe import Markup
from plotly.offline import get_plotlyjs

from nas import files
from nas.errors import SettingError
from nas.report.charts import THEMES
from nas.report.evaluate import ALL, Evaluation
from nas.report.rendering import render_page
from nas.report.verdict_part import verdict_part
from nas.settings import text_of

HEADING = "Evaluation of"
BEGINNING = 1000  # bytes of a page that hold its title
NAMED = 500  # images that were left out


def write_evaluation(found: Evaluation, page: Path | str) -> None:
    """Write the page, in place of an earlier evaluation. Raises SettingError for a place that another file has."""
    page = Path(text_of(page, "page"))
    try:
        if page.is_file() and HEADING not in page.read_bytes()[:BEGINNING].decode(errors="replace"):
            raise SettingError(f"{page} exists already and is no evaluation of nas; name another file with --out")
        files.write(page, render_evaluation(found))
    except OSError as error:
        raise SettingError(f"{page}: cannot be written ({error.strerror})") from None


def render_evaluation(found: Evaluation) -> str:
    """Render the page with everything it needs inside, so that it opens offline."""
    of_part = "" if found.part == ALL else f" of the {found.part} part"
    context = {
        "heading": f"{HEADING} {found.source}",
        "found": found,
        "of_part": of_part,
        "first": next(iter(found.verdict.metrics)),
        "judged": "image",
        "noted": False,
        "verdict_file": f"nas evaluate {files.quoted(found.source)} --json",
        "plotlyjs": Markup(get_plotlyjs()),
        "themes": THEMES,
        "left_out": list(found.unreadable[:NAMED]),
    }
    return render_page(
        "evaluation.html",
        context | verdict_part(found.verdict, found.classes, found.boxes, found.pictures, found.names.__getitem__),
    )
