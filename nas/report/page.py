"""The report: a page that holds all it needs, beside the table and the architectures."""

from pathlib import Path

from markupsafe import Markup
from plotly.offline import get_plotlyjs

from nas import files
from nas.errors import SettingError
from nas.record.run import Run
from nas.report.architectures import write_architectures
from nas.report.charts import THEMES
from nas.report.rendering import inks, render_page
from nas.report.sections import contexts
from nas.report.view import View


def write_report(run: Run) -> Path:
    """Write the page, the table and the architectures, and return the page's path.

    Raises SettingError when the run's folder cannot be written.
    """
    page = run.folder / "report.html"
    try:
        files.write(run.folder / "trials.csv", run.to_frame().to_csv(index=False))
        write_architectures(run)
        files.write(page, render(run))
    except OSError as error:
        raise SettingError(f"{error.filename or run.folder}: cannot be written ({error.strerror})") from None
    return page


def render(run: Run) -> str:
    """Render the page with everything it needs inside, so that it opens offline."""
    view = View(run)
    shared = {
        "run": run,
        "rule": run.config.pick,
        "star": view.star,
        "colours": view.colours,
        "ink": inks(view.colours),
        "letters": view.letters,
        "plotlyjs": Markup(get_plotlyjs()),
        "themes": THEMES,
    }
    return render_page("report.html", shared | {"sections": contexts(view)})
