"""Weights with architecture, classes, normalisation and provenance in the metadata, https://github.com/huggingface/safetensors."""

from pathlib import Path

import torch

from nas.errors import RunError
from nas.record.models import read_model, write_model
from nas.report.formats import Format, Reader, Shipment
from nas.report.metadata import reader_of


def _write(shipment: Shipment, path: Path) -> list[str]:
    model = shipment.model
    assert model is not None
    write_model(model, path)
    state, back = model.network.state_dict(), read_model(path)
    fresh = back.network.state_dict()
    differing = [name for name in state if not torch.equal(state[name].cpu(), fresh[name])]
    if differing or back.to_dict() != model.to_dict():
        raise RunError(f"{path}: comes back changed ({differing[0] if differing else 'its metadata'})")
    return [f"loads into a fresh build: {len(state)} weights, all equal"]


def _reads(path: Path) -> Reader:
    return reader_of(read_model(path))


safetensors = Format("weights, with all that belongs to them", _write, suffix=".safetensors", reads=_reads)
