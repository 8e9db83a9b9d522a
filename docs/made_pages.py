"""The pages of the site that are made from the code: commands, kinds of blocks, the Python API.

What is added to the command line, to a registry or to `nas.__all__` is in them by itself.
"""

import inspect
import re
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import griffe

import nas
from nas import cli
from nas.config import SearchConfig
from nas.network.options import options_of
from nas.registry import BLOCKS, HEADS, STEMS
from nas.settings import Settings, flag_of
from nas.training.full.recipe import FullRecipe
from nas.training.recipe import Recipe

EXAMPLES = 6  # lines of the guides on the page of a command
SETTINGS: tuple[type[Settings], ...] = (SearchConfig, Recipe, FullRecipe)
GIVEN = [  # what functions give, beside the names of nas itself
    "nas.record.results.Result",
    "nas.evaluation.job.Outcome",
    "nas.record.trained.Trained",
    "nas.training.model.Model",
]


def commands(texts: dict[str, str], places: dict[str, str]) -> dict[str, str]:
    """A page for each command of `nas`, after one that lists them, by their places.

    `texts` are the pages of the repository whose shell lines serve as examples, `places` where the site has them.
    """
    top = cli.app
    context = top.context_class(top, info_name="nas", **top.context_settings)
    typed = dict(_typed(texts, places))
    found, rows = {}, []
    for name in top.list_commands(context):
        rows.append(f"| [nas {name}]({name}.md) | {_cell(top.commands[name].help)} |")
        _, command, _ = top.resolve_command(context, [name])
        told = [f"# nas {name}\n", *_told(command, command.context_class(command, info_name=name, parent=context))]
        if used := [line for line in typed if line.startswith(f"nas {name} ")][:EXAMPLES]:
            told += ["## As the guides use it\n", "```bash", *used, "```\n"]
            told += [f"From {', '.join(sorted({typed[line] for line in used}))}.\n"]
        found[f"commands/{name}.md"] = "\n".join(told)
    head = f"# Commands\n\n{top.help} `nas COMMAND --help` says the same in the terminal.\n\n{top.epilog}\n"
    return {"commands/index.md": "\n".join([head, "| command | what it does |", "|---|---|", *rows, ""])} | found


def _told(command: Any, context: Any, depth: int = 2) -> Iterator[str]:
    """The parts of a command's page: usage, what it does, its options by panel, the commands under it."""
    yield f"```text\n{context.command_path} {' '.join(command.collect_usage_pieces(context))}\n```\n"
    yield f"{inspect.cleandoc(command.help or '')}\n"
    panels: dict[str, list[str]] = {}
    for parameter in command.get_params(context):
        if record := parameter.get_help_record(context):
            usual = "Arguments" if parameter.param_type_name == "argument" else "Options"
            panels.setdefault(getattr(parameter, "rich_help_panel", None) or usual, []).append(_row(parameter, *record))
    for panel, rows in panels.items():
        what = "argument" if panel == "Arguments" else "option"
        yield f"{'#' * depth} {panel}\n"
        yield "\n".join([f"| {what} | meaning | default, limits |", "|---|---|---|", *rows, ""])
    for name, under in getattr(command, "commands", {}).items():
        yield f"{'#' * depth} {context.command_path} {name}\n"
        yield from _told(under, under.context_class(under, info_name=name, parent=context), depth + 1)


def _row(parameter: Any, names: str, meaning: str) -> str:
    """A parameter's line: its names and value, its meaning, and its default and limits."""
    said = parameter.help or ""
    limits = re.sub(r"^\[(.*)\]$", r"\1", meaning.removeprefix(said).strip()).removeprefix("default: ")
    names = re.sub(r" <.*>$", "", names)  # the type of an argument in Python
    return f"| {_code(names)} | {_cell(said)} | {_cell(limits)} |"


def _code(text: str) -> str:
    """Text in the type of code for a cell of a table."""
    return f"<code>{_cell(text)}</code>"


