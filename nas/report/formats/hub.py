"""A folder for Hugging Face's hub, as its mixin writes it: config.json, model.safetensors and a model card."""

import shutil
from pathlib import Path

from nas.record.models import read_hub
from nas.report.formats import Format, Reader, Shipment
from nas.report.hub import CARD, HubModel, missing
from nas.report.metadata import reader_of
from nas.report.parity import check_same
from nas.report.tracing import quiet
from nas.training.model import Model


def _write(shipment: Shipment, path: Path) -> list[str]:
    model = shipment.model
    assert model is not None
    HubModel.of(model).save_pretrained(path)
    for file in path.iterdir():  # the weights would be the owner's alone
        shutil.copymode(path / "config.json", file)
    with quiet():
        by_mixin: Model = HubModel.from_pretrained(str(path), local_files_only=True)
    for back in (read_hub(path), by_mixin):
        check_same(model, back)
    weights = len(model.network.state_dict())
    figures = "with what was measured" if model.facts.get("test") else "without figures, as none were measured"
    return [f"from_pretrained gives {weights} weights, all equal, offline", f"a model card, {CARD}, {figures}"]


def _reads(path: Path) -> Reader:
    return reader_of(read_hub(path))


hub = Format("a folder for Hugging Face's hub, with a model card", _write, reads=_reads, missing=missing)
