"""A model as torch.export's program, from which files are made."""

import copy
import io
import logging
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout

import torch
from torch.export import Dim, ExportedProgram

from nas.errors import RunError, in_one_line
from nas.training.model import Model

KEPT = ("val", "tensor_meta")  # of a node's notes; the others hold paths of this machine
LEAST, STEPS = 2, 512  # smallest and largest side of an image of any size, in units of `step`


@contextmanager
def quiet() -> Iterator[None]:
    """Silence what exporters print, log and warn of."""
    before = logging.root.manager.disable
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        logging.disable(logging.CRITICAL)
        try:
            yield
        finally:
            logging.disable(before)


def plain(model: Model) -> Model:
    """Return a copy on the processor, in evaluation mode and single precision, that wants no gradients."""
    return copy.deepcopy(model).to("cpu", torch.float32).eval().requires_grad_(False)


def step(model: Model) -> int:
    """Return the factor by which stem and stages divide an image's side."""
    stem: int = model.network.stem.stride
    return stem * math.prod(stage.stride for stage in model.architecture.stages)


def sizes(model: Model, dynamic_size: bool) -> list[tuple[int, int]]:
    """List the heights and widths to try: the model's own, and three others where the size may vary."""
    side, unit = model.architecture.resolution, step(model)
    others = [(LEAST * unit, LEAST * unit), (3 * unit, 5 * unit), (6 * unit, 4 * unit)] if dynamic_size else []
    return [(side, side), *others]


def trace(model: Model, dynamic_size: bool = False) -> ExportedProgram:
    """Trace a model, for a batch of any size and with `dynamic_size` images whose sides are multiples of `step`.

    Those of `LEAST` steps are the smallest. Raises RunError where torch cannot trace it.
    """
    side, unit = model.architecture.resolution, step(model)
    dims, height, width = {0: Dim("batch")}, side, side
    if dynamic_size:
        dims |= {2: unit * Dim("rows", min=LEAST, max=STEPS), 3: unit * Dim("columns", min=LEAST, max=STEPS)}
        height, width = 6 * unit, 7 * unit  # other than the model's own, so that tables are resized
    images = torch.rand(2, model.architecture.channels, height, width)
    try:
        with quiet(), torch.no_grad():
            # sizes that the code compares are checked by `nas.report.parity`, not demanded before
            program = torch.export.export(
                model, (images,), dynamic_shapes=(dims,), prefer_deferred_runtime_asserts_over_guards=dynamic_size
            )
    except Exception as error:  # torch raises many kinds
        raise RunError(_untraced(error, dynamic_size)) from None
    for node in program.graph.nodes:
        node.meta = {name: value for name, value in node.meta.items() if name in KEPT}
    return program


def _untraced(error: Exception, dynamic_size: bool) -> str:
    what = "with images of any size; leave --dynamic-size out" if dynamic_size else "this network"
    return f"torch cannot export {what} ({in_one_line(error)})"
