"""A device of one's own: the package, what comes back from it, and what is wrong with what comes back."""

import csv
import io
import json
import os
import subprocess
import sys
import venv
from dataclasses import replace
from pathlib import Path

import latency_spaces
import pytest
from command import Command
from latency_spaces import TINY, tiny
from outside import site as site

from nas import document
from nas.costs.counts import count
from nas.costs.latency import runner
from nas.costs.latency.device_package import collect, fit
from nas.costs.latency.device_results import read_times
from nas.costs.latency.predictor import read_device, write_device
from nas.errors import SettingError
from nas.network.pieces import pieces
from nas.space.library import load_space


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    return collect(tiny(), tmp_path_factory.mktemp("device") / "package", networks=8, blocks=12)


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


@pytest.mark.long
def test_the_package_runs_and_becomes_a_predictor(package):
    done = subprocess.run(
        [sys.executable, "-I", package / "run.py", "--seconds", "0.05"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    rows = read(package / "results.csv")
    assert all(float(row["ms"]) > 0 for row in rows)
    predictor = fit(package / "results.csv")
    assert (len(predictor.networks), predictor.space) == (8, "tiny")
    assert 10 <= len(predictor.blocks) <= 12
    assert predictor.where["runtime"].startswith("onnxruntime ")
    assert predictor.predict(predictor.networks[0][0]) > 0

    again = subprocess.run([sys.executable, "-I", package / "run.py"], capture_output=True, text=True)
    assert again.returncode == 0
    assert read(package / "results.csv") == rows, "what is measured is kept"

    write(package / "results.csv", [rows[0] | {"reference": "3.25"}])  # as on a day on which it was slower
    subprocess.run([sys.executable, "-I", package / "run.py", "--seconds", "0.05"], capture_output=True, check=True)
    assert {float(row["reference"]) for row in read(package / "results.csv")} == {3.25}, "all rows have one unit"
    write(package / "results.csv", rows)

    more = [sys.executable, "-I", package / "run.py", "--threads", "2"]
    other = subprocess.run(more, capture_output=True, text=True)
    assert other.returncode == 1
    assert "network_000 was measured with threads 1, and this run has 2. Measure as it began, or move" in other.stderr
    assert read(package / "results.csv") == rows


@pytest.mark.parametrize("key", ["threads", "device", "runtime", "package"])
def test_the_script_joins_no_rows_that_were_measured_otherwise(tmp_path, key):
    fixed = {"threads": 1, "device": "d", "runtime": "r", "package": "p"}
    row = {name: str(value) for name, value in fixed.items()}
    runner.check_same(tmp_path / "results.csv", {"a": row}, fixed)
    with pytest.raises(SystemExit, match=rf"results\.csv: b was measured with {key} other, and this run has"):
        runner.check_same(tmp_path / "results.csv", {"a": row, "b": row | {key: "other"}}, fixed)


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


@pytest.mark.long
def test_results_of_another_space_of_the_same_name_and_size_are_refused(package, results, tmp_path):
    twin = load_space(TINY | {"stem": {"kind": "conv", "width": [8, 24]}})
    assert (twin.name, twin.size()) == (tiny().name, tiny().size())
    collect(twin, tmp_path / "twin", networks=8, blocks=12)
    with pytest.raises(SettingError, match="another space or other networks"):
        fit(results.rename(tmp_path / "twin" / "results.csv"))
    again = collect(tiny(), tmp_path / "again", networks=8, blocks=12)
    assert (again / "manifest.json").read_text() == (package / "manifest.json").read_text()


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
        (lambda rows: [*rows, rows[3]], "network_003 appears twice"),
        (
            lambda rows: [r | {"package": "cvt_family-9-60-120-1"} for r in rows],
            "is of the package cvt_family-9-60-120-1, ",
        ),
        (lambda rows: [*rows, {"name": "mean", "ms": 1.0, "package": rows[0]["package"]}], "'mean' is no file of the"),
        (
            lambda rows: [*rows[:-1], rows[-1] | {"device": "a kettle"}],
            "device is 'a toaster' in line 2 and 'a kettle'",
        ),
        (lambda rows: [{"name": r["name"], "time": 1} for r in rows], "the columns are name, ms"),
    ],
)
def test_results_that_cannot_stand_are_named(results, change, message):
    write(results, change(read(results)))
    with pytest.raises(SettingError, match=message):
        fit(results)


