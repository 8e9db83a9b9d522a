"""Writing networks as ONNX files, https://onnx.ai."""

import io
import logging
import warnings
from contextlib import redirect_stdout
from pathlib import Path

import torch
from torch import Tensor, nn

INPUT = "images"
OPSET = 17


def write_onnx(network: nn.Module, x: Tensor, file: Path | io.BytesIO) -> None:
    """Write a network for images of the shape of `x`, moving it to the processor and single precision.

    torch's newer exporter takes fifteen times as long as this older one, and predicting latency needs hundreds of
    exports.
    """
    network = network.to("cpu", torch.float32).to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    with warnings.catch_warnings(), torch.no_grad(), redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")  # each says that shapes become constants, as intended
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        torch.onnx.export(
            network,
            (x.to("cpu", torch.float32).contiguous(),),
            file,  # type: ignore[arg-type]
            input_names=[INPUT],
            output_names=["outputs"],
            opset_version=OPSET,
            dynamo=False,
        )
