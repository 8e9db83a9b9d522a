"""What all pages share: the templates, and plain data made ready for them."""

import os
from collections.abc import Collection, Mapping, Sequence
from errno import EISDIR
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from nas import files
from nas.errors import SettingError, brief
from nas.evaluation import units
from nas.files import Json
from nas.network.architecture import Architecture

MAX_ROWS = 500  # of a table on a page; trials.csv has them all
NAMED = 500  # images that were left out
BEGINNING = 1000  # bytes of a page that hold its title
WORDS = ("show", "show_difference", "title", "words", "percent", "duration", "show_range")
"""Functions of `nas.evaluation.units` that templates call."""
TITLES = {"evaluation": "Evaluation of", "comparison": "Runs side by side"}
"""How a page begins that replaces an earlier one of its kind."""


def render_page(template: str, context: Json) -> str:
    """Render a template of this package to a page that holds its style. Every value of the context is escaped."""
    environment = _environment()
    style = Markup(_source(environment, "report.css"))
    page = environment.get_template(template).render(context | {"style": style})
    return page.encode(errors="backslashreplace").decode()  # names of files may hold bytes that are no text


@cache
def _environment() -> jinja2.Environment:
    """Return where the templates are, which keeps what it has compiled of them."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("nas.report"), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    environment.globals.update({name: getattr(units, name) for name in WORDS})
    return environment


def _source(environment: jinja2.Environment, name: str) -> str:
    assert environment.loader
    return environment.loader.get_source(environment, name)[0]


def diagram(network: Architecture, stages: Sequence[int], colours: Mapping[str, str]) -> list[Json]:
    """List the parts of a network from image to classes, each with its kind and its options, `stages` as numbered."""
    stem, head, side = network.stem, network.head, network.resolution
    rows: list[Json] = [{"name": "image", "kind": f"{side} × {side}", "facts": [f"channels {network.channels}"]}]
    rows.append({"name": "stem", "kind": stem.kind, "facts": _facts({"width": stem.width, **stem.options})})
    for i, stage in zip(stages, network.stages, strict=True):
        own = {"depth": stage.depth, "colour": colours[stage.block]}
        facts = _facts({"width": stage.width, "stride": stage.stride, **stage.options})
        rows.append({"name": f"stage {i}", "kind": stage.block, "facts": facts} | own)
    rows.append({"name": "head", "kind": head.kind, "facts": [f"classes {network.classes}", *_facts(head.options)]})
    return rows


def _facts(values: Mapping[str, object]) -> list[str]:
    """Say options as a file of the architecture has them."""
    said = {name: str(value).lower() if isinstance(value, bool) else value for name, value in values.items()}
    return [f"{name.replace('_', ' ')} {value}" for name, value in said.items()]


def inks(colours: Mapping[str, str]) -> dict[str, str]:
    """Choose black or white for each colour, whichever stands out more on it."""
    return {name: _readable(colour) for name, colour in colours.items()}


def _readable(colour: str) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "#000" if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else "#fff"


def left_out(names: Collection[str]) -> Json:
    """What the template of images left out of the data needs, whose names say the cause."""
    return {"left_out": [*names][:NAMED], "left_out_count": len(names)}


def check_found(found: object, kind: type, function: str) -> None:
    """Raise SettingError unless this is what a function of `nas` found, of which there is to be a page."""
    if not isinstance(found, kind):
        raise SettingError(f"found: found {brief(found)}; write what nas.{function} returns")


def write_in_place(page: Path, html: str, kind: str) -> None:
    """Write a page in place of an earlier one of its kind, and of no other file.

    Raises as `check_in_place` does, and RunError for a full disk.
    """
    check_in_place(page, kind)
    with files.writing(page):
        files.write(page, html)


def check_in_place(page: Path, kind: str) -> None:
    """Raise SettingError where a page cannot be written, or another file has its place, which is not of its kind."""
    with files.writing(page):
        files.check_around(page)
        if page.is_dir():
            raise IsADirectoryError(EISDIR, os.strerror(EISDIR))
        if page.is_file() and f"<title>{TITLES[kind]}" not in page.read_bytes()[:BEGINNING].decode(errors="replace"):
            raise SettingError(f"{page} exists already and is no {kind} of nas; name another file with --output")


def flat(data: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Flatten nested settings to dotted keys, without those that are not set."""
    found: dict[str, str] = {}
    for key, value in data.items():
        if isinstance(value, dict):
            found |= flat(value, f"{prefix}{key}.")
        elif isinstance(value, list):
            found[prefix + key] = ", ".join(map(str, value))
        elif value is not None:
            found[prefix + key] = str(value)
    return found


def machines(environment: Json) -> dict[str, str]:
    """Flatten the facts about where a run was made, each with all its values if later starts had others."""
    values: dict[str, list[str]] = {}
    for start in (environment, *environment.get("starts", ())):
        for key, text in flat({name: value for name, value in start.items() if name != "starts"}).items():
            if text not in values.setdefault(key, []):
                values[key].append(text)
    return {key: ", later ".join(texts) for key, texts in values.items()}
