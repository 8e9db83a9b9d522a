"""The figures of a page as files, drawn by kaleido in a Chrome or Chromium that is found on the machine."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from nas.errors import RunError, SettingError
from nas.files import Json, unwritable, writing

if TYPE_CHECKING:
    import plotly.graph_objects as go

WIDTH = 1000  # pixels
SCALE = 2  # pixels of a PNG file for each
HEIGHT = 450  # pixels, where a figure has none of its own
FORMATS = ("svg", "png")


def check_images() -> None:
    """Raise SettingError when kaleido is not installed."""
    if find_spec("kaleido") is None:
        raise SettingError("--images: kaleido is not installed: pip install 'hybrid-nas[images]'")


def write_images(figures: "Mapping[str, go.Figure]", folder: Path) -> list[Path]:
    """Write each figure as an SVG and a PNG file, in light, and return their paths.

    Raises SettingError without kaleido or a browser, or when the folder cannot be written, RunError when the browser
    does not draw.
    """
    check_images()
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}.{form}" for name in figures for form in FORMATS]
    if figures:
        _draw([_task(figures[path.stem], path) for path in paths])
    return paths


def _task(figure: "go.Figure", path: Path) -> Json:
    import plotly.graph_objects as go  # takes a second to import

    form = path.suffix[1:]
    size = {"width": WIDTH, "height": figure.layout.height or HEIGHT, "scale": SCALE if form == "png" else 1}
    drawn = go.Figure(figure).update_layout(updatemenus=[], sliders=[])  # nobody can press them
    return {"fig": drawn.to_dict(), "path": path, "opts": {"format": form, **size}}


def _draw(tasks: list[Json]) -> None:
    """Draw in one browser, which asks for nothing from the network."""
    import kaleido  # an extra
    from kaleido.errors import ChromeNotFoundError

    try:
        kaleido.write_fig_from_object_sync(tasks, kopts={"mathjax": False}, cancel_on_error=True)
    except ChromeNotFoundError:
        raise SettingError("--images: found no Chrome or Chromium, which draws the images; install one, or name its "
                           "program in the variable BROWSER_PATH") from None  # fmt: skip
    except OSError as error:
        raise unwritable(error.filename, error) from None
    except Exception as error:
        raise RunError(f"--images: the browser did not draw: {_first_words(error)}") from None


def _first_words(error: Exception) -> str:
    """Take from an error what happened, without advice."""
    first = next(iter(error.args), "")
    return str(next(iter(first), "") if isinstance(first, tuple) else first) or type(error).__name__
