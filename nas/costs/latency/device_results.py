"""The results of a device, also as spreadsheets and editors save them, where they leave no doubt."""

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from nas.errors import SettingError
from nas.network.foreign_files import HEAD, sort_of

NEEDED = ("name", "ms", "package")
TOLD = ("device", "threads", "runtime")
RUNNER = "run.py"
UNKNOWN = "unknown"  # what results do not tell
LONGEST = 1e6  # milliseconds that no run takes: a spreadsheet took the decimal point for a separator
AGAIN = "take the file as the device wrote it, which no spreadsheet has opened"
_GROUPING = re.compile("[ '\u00a0\u2009\u202f\u2019](?=\\d{3})")
_POINT = re.compile(r"(\d+|[1-9]\d{0,2}(,\d{3})+)(\.\d+)?([eE][+-]?\d+)?")
_COMMA = re.compile(r"(\d+|[1-9]\d{0,2}(\.\d{3})+)(,\d+)?([eE][+-]?\d+)?")
_DOUBTFUL = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")


class Times(NamedTuple):
    """Milliseconds by the names of files, and what the results tell of device, threads and runtime."""

    milliseconds: dict[str, float]
    told: dict[str, str]


class _Row(NamedTuple):
    line: int
    cells: dict[str, str]


def read_times(results: Path, package: str, expected: Sequence[str]) -> Times:
    """Read the time of each expected file of a package.

    Raises SettingError, with the line, for a file from another package or of another sort, for rows that are missing,
    repeated, invalid or of two devices, and for numbers that may be meant in two ways.
    """
    try:
        rows = list(_rows(results, _text(results)))
    except csv.Error as error:
        raise SettingError(f"{results}: cannot be read as a table ({error}); {AGAIN}") from None
    if not rows:
        raise SettingError(f"{results}: holds no results; the columns are name, ms, ... as {RUNNER} writes them")
    for row in rows:
        if _digest(other := row.cells["package"]) != _digest(package):
            raise SettingError(f"{results}, line {row.line}: is of the package {other or '(none)'}, not of {package} "
                               "beside it; another space or other networks")  # fmt: skip
        if row.cells["name"] not in expected:
            raise SettingError(f"{results}, line {row.line}: '{row.cells['name']}' is no file of the package; delete "
                               "the line")  # fmt: skip
    counts = Counter(row.cells["name"] for row in rows)
    if repeated := next((row for row in reversed(rows) if counts[row.cells["name"]] > 1), None):
        raise SettingError(f"{results}, line {repeated.line}: {repeated.cells['name']} appears twice")
    if missing := [name for name in expected if name not in counts]:
        raise SettingError(f"{results}: {len(missing)} of {len(expected)} rows are missing, the first {missing[0]}; "
                           f"run {RUNNER} again, it goes on where it was")  # fmt: skip
    return Times(_milliseconds(results, rows), {name: _same(results, rows, name) for name in TOLD})


def _digest(package: str) -> str:
    """Return the end of a package's name, as a program may have changed letters of the space's name before it."""
    return package.rpartition("-")[2]


def _text(results: Path) -> str:
    try:
        data = results.read_bytes()
    except OSError as error:
        raise SettingError(f"{results}: cannot be read ({error.strerror})") from None
    if what := sort_of(data[:HEAD]):
        raise SettingError(f"{results}: not a table as text, but {what}; save it as CSV")
    try:
        text = data.decode("utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")  # a spreadsheet's; only names of spaces and devices have such
    if "\0" in text:
        raise SettingError(f"{results}: not a table as text; save it as CSV")
    return text


def _rows(results: Path, text: str) -> Iterator[_Row]:
    """Read the rows under the first line that is not empty, whatever separates the columns and in whatever order."""
    lines = list(io.StringIO(text, newline=""))
    first = next((i for i, line in enumerate(lines) if line.strip(',;\t\r\n "') and not line.startswith("sep=")), 0)
    header = lines[first] if lines else ""
    split = max(",;\t|", key=header.count)
    reader = csv.reader(lines[first:], delimiter=split, skipinitialspace=True)
    names = [name.strip().lower() for name in next(reader, [])]
    if lacking := [name for name in NEEDED if names.count(name) != 1]:
        what = "appears twice" if lacking[0] in names else "is missing"
        raise SettingError(f"{results}, line {first + 1}: holds no results; the columns are name, ms, ... as {RUNNER} "
                           f"writes them, and {lacking[0]} {what}")  # fmt: skip
    for cells in reader:
        line = first + reader.line_num
        if not any(cell.strip() for cell in cells):
            continue
        if any(cell.strip() for cell in cells[len(names) :]):
            raise SettingError(f"{results}, line {line}: {len(cells)} cells under {len(names)} columns; if commas are "
                               "decimal ones too, save it with semicolons between the columns")  # fmt: skip
        cells += [""] * (len(names) - len(cells))
        yield _Row(line, {name: cell.strip() for name, cell in zip(names, cells, strict=False)})


def _milliseconds(results: Path, rows: Sequence[_Row]) -> dict[str, float]:
    texts = {row.line: _GROUPING.sub("", row.cells["ms"]) for row in rows}
    comma = _decimal_comma(results, texts)
    marked = any(re.search("[.,]", text) for text in texts.values())
    times = {}
    for row in rows:
        text, said = texts[row.line], f"{results}, line {row.line}: {row.cells['name']}: ms is '{row.cells['ms']}'"
        if not (_COMMA if comma else _POINT).fullmatch(text):
            raise SettingError(f"{said}; it must be a number above 0. {AGAIN.capitalize()}, or mend the line")
        value = float(text.replace(".", "").replace(",", ".") if comma else text.replace(",", ""))
        if not 0 < value < float("inf"):
            raise SettingError(f"{said}; it must be a number above 0")
        if value >= LONGEST or (marked and re.fullmatch(r"\d{4,}", text)):
            raise SettingError(f"{said}; a spreadsheet seems to have lost its decimal point: {AGAIN}")
        times[row.cells["name"]] = value
    return times


def _decimal_comma(results: Path, texts: dict[int, str]) -> bool:
    """Tell whether commas are decimal, by the numbers that can be read in one way only.

    Raises SettingError where some say so and others not, and for a number such as `1,234` that may mean two.
    """
    clear = {line: text for line, text in texts.items() if not _DOUBTFUL.fullmatch(text) and re.search("[.,]", text)}
    commas = [line for line, text in clear.items() if _COMMA.fullmatch(text)]
    points = [line for line, text in clear.items() if _POINT.fullmatch(text)]
    if commas and points:
        two = " and ".join(f"'{texts[line]}' in line {line}" for line in (commas[0], points[0]))
        raise SettingError(f"{results}: ms is {two}, decimal commas and points; {AGAIN}")
    doubtful = "." if commas else ","
    if line := next((line for line, t in texts.items() if _DOUBTFUL.fullmatch(t) and doubtful in t), None):
        raise SettingError(
            f"{results}, line {line}: ms is '{texts[line]}', which may be a thousand times as much; {AGAIN}"
        )
    return bool(commas)


def _same(results: Path, rows: Sequence[_Row], name: str) -> str:
    """What all rows tell of their device."""
    told = {row.cells[name]: row.line for row in reversed(rows) if row.cells.get(name)}
    if len(told) > 1:
        two = " and ".join(f"'{one}' in line {line}" for one, line in sorted(told.items(), key=lambda it: it[1])[:2])
        raise SettingError(f"{results}: {name} is {two}; the rows of one device are needed: delete the others and run "
                           f"{RUNNER} there again")  # fmt: skip
    return next(iter(told), UNKNOWN)
