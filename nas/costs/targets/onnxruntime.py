"""ONNX Runtime on the processor, https://onnxruntime.ai."""

import io
from importlib.util import find_spec

from torch import Tensor, nn

from nas.costs.onnx_file import INPUT, write_onnx
from nas.costs.targets import Clock, Setting, Target, cpu_clock


def _prepare(network: nn.Module, x: Tensor, setting: Setting) -> Clock:
    import onnxruntime as ort  # an extra

    file = io.BytesIO()
    write_onnx(network, x, file)
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = setting.threads, 1
    options.log_severity_level = 3
    session = ort.InferenceSession(file.getvalue(), options, providers=["CPUExecutionProvider"])
    feed = {INPUT: x.float().contiguous().numpy()}
    return cpu_clock(lambda: session.run(None, feed), setting)


def _missing() -> str:
    absent = [name for name in ("onnx", "onnxruntime") if find_spec(name) is None]
    verb = "is" if len(absent) == 1 else "are"
    return f"{' and '.join(absent)} {verb} not installed: pip install 'hybrid-nas[onnx]'" if absent else ""


onnxruntime = Target(
    device="cpu", prepare=_prepare, missing=_missing, versions=("torch", "onnxruntime"), dtypes=("float32",)
)
