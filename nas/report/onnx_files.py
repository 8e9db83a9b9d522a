"""Writing, describing and running ONNX files, https://onnx.ai, for the formats that are some."""

from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nas.errors import RunError, SettingError, in_one_line
from nas.report.formats import Reader
from nas.report.metadata import INPUT, check_outputs, described, metadata_of
from nas.report.tracing import LEAST, plain, quiet, step, trace
from nas.training.model import Model

OPSET = 20
RUNNING = ("onnx", "onnxruntime")
WRITING = (*RUNNING, "onnxscript")


def missing(packages: Sequence[str] = WRITING) -> str:
    """Say which packages for ONNX files are not installed, or give an empty text."""
    absent = [name for name in packages if find_spec(name) is None]
    return f"{' and '.join(absent)} not installed: pip install 'hybrid-nas[onnx]'" if absent else ""


def make_onnx(model: Model, dynamic_size: bool = False) -> Any:
    """Export a model as an `onnx.ModelProto` of opset 20, by torch's current exporter, with its metadata.

    Its input is `images`, its output is called by its kind, `logits` or `boxes`; the batch may have any size, and with
    `dynamic_size` the images too. Raises RunError where torch cannot.
    """
    model = plain(model)
    program = trace(model, dynamic_size)
    varying = {0: "batch"} | ({2: "height", 3: "width"} if dynamic_size else {})
    try:
        with quiet(), torch.no_grad():
            made: Any = torch.onnx.export(
                program,
                dynamo=True,
                input_names=[INPUT],
                output_names=[model.outputs],
                opset_version=OPSET,
                dynamic_shapes=(varying,),
                external_data=False,
                verbose=False,
            )
            proto = made.model_proto
    except Exception as error:  # the exporter raises many kinds
        raise RunError(f"torch's exporter to ONNX fails ({in_one_line(error)})") from None
    _clean(proto)
    described_as = metadata_of(model) | ({"sizes": sizes_in_words(model)} if dynamic_size else {})
    describe(proto, described_as)
    return proto


def sizes_in_words(model: Model) -> str:
    """Say which sizes of images a file takes that was made with `dynamic_size`."""
    unit = step(model)
    return f"height and width are multiples of {unit} pixels, from {LEAST * unit}"


def describe(proto: Any, metadata: dict[str, str]) -> None:
    """Set the metadata of an `onnx.ModelProto`."""
    del proto.metadata_props[:]
    for key, value in metadata.items():
        proto.metadata_props.add(key=key, value=value)


def _clean(proto: Any) -> None:
    """Remove the exporter's notes, which hold code and paths of this machine."""
    for graph in (proto.graph, *proto.functions):
        for node in graph.node:
            del node.metadata_props[:]
            node.doc_string = ""
        for value in graph.value_info:
            del value.metadata_props[:]
    for value in (*proto.graph.input, *proto.graph.output, *proto.graph.initializer):
        del value.metadata_props[:]


def session(data: bytes, threads: int = 0) -> Any:
    """Open an ONNX file's bytes in onnxruntime on the processor."""
    import onnxruntime as ort  # an extra

    options = ort.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 4, threads
    return ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def runner(opened: Any) -> Callable[[Tensor], Tensor]:
    """Return the function of a session of one output: images -> logits, or boxes."""

    def run(images: Tensor) -> Tensor:
        (outputs,) = opened.run(None, {INPUT: images.to(torch.float32).contiguous().numpy()})
        return torch.from_numpy(outputs)

    return run


def read_onnx(path: Path) -> Reader:
    """Make an exported file ready to run by onnxruntime. Raises SettingError when it is missing or damaged."""
    if lacking := missing(RUNNING):
        raise SettingError(f"{path}: {lacking}")
    try:
        data = path.read_bytes()
        proto = _parsed(data)
        outside = any(tensor.data_location for tensor in _tensors(proto.graph))
        opened = None if outside else session(data)
    except OSError as error:
        raise SettingError(f"{path}: cannot be read ({error.strerror})") from None
    except Exception as error:  # onnxruntime raises kinds of its own
        raise SettingError(f"{path}: not an ONNX file, or damaged ({type(error).__name__})") from None
    if opened is None:
        raise SettingError(f"{path}: keeps weights in other files, which nas never writes; such files are not read")
    found = described({prop.key: prop.value for prop in proto.metadata_props}, path)
    inputs, outputs = ({one.name: one.shape for one in ones} for ones in (opened.get_inputs(), opened.get_outputs()))
    if list(inputs) != [INPUT] or list(outputs) != [found.outputs] or len(outputs[found.outputs]) != found.rank:
        raise SettingError(f"{path}: takes {', '.join(inputs)} and gives {', '.join(outputs)}, not {INPUT} and "
                           f"{found.outputs}; it is not a file that nas exported")  # fmt: skip
    check_outputs(outputs[found.outputs][-1], found, path)
    return found.reader(runner(opened))


def _parsed(data: bytes) -> Any:
    import onnx  # an extra

    return onnx.load_model_from_string(data)


def _tensors(graph: Any) -> Iterator[Any]:
    """Yield the constant tensors of a graph and of those in its nodes."""
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            yield attribute.t
            yield from attribute.tensors
            for inner in (attribute.g, *attribute.graphs):
                if inner.ByteSize():
                    yield from _tensors(inner)
