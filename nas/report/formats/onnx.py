"""ONNX, https://onnx.ai, by torch's current exporter: float32, normalisation inside, a batch of any size."""

from pathlib import Path

from nas import files
from nas.errors import RunError, SettingError
from nas.report.formats import Format, Shipment
from nas.report.onnx_files import OPSET, make_onnx, missing, read_onnx, runner, session, sizes_in_words
from nas.report.parity import compare
from nas.report.tracing import LEAST, plain, sizes, step
from nas.training.model import Model


def _write(shipment: Shipment, path: Path) -> list[str]:
    model, dynamic = shipment.model, shipment.dynamic_size
    assert model is not None
    data = make_onnx(model, dynamic).SerializeToString()
    try:
        same = compare(plain(model), runner(session(data)), sizes(model, dynamic), by="onnxruntime")
    except RunError as error:
        if not dynamic:
            raise
        _check_side(model)
        raise RunError(f"{error}; torch cannot export this network for images of any size: leave --dynamic-size "
                       "out") from None  # fmt: skip
    with files.replacing(path) as file:
        file.write(data)
    side = model.architecture.resolution
    image = sizes_in_words(model) if dynamic else f"{side} x {side} pixels"
    return [same, f"opset {OPSET}, one file, any batch size, {image}"]


def _check_side(model: Model) -> None:
    """Raise SettingError where a model's own side is none that a file for images of any size takes."""
    side, unit = model.architecture.resolution, step(model)
    fitting = side - side % unit
    if side != fitting or side < LEAST * unit:
        lower = f"export it with --resolution {fitting}, or " if fitting >= LEAST * unit else ""
        raise SettingError(f"--dynamic-size: {sizes_in_words(model)}, and this network's {side} is none; {lower}leave "
                           "--dynamic-size out") from None  # fmt: skip


onnx = Format("for ONNX Runtime, OpenVINO, TensorRT and others", _write, suffix=".onnx", reads=read_onnx,
              heeds=("dynamic_size",), missing=missing)  # fmt: skip
