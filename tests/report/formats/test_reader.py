"""A network that is ready to run goes to the device that is named, if what it was read from can."""

from pathlib import Path

import pytest
import torch
from small_models import model_of

from nas.errors import SettingError
from nas.record.models import write_model
from nas.report.exported import open_exported
from nas.report.formats import Reader
from nas.report.metadata import reader_of


def test_a_model_is_moved_and_one_of_a_file_that_cannot_stays() -> None:
    moved: list[torch.device] = []
    reader = Reader(("a", "b"), 3, 8, lambda x: x, to=moved.append)
    reader.place("cpu", "net")
    assert moved == [torch.device("cpu")]
    Reader(("a", "b"), 3, 8, lambda x: x).place("auto", "net.onnx")
    with pytest.raises(SettingError, match=r"unknown device 'cuda:0'\. Did you mean 'cuda'"):
        reader.place("cuda:0", "net")


def test_a_move_changes_no_answer() -> None:
    model = model_of(["conv"])
    x = torch.rand(2, model.architecture.channels, model.architecture.resolution, model.architecture.resolution)
    reader = reader_of(model)
    before = reader.run(x)
    reader.place("cpu", "net")
    assert torch.equal(reader.run(x), before)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_an_absent_gpu_is_told() -> None:
    with pytest.raises(SettingError, match="found cuda, but torch sees no CUDA device here; write cpu or auto"):
        Reader(("a",), 3, 8, lambda x: x).place("cuda", "net.onnx")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_weights_of_a_file_run_on_a_gpu(tmp_path: Path) -> None:
    write_model(model_of(["conv"]), tmp_path / "net.safetensors")
    here, there = (open_exported(tmp_path / "net.safetensors") for _ in range(2))
    there.place("auto", "net")
    x = torch.rand(2, here.channels, here.resolution, here.resolution)
    assert torch.allclose(here.run(x), there.run(x), atol=1e-2)
    with pytest.raises(SettingError, match=r"device: found cuda, but net.onnx runs on the processor"):
        Reader(("a",), 3, 8, lambda x: x).place("cuda", "net.onnx")
