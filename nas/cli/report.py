"""nas report: write a run's page anew."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import nas
from nas.cli import calibrate as calibration
from nas.cli.completion import every_run
from nas.cli.options import AsJson, Runs, argument, option
from nas.cli.outcome import conclude, nothing_came, run_facts
from nas.cli.terminal import Terminal, print_json
from nas.errors import SettingError
from nas.record.folders import find_run, is_trained
from nas.record.listing import has_calibrated
from nas.report.collecting import collected
from nas.report.images import check_images, write_images
from nas.report.running import Running


def report(
    run: Annotated[str, argument("RUN", "A run's name, or its folder.", names=every_run)],
    images: Annotated[Path | None, option("DIR", "Write each figure as SVG and PNG, too.", default="no images")] = None,
    as_json: AsJson = False,
    runs: Runs = Path("runs"),
) -> None:
    """Write a run's report, table, best network and front anew, and print the front.

    Of a calibration that has ended its page is written anew, too, and what it tells is printed.
    """
    with _drawn(images, Terminal(stderr=as_json)):
        _report(run, runs, as_json)


@contextmanager
def _drawn(folder: Path | None, console: Terminal) -> Iterator[None]:
    """Write the figures of the page that is written in the block as images into a folder."""
    if folder is None:
        yield
        return
    check_images()
    if folder.exists() and not folder.is_dir():
        raise SettingError(f"--images {folder}: is a file; name a folder")
    with collected() as figures:
        yield
    with console.doing("drawing the figures"):
        paths = write_images(figures, folder)
    console.say(f"\n  {len(paths)} images in {folder}" if paths else "\n  The page has no figure.")


def _report(run: str, runs: Path, as_json: bool) -> None:
    if any(is_trained(folder) for folder in (Path(run), runs / run)):
        from nas.cli.training import report_again  # needs torch

        report_again(run, runs, as_json=as_json)
        return
    found = nas.Run(find_run(run, runs, trained=True))
    nas.write_report(found, Running.elsewhere(found))
    if has_calibrated(found):
        calibration.conclude(found, as_json=as_json)
        return
    if as_json:
        print_json(run_facts(found))
    else:
        conclude(Terminal(), found)
    if not found.results:
        Terminal(stderr=True).say(("warning:", "yellow"), f" {nothing_came(found)}")
