"""Small folders of pictures with boxes, as Pascal VOC and COCO have them: each box a patch of its class's colour."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from PIL import Image

COLOURS = {"cat": (250, 30, 30), "dog": (30, 250, 30)}
SIZE = (60, 40)
Box = tuple[str, float, float, float, float]
"""A class and corners: left, top, right, bottom."""

PICTURES: dict[str, list[Box]] = {
    f"p{i}": [("cat", 5 + i, 4, 25 + i, 24), ("dog", 30, 10 + i, 50, 30 + i)][: 2 if i % 3 else 1] if i % 5 else []
    for i in range(10)
}
"""Ten pictures with boxes of both classes, two of them without any."""


def picture(file: Path, boxes: Sequence[Box] = (), size: tuple[int, int] = SIZE, **how: Any) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new("RGB", size, (90, 90, 90))
    for name, x0, y0, x1, y1 in boxes:
        image.paste(COLOURS.get(name, (0, 0, 250)), (int(x0), int(y0), int(x1), int(y1)))
    image.save(file, **how)
    return file


def annotation(boxes: Sequence[Box], size: tuple[int, int] | None = SIZE, filename: str = "", more: str = "") -> str:
    """The text of a VOC annotation; `more` goes into each object."""
    said = "<size><width>{}</width><height>{}</height><depth>3</depth></size>".format(*size) if size else ""
    objects = "".join(
        f"<object><name>{escape(name)}</name>{more}<bndbox>"
        + "".join(f"<{tag}>{at}</{tag}>" for tag, at in zip(("xmin", "ymin", "xmax", "ymax"), corners, strict=True))
        + "</bndbox></object>"
        for name, *corners in boxes
    )
    return f"<annotation><filename>{escape(filename)}</filename>{said}{objects}</annotation>"


def voc_folder(
    folder: Path, pictures: Mapping[str, Sequence[Box]] = PICTURES, lists: Mapping[str, Sequence[str]] | None = None
) -> Path:
    """Write a VOC folder with PNG pictures and lists of parts, if any."""
    (folder / "Annotations").mkdir(parents=True)
    for name, boxes in pictures.items():
        picture(folder / "JPEGImages" / f"{name}.png", boxes)
        (folder / "Annotations" / f"{name}.xml").write_text(annotation(boxes, filename=f"{name}.png"))
    for part, names in (lists or {}).items():
        (folder / "ImageSets" / "Main").mkdir(parents=True, exist_ok=True)
        (folder / "ImageSets" / "Main" / f"{part}.txt").write_text("".join(f"{name}\n" for name in names))
    return folder


def instances(pictures: Mapping[str, Sequence[Box]] = PICTURES, classes: Sequence[str] = ("cat", "dog")) -> Any:
    """The content of a COCO file; its categories have the numbers 3, 6, 9, ..."""
    annotations = [
        {"id": 0, "image_id": 100 + i, "category_id": 3 * classes.index(name) + 3, "bbox": [x0, y0, x1 - x0, y1 - y0],
         "iscrowd": 0, "segmentation": [[x0, y0, x1, y0, x1, y1]]}
        for i, boxes in enumerate(pictures.values()) for name, x0, y0, x1, y1 in boxes
    ]  # fmt: skip
    return {
        "info": {},
        "images": [
            {"id": 100 + i, "file_name": f"{name}.png", "width": SIZE[0], "height": SIZE[1]}
            for i, name in enumerate(pictures)
        ],
        "annotations": [entry | {"id": i} for i, entry in enumerate(annotations)],
        "categories": [{"id": 3 * i + 3, "name": name, "supercategory": "pet"} for i, name in enumerate(classes)],
    }


def coco_file(file: Path, pictures: Mapping[str, Sequence[Box]] = PICTURES, home: Path | None = None) -> Path:
    """Write a COCO file and its pictures into a folder, by default `images` beside it."""
    for name, boxes in pictures.items():
        picture((home or file.parent / "images") / f"{name}.png", boxes)
    return write(file, instances(pictures))


def write(file: Path, content: Any) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content))
    return file