def spreadsheet(results, change=lambda row: row, *, number=str, coding="utf-8", end="\r\n", top="", **options):
    """Save results as another program does."""
    rows = [change(row | {"ms": number(row["ms"])}) for row in read(results)]
    columns = options.pop("columns", list(rows[0]))
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns, lineterminator=end, extrasaction="ignore", **options)
    writer.writeheader()
    writer.writerows(rows)
    results.write_bytes((top + stream.getvalue()).encode(coding))


def comma(ms):
    return ms.replace(".", ",")


SAVED = {
    "byte-order mark": {"coding": "utf-8-sig"},
    "old Mac": {"end": "\r"},
    "Unicode text": {"coding": "utf-16", "delimiter": "\t"},
    "semicolons": {"delimiter": ";", "number": comma, "coding": "utf-8-sig"},
    "named separator": {"delimiter": ";", "number": comma, "top": "sep=;\r\n"},
    "tabs, all quoted": {"delimiter": "\t", "number": comma, "quoting": csv.QUOTE_ALL},
    "commas in quotes": {"number": comma},
    "another order, more columns": {"columns": ["package", "note", "MS", "device", "Name"],
                                    "change": lambda row: row | {"MS": row["ms"], "Name": row["name"], "note": "x,y"}},
    "empty lines": {"top": ";;\n\n", "delimiter": ";", "end": "\n;;;\n\n"},
    "powers of ten": {"delimiter": ";", "number": lambda ms: comma(f"{float(ms):.6E}")},
    "spaces": {"number": lambda ms: f" {ms} "},
    "a note of two lines": {"columns": ["name", "ms", "note", "package", "device"],
                            "change": lambda row: row | {"note": "x\ny"}},
    "a note with a line separator": {"columns": ["name", "ms", "note", "package", "device"],
                                     "change": lambda row: row | {"note": "x\u2028y\x0cz"}},
    "letters lost": {"change": lambda row: row | {"package": "t?ny" + row["package"].removeprefix("tiny")}},
    "a device in cp1252": {"change": lambda row: row | {"device": "Intel® N100"}, "coding": "cp1252"},
}  # fmt: skip


@pytest.mark.parametrize("name", SAVED)
def test_results_that_another_program_saved_are_read_as_they_were(results, name):
    expected = {row["name"]: float(row["ms"]) for row in read(results)}
    spreadsheet(results, **SAVED[name])
    manifest = json.loads((results.parent / "manifest.json").read_text())
    found = read_times(results, manifest["package"], [e["name"] for e in manifest["files"]])
    assert found.milliseconds == pytest.approx(expected)
    assert found.told["device"] == ("Intel® N100" if "cp1252" in name else "a toaster")


LARGE = ["1234.5", "12.25", "0.5"]


