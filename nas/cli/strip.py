"""Draw the stages of a network with the letters of their blocks, coloured where the terminal has colours.

In a line it is `M CC T CC`, a letter a block; as a picture it is towers of letters, as wide as the stage is deep, one
row higher for each doubling of its map's side. Letters tell the blocks apart without colours and in ASCII.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log2
from zlib import crc32

from rich.text import Text

from nas.cli.terminal import line
from nas.network.architecture import Architecture

COLOURS = {"conv": "blue", "mbconv": "cyan", "transformer": "yellow", "moat": "magenta"}
OTHERS = ("green", "red", "bright_blue", "bright_magenta", "bright_green", "bright_red", "bright_cyan")
LONGEST = 28  # signs of a strip in a line, beyond which depths are written as numbers
TALLEST = 5  # rows of a tower
GAP = 2  # between towers


@dataclass(frozen=True)
class Tower:
    """What is drawn of a stage: its kind of block, its letter, and for towers its width and its map."""

    kind: str
    letter: str
    depth: int
    width: int = 0
    side: int = 1
    map: str = ""


def style_of(kind: str) -> str:
    """Return the style of a kind of block: dark on a colour, which stands out on light and on dark terminals."""
    return f"reverse {COLOURS.get(kind) or OTHERS[crc32(kind.encode(errors='replace')) % len(OTHERS)]}"


def strip(architecture: Architecture, layout: str) -> Text:
    """Draw a network in a line, `M CC T CC`, or `M2 M4 T14 T2` where that would be too long."""
    stages = list(zip(architecture.stages, layout.split("-"), strict=True))
    long = sum(stage.depth for stage, _ in stages) + len(stages) - 1 > LONGEST
    drawn = [
        line((f"{letter}{stage.depth}" if long else letter * stage.depth, style_of(stage.block)))
        for stage, letter in stages
    ]
    return Text(" ").join(drawn)


def towers(stages: Sequence[Tower], room: int) -> list[Text]:
    """Draw stages as towers within so many columns, a line for each row, with map, width and depth below."""
    least = min(stage.side for stage in stages)
    rows = [min(1 + max(round(log2(stage.side / least)), 0), TALLEST) for stage in stages]
    titles = ("map", "width", "depth")
    texts = [(stage.map, str(stage.width), str(stage.depth)) for stage in stages]
    room -= max(map(len, titles)) + GAP
    blocks = next((made for made in _ways(stages) if sum(_widths(made, texts)) + GAP * (len(stages) - 1) <= room), None)
    if blocks is None:
        return []
    widths = _widths(blocks, texts)
    drawn = []
    for row in range(max(rows), 0, -1):
        cells = [
            (block.ljust(width), style_of(stage.kind), len(block)) if height >= row else (" " * width, "", 0)
            for block, width, stage, height in zip(blocks, widths, stages, rows, strict=True)
        ]
        drawn.append(_row("", cells))
    for i, title in enumerate(titles):
        drawn.append(_row(title, [(text[i].ljust(width), "", 0) for text, width in zip(texts, widths, strict=True)]))
    return drawn


def _ways(stages: Sequence[Tower]) -> list[list[str]]:
    """Write a row of each tower in every way, the widest first."""
    spaced = [f" {' '.join(stage.letter * stage.depth)} " for stage in stages]
    close = [stage.letter * stage.depth for stage in stages]
    cut = [stage.letter * min(stage.depth, 3) for stage in stages]
    return [spaced, close, cut]


def _widths(blocks: Sequence[str], texts: Sequence[Sequence[str]]) -> list[int]:
    return [max(len(block), *map(len, text)) for block, text in zip(blocks, texts, strict=True)]


def _row(title: str, cells: Sequence[tuple[str, str, int]]) -> Text:
    """Join cells into a row. The first signs of each, so many, have its style."""
    pieces: list[tuple[str, str]] = [(title.ljust(5 + GAP), "dim")]
    last = max((i for i, (text, _, _) in enumerate(cells) if text.strip()), default=-1)
    for i, (text, style, styled) in enumerate(cells[: last + 1]):
        pieces += [(" " * GAP if i else "", ""), (text[:styled], style), (text[styled:], "")]
    return line(*pieces)
