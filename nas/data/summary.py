"""What a data set holds and what was left out of it, in few words."""

import re
from collections.abc import Sequence

from nas.files import Json

SHOWN = 8  # classes, of which all counts are listed
KEPT = 20  # images left out, whose names a record keeps
LEFT_OUT = re.compile(  # a bracket that closes before another opens is of the name
    r"(?P<name>.*?) \((?P<cause>[A-Za-z][\w ]*)(: (?![^()]*\).* \().*)?\)", re.DOTALL
)


def told(data: Json) -> str:
    """Say in a line how many images the parts and the classes have, of many classes the extremes.

    `data` has `parts`, their numbers of images by name, `classes`, their names, and `counts`, the numbers of images of
    the classes, or None where they have none. Where the targets are boxes it counts these, and has `bare`, the number
    of images without one.
    """
    held = {part: count for part, count in data["parts"].items() if count}
    images = f"{' + '.join(f'{count:,}' for count in held.values())} images ({', '.join(held)})"
    if data["counts"] is None:
        return images
    classes, noun, bare = dict(zip(data["classes"], data["counts"], strict=True)), noun_of(data), ""
    if noun == "boxes":
        images += f" with {sum(data['counts']):,} boxes"
        bare = f"; {data['bare']:,} images have none" if data["bare"] else ""
    many = "1 class" if len(classes) == 1 else f"{len(classes)} classes"
    if len(classes) > SHOWN:
        few, most = min(classes, key=classes.__getitem__), max(classes, key=classes.__getitem__)
        extremes = f"from {classes[few]:,} {noun} (class {few}) to {classes[most]:,} (class {most})"
        if classes[few] == classes[most]:
            extremes = f"{classes[few]:,} {noun} each"
        return f"{images} of {many}, {extremes}{bare}"
    listed = ", ".join(f"{name} {count:,}" for name, count in classes.items())
    return f"{images} of {many}: {listed}{bare}"


def noun_of(data: Json) -> str:
    """Return what the `counts` of such data are of: images or boxes."""
    return "images" if data.get("bare") is None else "boxes"


def causes(skipped: Sequence[str]) -> list[str]:
    """Count by cause what a data set left out, and name the first of each: `dead link: 2, the first cat/7.png`."""
    groups: dict[str, list[str]] = {}
    for text in skipped:
        found = LEFT_OUT.fullmatch(text)
        groups.setdefault(found["cause"] if found else "unreadable", []).append(found["name"] if found else text)
    return [
        f"{cause}: {names[0]}" if len(names) == 1 else f"{cause}: {len(names):,}, the first {names[0]}"
        for cause, names in groups.items()
    ]


def left_out(count: int, why: Sequence[str]) -> str:
    """Say in a line how much a data set left out, and its causes."""
    return f"{count:,} left out of the data: {'; '.join(why)}"


def first_left_out(skipped: Sequence[str]) -> list[str]:
    """Return the first of what a data set left out, with their causes, as a record keeps them."""
    return list(skipped[:KEPT])
