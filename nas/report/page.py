"""The report: a page that holds all it needs, beside the table and the architectures."""

from pathlib import Path

from markupsafe import Markup
from plotly.offline import get_plotlyjs

from nas import files
from nas.files import quoted
from nas.record.folders import REPORT
from nas.record.journal import TABLE
from nas.record.opening import Named, open_run
from nas.record.run import Run
from nas.report.architectures import write_architectures
from nas.report.charts import THEMES
from nas.report.rendering import inks, render_page
from nas.report.running import Running
from nas.report.sections import contexts
from nas.report.view import View


def write_report(run: Named, running: Running | None = None) -> Path:
    """Write the page, the table and the architectures of a run, and return the page's path.

    `run` is one, or the name or path of one. The page of a search that is `running` says so and loads itself anew.
    Raises SettingError where there is no such run, and when its folder cannot be written, RunError for a full disk.
    """
    run = open_run(run)
    page = run.folder / REPORT
    try:
        table = run.to_frame()
        files.write(run.folder / TABLE, table.to_csv(index=False))
        with files.replacing(run.folder / "trials.parquet") as file:
            table.to_parquet(file, index=False)
        write_architectures(run)
        files.write(page, render(run, running))
    except OSError as error:
        remedy = f"every trial is kept. Free it and run: nas report {quoted(run.folder)}"
        raise files.unwritable(error.filename or run.folder, error, remedy) from None
    return page


def render(run: Run, running: Running | None = None) -> str:
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
        "running": running,
    }
    return render_page("report.html", shared | {"sections": contexts(view)})
