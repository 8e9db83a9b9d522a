"""ONNX with 8-bit integers by onnxruntime's static quantisation, per channel, as quantise and dequantise nodes (QDQ).

Its authors advise so for convolutional networks,
https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html: ranges measured on training images, and
a scale for each channel of the weights. Where accuracy suffers more than is allowed, `ATTEMPTS` are made in turn: first
other ranges, then fewer integers.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nas import files
from nas.costs.latency.rounds import alternate
from nas.costs.targets import Setting, cpu_clock
from nas.errors import RunError, SettingError, in_one_line
from nas.evaluation.units import show
from nas.network.heads import Head
from nas.report.formats import Examples, Format, Shipment
from nas.report.metadata import INPUT, metadata_of
from nas.report.onnx_files import describe, make_onnx, missing, read_onnx, runner, session
from nas.report.tracing import quiet

IMAGES = 256  # to measure ranges on
CHUNK = 16  # images at once
LAYERS = ("Conv", "Gemm", "MatMul")
PRECISION, SECONDS = 0.02, 2.0  # of the two times' ratio, and at most for it
ROUNDING = 1e-9  # of shares of images, less than one image of any data set


@dataclass(frozen=True)
class Attempt:
    """A way to quantise: how ranges are measured, and what stays float."""

    about: str
    ranges: str = "MinMax"
    layers: tuple[str, ...] = ()
    keep_ends: bool = False


ATTEMPTS = (
    Attempt("every operator, ranges from smallest to largest value"),
    Attempt("every operator, ranges that leave out one value of ten thousand", "Percentile"),
    Attempt("every operator, ranges of the least loss of information", "Entropy"),
    Attempt("convolutions and linear layers, the first and the last in float", "MinMax", LAYERS, keep_ends=True),
    Attempt("convolutions alone, the first in float", "MinMax", ("Conv",), keep_ends=True),
)


def _write(shipment: Shipment, path: Path) -> list[str]:
    model = shipment.model
    assert model is not None
    if model.gives != Head.outputs:
        raise SettingError(f"format onnx-int8: judges what it loses by classes, and '{model.architecture.name}' gives "
                           f"{model.gives}; export to onnx")  # fmt: skip
    if shipment.training is None or shipment.validation is None:
        raise SettingError("format onnx-int8 needs images of the data that the network was trained on: name them with "
                           "--data")  # fmt: skip
    calibration, validation = _spread(shipment.training(), IMAGES), shipment.validation()
    proto = make_onnx(model)
    plain = proto.SerializeToString()
    before = _accuracy(plain, validation)
    tried, failed, described = [], [], metadata_of(model, measured=False)
    for attempt in ATTEMPTS:
        try:
            data = _quantised(proto, attempt, calibration.images, described)
        except RunError as error:  # the next one may do
            failed.append(error)
            continue
        after = _accuracy(data, validation)
        tried.append(after)
        if before - after <= shipment.tolerance + ROUNDING:
            with files.replacing(path) as file:
                file.write(data)
            return [
                f"accuracy {before:.4f} before, {after:.4f} after, on {len(validation.labels)} validation images",
                f"{attempt.about}, measured on {len(calibration.labels)} training images",
                f"{len(plain):,} bytes before, {len(data):,} after",
                _paces(plain, data, validation.images[:1]),
            ]
    if not tried:
        raise failed[0]
    raise RunError(f"accuracy falls from {before:.4f} to {max(tried):.4f} at best of {len(tried)} ways to quantise, "
                   f"more than --tolerance {shipment.tolerance:g} allows; allow more, or export to onnx")  # fmt: skip


def _spread(examples: Examples, count: int) -> Examples:
    """Take up to so many images from all over a set."""
    rows = torch.linspace(0, len(examples.labels) - 1, min(count, len(examples.labels))).long()
    return Examples(examples.images[rows], examples.labels[rows])


def _accuracy(data: bytes, examples: Examples) -> float:
    run = runner(session(data))
    answers = torch.cat([run(images).argmax(1) for images in examples.images.split(CHUNK)])
    return float((answers == examples.labels).double().mean())


def _paces(before: bytes, after: bytes, image: Tensor) -> str:
    """Time both files in turn on one image in one thread, as the smaller one need not be the faster one."""
    first, second = (cpu_clock(partial(runner(session(data, threads=1)), image), Setting()) for data in (before, after))
    now, was = np.median(alternate(second, first, PRECISION, SECONDS), axis=0) * 1e3
    verdict = "faster" if now < was else "slower"
    return f"{show('latency', was)} an image before, {show('latency', now)} after: {verdict}, in one thread here"


def _quantised(proto: Any, attempt: Attempt, images: Tensor, metadata: dict[str, str]) -> bytes:
    """Return the bytes of the quantised file. Raises RunError where onnxruntime fails."""
    from onnxruntime import quantization  # an extra
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with tempfile.TemporaryDirectory() as folder, quiet():
        plain, fused, done = (Path(folder) / name for name in ("plain.onnx", "fused.onnx", "int8.onnx"))
        plain.write_bytes(proto.SerializeToString())
        try:
            quant_pre_process(plain, fused, skip_symbolic_shape=True)
            quantization.quantize_static(
                fused,
                done,
                _reader(images),
                op_types_to_quantize=list(attempt.layers) or None,
                per_channel=True,
                weight_type=quantization.QuantType.QInt8,
                activation_type=quantization.QuantType.QUInt8,
                nodes_to_exclude=_ends(fused) if attempt.keep_ends else None,
                calibrate_method=quantization.CalibrationMethod[attempt.ranges],
                extra_options={
                    "CalibPercentile": 99.99,
                    "CalibStridedMinMax": 1,  # whatever the ranges, lest all answers to all images are held at once
                    "MatMulConstBOnly": bool(attempt.layers),
                },
            )
            return _described(done, metadata)
        except Exception as error:  # onnxruntime raises many kinds
            raise RunError(f"onnxruntime cannot quantise this network ({in_one_line(error)})") from None


def _reader(images: Tensor) -> Any:
    """Feed images to onnxruntime's calibration."""
    from onnxruntime.quantization import CalibrationDataReader  # an extra

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.set_range(0, len(self))

        def __len__(self) -> int:
            return len(images.split(CHUNK))

        def set_range(self, start_index: int, end_index: int) -> None:
            self.chunks: Iterator[Tensor] = iter(images.split(CHUNK)[start_index:end_index])

        def get_next(self) -> files.Json | None:
            chunk = next(self.chunks, None)
            return None if chunk is None else {INPUT: chunk.contiguous().numpy()}

    return Reader()


def _ends(file: Path) -> list[str]:
    """Name the first and the last layer with weights."""
    import onnx  # an extra

    nodes = [node.name for node in onnx.load(file).graph.node if node.op_type in LAYERS]
    return [nodes[0], nodes[-1]]


def _described(file: Path, metadata: dict[str, str]) -> bytes:
    import onnx  # an extra

    proto = onnx.load(file)
    describe(proto, metadata)
    data: bytes = proto.SerializeToString()
    return data


onnx_int8 = Format("8-bit ONNX, smaller, and on some processors faster", _write, suffix=".onnx", reads=read_onnx,
                   only="logits", heeds=("data", "split_seed", "tolerance"), missing=missing)  # fmt: skip
