"""The architecture alone, as the YAML file that `nas show`, `nas train` and `nas.load_architecture` read."""

from pathlib import Path

from nas.errors import RunError
from nas.report.formats import Format, Shipment
from nas.space.library import load_architecture


def _write(shipment: Shipment, path: Path) -> list[str]:
    shipment.architecture.save(path)
    key = shipment.architecture.key()
    if load_architecture(path).key() != key:
        raise RunError(f"{path}: the file rebuilds another network; please report this")
    left = "the architecture alone, without the trained weights: --format safetensors has them"
    return [f"rebuilds the same network ({key})", *([left] if shipment.model else [])]


yaml = Format("the architecture, without weights", _write, suffix=".yaml", weights=False)
