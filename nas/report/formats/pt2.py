"""A program of torch.export, which torch runs alone, https://docs.pytorch.org/docs/stable/export.html."""

import io
from pathlib import Path

import torch

from nas import files
from nas.errors import SettingError, in_one_line
from nas.report.formats import Format, Reader, Shipment
from nas.report.metadata import check_outputs, described, metadata_of
from nas.report.parity import compare
from nas.report.pt2_files import read_program
from nas.report.tracing import plain, quiet, trace


def _write(shipment: Shipment, path: Path) -> list[str]:
    model = shipment.model
    assert model is not None
    model = plain(model)
    program = trace(model)
    program._example_inputs = None  # which are pickled; without them the file holds no pickle
    data = io.BytesIO()
    with quiet():
        torch.export.save(program, data, extra_files=dict(metadata_of(model)))
    with files.replacing(path) as file:
        file.write(data.getbuffer())
    side = model.architecture.resolution
    return [
        compare(model, _reads(path).run, by="torch.export.load"),
        f"any batch size, {side} x {side} pixels, no pickle inside",
    ]


def _reads(path: Path) -> Reader:
    program, metadata = read_program(path)
    found = described(metadata, path)
    try:
        module = program.module()
        run = torch.inference_mode()(module)
        answer = run(torch.zeros(1, found.channels, found.resolution, found.resolution))
        outputs = answer.shape[-1]
    except Exception as error:  # a program may be anything
        raise SettingError(f"{path}: its program does not run ({in_one_line(error)})") from None
    check_outputs(outputs, found, path)
    return found.reader(run)


pt2 = Format("a program of torch.export", _write, suffix=".pt2", reads=_reads)