def _cell(text: str) -> str:
    """Text for a cell of a table: neither HTML nor a sign of Markdown in it is one."""
    return re.sub(r"([\\`*_{}\[\]])", r"\\\1", escape(" ".join(text.split()), quote=False)).replace("|", "&#124;")


def _typed(texts: dict[str, str], places: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Each line that the pages have a reader type, with a link to its page."""
    for path, text in texts.items():
        if path.startswith("docs/"):
            title = next(line[2:] for line in text.splitlines() if line.startswith("# "))
            for block in re.findall(r"```bash\n(.*?)```", text, re.DOTALL):
                yield from (
                    (line.partition(" #")[0].strip(), f"[{title}](../{places[path]})") for line in block.splitlines()
                )


def kinds() -> str:
    """The page of every block, stem and head that ships, with its options."""
    told = ["# Blocks, stems and heads\n"]
    told += [
        "What a [space](spaces.md) may name, and the options of each: what a value must be, and the papers' own.\n"
    ]
    for title, registry in (("Blocks", BLOCKS), ("Stems", STEMS), ("Heads", HEADS)):
        told += [f"## {title}\n"]
        for name in registry.names():
            kind = registry.get(name)
            letter = f" {kind.letter} in layouts." if registry is BLOCKS else ""
            told += [f"### {name}\n", f"{_first(inspect.getdoc(kind) or '')}{letter}\n"]
            rows = [
                f"| {_code(option.name)} | {_cell(option.words)} | {_cell(str(option.default))} |"
                for option in options_of(registry, name).values()
            ]
            told += ["| option | value | default |", "|---|---|---|", *rows, ""] if rows else []
    return "\n".join(told)


def api(root: Path) -> str:
    """The page of every public name of nas, with what it takes and gives."""
    package = griffe.load("nas", search_paths=[root])
    groups = {"Functions": [name for name in nas.__all__ if name[0].islower()]}
    groups["Classes"] = [name for name in nas.__all__ if name[0].isupper()]
    rows = [
        f"| [nas.{name}](#nas.{name}) | {_first(package[name].docstring.value).replace('|', '&#124;')} |"
        for names in groups.values()
        for name in names
    ]
    lines = [line for line in (nas.__doc__ or "").splitlines() if line.startswith("    ")]
    told = ["# Python API\n", "```python", inspect.cleandoc("\n".join(lines)), "```\n"]
    told += ["| name | what it does or is |", "|---|---|", *rows, ""]
    for group, names in groups.items():
        told += [f"## {group}\n", *(_documented(f"nas.{name}") for name in names)]
    told += ["## What comes back\n", *map(_documented, GIVEN), "## Settings\n"]
    return "\n".join([*told, *map(_fields, SETTINGS)])


def _fields(settings: type[Settings]) -> str:
    """What a class of settings says of itself, and its fields with what the help says of them."""
    path = f"{settings.__module__}.{settings.__name__}"
    rows = []
    for name, field in settings.model_fields.items():
        meaning = flag.meaning if (flag := flag_of(field)) else ""
        value = field.get_default(call_default_factory=True)
        default = f"{type(value).__name__}()" if isinstance(value, SETTINGS) else str(value)
        rows.append(f"| {_code(name)} | {_cell(meaning)} | {_cell(default)} |")
    head = f"### {path} {{ #{path} }}\n\n{inspect.getdoc(settings)}\n"
    return "\n".join([head, "| field | meaning | default |", "|---|---|---|", *rows, ""])


def _first(docstring: str) -> str:
    """The first paragraph of a docstring, in one line."""
    return " ".join(docstring.partition("\n\n")[0].split())


def _documented(path: str) -> str:
    """What mkdocstrings shows of an object, under its own name."""
    short = path.rpartition(".")[2]
    options = {"heading": path, "toc_label": short, "heading_level": 3}
    return "\n".join(
        [f"::: {path}", "    options:", *(f"      {name}: {value}" for name, value in options.items()), ""]
    )
