"""Weights with architecture, classes, normalisation and provenance in the metadata, https://github.com/huggingface/safetensors."""

from pathlib import Path

from nas.record.models import read_model, write_model
from nas.report.formats import Format, Reader, Shipment
from nas.report.metadata import reader_of
from nas.report.parity import check_same


def _write(shipment: Shipment, path: Path) -> list[str]:
    model = shipment.model
    assert model is not None
    write_model(model, path)
    check_same(model, read_model(path))
    return [f"loads into a fresh build: {len(model.network.state_dict())} weights, all equal"]


def _reads(path: Path) -> Reader:
    return reader_of(read_model(path))


safetensors = Format("weights, with all that belongs to them", _write, suffix=".safetensors", reads=_reads)