@pytest.mark.parametrize(
    ("ms", "said"),
    [
        (["1.234,5", "12,25", "0,5"], LARGE),
        (["1,234.5", "12.25", "0.5"], LARGE),
        (["1\u202f234,5", "12,25", "0,5"], LARGE),
        (["1'234.5", "12.25", "0.5"], LARGE),
        (["1,234", "12,25", "0,5"], ["1.234", "12.25", "0.5"]),
        (["1.234", "2.345", "3.456"], ["1.234", "2.345", "3.456"]),  # as run.py writes them
        (["3", "2", "1"], ["3", "2", "1"]),
        (["1,234", "2,345", "3,456"], "line 2: ms is '1,234', which may be a thousand times as much; take the file"),
        (["1,234", "12.25", "0.5"], "line 2: ms is '1,234', which may be a thousand times"),
        (["1.234", "12,25", "0,5"], "line 2: ms is '1.234', which may be a thousand times"),
        (["0,123", "12.25", "0.5"], "ms is '0,123' in line 2 and '12.25' in line 3, decimal commas and points"),
        (["12.345.678", "1.234.567", "3.456.789"], "lost its decimal point: take the file as the device wrote it"),
        (["1234", "12.25", "0.5"], "line 2: network_000: ms is '1234'; a spreadsheet seems to have lost"),
        (
            ["12. Mai", "12,25", "0,5"],
            "line 2: network_000: ms is '12. Mai'; it must be a number above 0. Take the file",
        ),
        (["0", "1", "2"], "must be a number above 0"),
        (["1e999", "0.5", "0.5"], "must be a number above 0"),
        (["####", "0.5", "0.5"], "ms is '####'"),
    ],
)
def test_numbers_are_read_where_they_mean_one_thing(tmp_path, ms, said):
    names = [f"network_00{i}" for i in range(len(ms))]
    path = write(
        tmp_path / "results.csv", [{"name": n, "ms": t, "package": "p"} for n, t in zip(names, ms, strict=True)]
    )
    if isinstance(said, list):
        assert list(read_times(path, "p", names).milliseconds.values()) == [float(text) for text in said]
        return
    with pytest.raises(SettingError, match=said):
        read_times(path, "p", names)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"PK\x03\x04...", r"not a table as text, but a zip archive, as \.xlsx and \.ods are; save it as CSV"),
        (b"<!DOCTYPE html><html>", "an HTML page"),
        (b"", "line 1: holds no results; .* name is missing"),
        (b"name,ms,package\n", "holds no results"),
        (b"name,ms,ms,package\na,1,2,p\n", "ms appears twice"),
        (b"a,1,p\nname,ms,package\n", "line 1: holds no results"),
        (b"name,ms,package,device\na,0,5,p,x\n", r"line 2: 5 cells under 4 columns; if commas are decimal ones too"),
        (b'name,ms,package\na,1,"' + b"x" * 200_000, "cannot be read as a table"),
        (b"n\0a\0", "not a table as text"),
    ],
)  # fmt: skip
def test_other_files_are_no_results(tmp_path, content, said):
    (tmp_path / "results.csv").write_bytes(content)
    with pytest.raises(SettingError, match=said):
        read_times(tmp_path / "results.csv", "p", ["a"])


class Simulated:
    """A device whose time goes on with each look at a clock, and whose thread's clock ticks every so many seconds."""

    def __init__(self, tick):
        self.tick, self.passed = tick, 0.0

    def perf_counter(self):
        self.passed += 1e-7
        return self.passed

    monotonic = perf_counter

    def thread_time(self):
        return self.perf_counter() // self.tick * self.tick


def test_a_device_whose_threads_clock_ticks_seldom_is_timed_by_the_walls(monkeypatch):
    """Every 15.6 ms, as on Windows, where spells of 2 ms took no time or eight times theirs."""
    for seldom, name, threads in ((1 / 64, "perf_counter", 1), (1e-6, "thread_time", 1), (1e-6, "perf_counter", 2)):
        monkeypatch.setattr(runner, "time", device := Simulated(seldom))
        now = runner.timer(threads)
        assert now == getattr(device, name)

        def run(count, device=device, now=now):
            start = now()
            device.passed += count * 1e-3
            return now() - start

        assert runner.warm_up(run) == 3
        assert runner.calibrate(run) == pytest.approx(1e-3, rel=0.01)
        assert [own / other for own, other in runner.compare(run, run, 0.1)] == pytest.approx([1] * 17, rel=0.01)


