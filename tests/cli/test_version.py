"""nas --version: at once, with what matters."""

import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from command import Command

from nas.costs.machine import cpu_name, gpu_names


def test_it_says_the_versions_that_matter_and_the_device(nas: Command) -> None:
    answer = nas("--version")
    assert (answer.status, answer.err) == (0, "")
    said = dict(line.split(maxsplit=1) for line in answer.out.splitlines())
    assert said["nas"].startswith(version("hybrid-nas"))
    assert said["python"].startswith(platform.python_version())
    for name in ("torch", "optuna", "ray", "plotly"):
        assert said[name] == version(name)
    assert said["device"] == f"{cpu_name()}, {os.cpu_count()} CPUs"


def test_it_imports_none_of_them() -> None:
    code = (
        "import sys; sys.argv = ['nas', '--version']\nfrom nas.cli import main\ntry: main()\nexcept SystemExit: pass\n"
    )
    heavy = "{'torch', 'optuna', 'ray', 'plotly', 'numpy', 'onnxruntime'}"
    done = subprocess.run([sys.executable, "-c", f"{code}assert not {heavy} & set(sys.modules)"], check=False,
                          env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}, capture_output=True)  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("cards", "names"), [(0, []), (2, ["NVIDIA H100"] * 2)])
def test_gpus_are_those_that_the_driver_lists(tmp_path: Path, cards: int, names: list[str]) -> None:
    for number in range(cards):
        (tmp_path / f"0000:{number}").mkdir()
        (tmp_path / f"0000:{number}" / "information").write_text("Model: \t\t NVIDIA H100\nIRQ: 1\n")
    assert gpu_names(tmp_path) == names
    assert gpu_names(tmp_path / "none") == []
