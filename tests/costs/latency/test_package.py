"""A device of one's own: the package, what comes back from it, and what is wrong with what comes back."""

import csv
import json
import subprocess
import sys
import venv

import pytest
from latency_spaces import tiny

from nas.costs.counts import count
from nas.costs.latency.device_package import collect, fit
from nas.costs.latency.predictor import read_device, write_device
from nas.errors import SettingError
from nas.network.pieces import pieces


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    return collect(tiny(), tmp_path_factory.mktemp("device") / "package", networks=8, blocks=22)


@pytest.fixture
def results(package, tmp_path):
    """A copy of the package's manifest, beside results that a formula gives."""
    manifest = json.loads((package / "manifest.json").read_text())
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    rows = [{"name": e["name"], "ms": 0.1 + i / 100, "package": manifest["package"], "device": "a toaster"}
            for i, e in enumerate(manifest["files"])]  # fmt: skip
    return write(tmp_path / "results.csv", rows)


def write(path, rows):
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return path


def read(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_package_runs_and_becomes_a_predictor(package):
    done = subprocess.run(
        [sys.executable, "-I", package / "run.py", "--seconds", "0.05"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    rows = read(package / "results.csv")
    assert all(float(row["ms"]) > 0 for row in rows)
    predictor = fit(package / "results.csv")
    assert (len(predictor.networks), predictor.space) == (8, "tiny")
    assert 10 <= len(predictor.blocks) <= 22
    assert predictor.where["runtime"].startswith("onnxruntime ")
    assert predictor.predict(predictor.networks[0][0]) > 0

    again = subprocess.run([sys.executable, "-I", package / "run.py"], capture_output=True, text=True)
    assert again.returncode == 0
    assert read(package / "results.csv") == rows, "what is measured is kept"


@pytest.mark.slow
def test_the_package_needs_onnxruntime_alone(package, tmp_path):
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", "onnxruntime"], check=True)
    for part in package.iterdir():
        if part.name != "results.csv":
            (tmp_path / part.name).write_bytes(part.read_bytes())
    absent = subprocess.run([python, "-c", "import torch"], capture_output=True)
    assert absent.returncode != 0
    done = subprocess.run([python, tmp_path / "run.py", "--seconds", "0.05"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert fit(tmp_path / "results.csv").error.networks == 8


def test_a_device_file_gives_the_predictor_back(results, tmp_path):
    predictor = fit(results)
    write_device(tmp_path / "mine.yaml", predictor)
    read_back = read_device(tmp_path / "mine.yaml")
    assert read_back == predictor
    assert read_back.where["device"] == "a toaster"


def test_the_largest_package_makes_a_file_that_can_be_read(tmp_path):
    """Files are read up to a size; networks of the flagship are as large as descriptions get."""
    from nas.costs.latency.device_package import MOST, MOST_BLOCKS
    from nas.costs.latency.predictor import Predictor
    from nas.space.library import load_space
    from nas.space.space import draw

    space = load_space("hybrid_zoo").fit(resolution=32, channels=3, classes=10)
    drawn = draw(space, MOST)
    blocks = list(dict.fromkeys(p for a in drawn for p in pieces(a)))[:MOST_BLOCKS]
    predictor = Predictor(
        {"device": "x" * 60}, "zoo", tuple((a, 1 / 3) for a in drawn), tuple((b, 1 / 7) for b in blocks)
    )
    write_device(tmp_path / "mine.yaml", predictor)
    assert len(read_device(tmp_path / "mine.yaml").networks) == MOST


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows[:-2], r"2 of \d+ rows are missing, the first block_0\d+; run run.py again"),
        (lambda rows: [rows[0] | {"ms": "-0.5"}, *rows[1:]], r"network_000: ms is '-0.5'; it must be a number above 0"),
        (lambda rows: [rows[0] | {"ms": "fast"}, *rows[1:]], "ms is 'fast'"),
        (lambda rows: [rows[0] | {"ms": "nan"}, *rows[1:]], "ms is 'nan'"),
        (lambda rows: [rows[0] | {"ms": ""}, *rows[1:]], "ms is ''"),
        (lambda rows: [*rows, rows[3]], "network_003 stands there twice"),
        (
            lambda rows: [r | {"package": "cvt_family-9-60-120-1"} for r in rows],
            "is of the package cvt_family-9-60-120-1, ",
        ),
        (lambda rows: [{"name": r["name"], "time": 1} for r in rows], "the columns are name, ms"),
    ],
)
def test_results_that_cannot_stand_are_named(results, change, message):
    write(results, change(read(results)))
    with pytest.raises(SettingError, match=message):
        fit(results)


def test_results_belong_beside_their_manifest(results):
    (results.parent / "manifest.json").write_text("{")
    with pytest.raises(SettingError, match="damaged"):
        fit(results)
    (results.parent / "manifest.json").unlink()
    with pytest.raises(SettingError, match=r"results\.csv: no manifest\.json lies beside it"):
        fit(results)
    with pytest.raises(SettingError, match=r"nothing\.csv: no manifest\.json lies beside it"):
        fit(results.parent / "nothing.csv")


def test_a_package_is_never_written_over_something(package):
    with pytest.raises(SettingError, match="exists already"):
        collect(tiny(), package)
    with pytest.raises(SettingError, match="-n: found 3; from 8 to"):
        collect(tiny(), package.parent / "other", networks=3)
    with pytest.raises(SettingError, match="--blocks: found 999"):
        collect(tiny(), package.parent / "other", blocks=999)


@pytest.mark.parametrize("text", ["[1, 2]", "a: 1", "networks: [{ms: 1, architecture: 3}]", "where: {}\nspace: a: b"])
def test_another_file_is_no_device(tmp_path, text):
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(SettingError, match=r"target file:.*mine\.yaml: "):
        read_device(tmp_path / "mine.yaml")


def test_single_blocks_are_the_most_common_ones(package):
    manifest = json.loads((package / "manifest.json").read_text())
    blocks = [e for e in manifest["files"] if "block" in e]
    assert {b["block"]["part"] for b in blocks} >= {"stem", "head", "block"}
    assert all(count(p).params >= 0 for p in pieces(tiny().smallest()))