def test_the_script_goes_on_only_with_what_it_wrote(tmp_path):
    read_rows = runner.read
    whole = {"name": "a", "ms": "0.5", "iqr": "0.1", "rounds": "5", "threads": "1", "device": "d", "runtime": "r",
             "package": "p", "reference": "1.5"}  # fmt: skip
    path = tmp_path / "results.csv"
    assert read_rows(path) == {}
    write(path, [whole, whole | {"name": "b", "ms": "fast"}, whole | {"name": "c", "package": None}])
    assert list(read_rows(path)) == ["a", "c"]
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b",", b";"))
    with pytest.raises(SystemExit, match=r"results\.csv: is not as this script wrote it.*Move it away, and run"):
        read_rows(path)


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
    with pytest.raises(SettingError, match=r"manifest.json/new: cannot be written \(Not a directory\); choose another"):
        collect(tiny(), package / "manifest.json" / "new")
    with pytest.raises(SettingError, match="-n: found 3; from 8 to"):
        collect(tiny(), package.parent / "other", networks=3)
    with pytest.raises(SettingError, match="--blocks: found 999"):
        collect(tiny(), package.parent / "other", blocks=999)


FULL = """
import resource, sys
from pathlib import Path
from latency_spaces import tiny
from nas.costs.latency.device_package import collect
from nas.errors import RunError
for room in (0, 5000):
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
    try:
        collect(tiny(), Path(sys.argv[1]), networks=8, blocks=2)
    except RunError as error:
        print(error, list(Path(sys.argv[1]).parent.iterdir()))
"""


@pytest.mark.long
def test_a_full_disk_leaves_no_half_package(tmp_path):
    """A process that may write no more than some bytes to a file: no network at all, or no manifest."""
    path = os.pathsep.join([*sys.path, str(Path(latency_spaces.__file__).parent)])
    command = [sys.executable, "-c", FULL, str(tmp_path / "package")]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said = f"{tmp_path / 'package'}: cannot be written (File too large); choose another folder []\n"
    assert done.stdout == 2 * said


@pytest.mark.long
def test_an_interrupted_collection_leaves_nothing_and_may_begin_again(tmp_path):
    def stop(name):
        if name == "network_001":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        collect(tiny(), tmp_path / "new" / "package", networks=8, blocks=0, progress=stop)
    assert not list((tmp_path / "new").iterdir())
    again = collect(tiny(), tmp_path / "new" / "package", networks=8, blocks=0)
    assert again.stat().st_mode == (tmp_path / "new").stat().st_mode
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["package"]


def test_a_device_of_too_few_networks_is_refused(results, tmp_path):
    """An earlier version wrote such a file."""
    predictor = fit(results)
    write_device(tmp_path / "mine.yaml", replace(predictor, networks=predictor.networks[:1]))
    with pytest.raises(
        SettingError, match=r"target file:.*mine\.yaml: a predictor needs the times of 8 networks, found 1"
    ):
        read_device(tmp_path / "mine.yaml")


@pytest.mark.parametrize("text", ["[1, 2]", "a: 1", "networks: [{ms: 1, architecture: 3}]", "where: {}\nspace: a: b"])
def test_another_file_is_no_device(tmp_path, text):
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(SettingError, match=r"target file:.*mine\.yaml: "):
        read_device(tmp_path / "mine.yaml")


@pytest.mark.parametrize("ms", [0, -1, float("nan"), float("inf"), True, "fast"])
@pytest.mark.parametrize("part", ["networks", "blocks"])
def test_a_device_of_times_that_are_none_is_refused(results, tmp_path, part, ms):
    data = fit(results).to_dict()
    data[part][0]["ms"] = ms
    (tmp_path / "mine.yaml").write_text(document.dump(data))
    with pytest.raises(SettingError, match=r"target file:.*mine\.yaml: this is not a device's file; make one with nas"):
        read_device(tmp_path / "mine.yaml")


@pytest.mark.parametrize("depths", [[1], [1, 2, 3]])
def test_a_space_of_too_few_networks_is_refused_before_anything_is_written(nas: Command, tmp_path, depths):
    stage = {"block": "conv", "depth": depths, "width": 8, "stride": 2}
    few = {"name": "few", "resolution": 8, "stem": {"kind": "conv", "width": 8}, "stages": [stage]}
    (tmp_path / "few.yaml").write_text(document.dump(few))
    answer = nas("latency", "collect", "--space", tmp_path / "few.yaml", "-o", tmp_path / "package")
    assert answer.status == 2
    assert f"few: has {len(depths)} of the 8 networks that make a predictor" in answer.err
    assert not (tmp_path / "package").exists()


PLUGIN = """
from nas.network.blocks.coatnet import MBConv

__all__ = ["theirs"]


class Theirs(MBConv):
    letter = "TH"
"""


def test_a_space_with_a_kind_from_outside_can_be_fitted(site, nas: Command, results, tmp_path):
    (tmp_path / "theirs.py").write_text(PLUGIN)
    manifest = results.parent / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"mbconv"', '"theirs"'))
    asked = ["latency", "fit", results, "-o", tmp_path / "mine.yaml"]
    assert "unknown block 'theirs'" in nas(*asked).err
    answer = nas(*asked, "--plugins", tmp_path / "theirs.py")
    assert answer.status == 0, answer.err
    assert "theirs" in (tmp_path / "mine.yaml").read_text()
    answer = nas(*asked, "--plugins", tmp_path / "missing.py")
    assert answer.status == 2
    assert "missing.py: cannot be read" in answer.err


def test_a_device_s_file_is_replaced_only_where_that_is_asked_for(nas: Command, results, tmp_path):
    (tmp_path / "mine.yaml").write_text("name: mine\n")
    asked = ["latency", "fit", results, "-o", tmp_path / "mine.yaml"]
    refused = nas(*asked)
    assert refused.status == 2
    assert "mine.yaml exists already; take another name, or replace it with --force" in " ".join(refused.err.split())
    assert (tmp_path / "mine.yaml").read_text() == "name: mine\n"
    assert nas(*asked, "--force").status == 0
    assert len(read_device(tmp_path / "mine.yaml").networks) == 8
    folder = nas("latency", "fit", results, "-o", tmp_path)
    assert folder.status == 2
    assert "is a folder; name a file in it, such as" in " ".join(folder.err.split())


def test_results_of_too_few_networks_make_no_file(nas: Command, results, tmp_path):
    manifest = json.loads((results.parent / "manifest.json").read_text())
    manifest["files"] = manifest["files"][:3]
    (results.parent / "manifest.json").write_text(json.dumps(manifest))
    write(results, read(results)[:3])
    answer = nas("latency", "fit", results, "-o", tmp_path / "mine.yaml")
    assert answer.status == 2
    assert "needs the times of 8 networks, found 3" in answer.err
    assert not (tmp_path / "mine.yaml").exists()


def test_single_blocks_are_the_most_common_ones(package):
    manifest = json.loads((package / "manifest.json").read_text())
    blocks = [e for e in manifest["files"] if "block" in e]
    assert {b["block"]["part"] for b in blocks} >= {"stem", "head", "block"}
    assert all(count(p).params >= 0 for p in pieces(tiny().smallest()))


def test_a_space_of_detectors_is_searched_for_its_task(nas: Command, results, tmp_path):
    manifest = json.loads((results.parent / "manifest.json").read_text())
    for entry in manifest["files"]:
        if "network" in entry:
            entry["network"]["head"] = {"kind": "detr"}
    (results.parent / "manifest.json").write_text(json.dumps(manifest))
    answer = nas("latency", "fit", results, "-o", tmp_path / "mine.yaml")
    assert answer.status == 0, answer.err
    assert "nas search --space FILE --task detection --target" in " ".join(answer.out.split())
