"""What a person may get wrong, through the real command line: one message, exit status 2, nothing half written."""

import json
import os
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from forks import Forked
from PIL import Image
from run_fixtures import finished_run

from nas.cli import main
from nas.record.run import Run

TINY = """\
name: tiny
resolution: 8
stem: {kind: conv, width: [8, 16]}
stages:
  - {block: [conv, mbconv], depth: [1, 2], width: [8, 16], stride: 2}
"""
NETWORK = TINY.replace("[8, 16]", "8").replace("[conv, mbconv]", "moat").replace("[1, 2]", "1")
QUICK = "--data digits --budget 2 --epochs 1 --subset 64 --objectives accuracy,params"


@pytest.fixture
def nas(tmp_path, monkeypatch, capsys):
    """Runs a command line in an empty folder; gives exit status and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NAS_CACHE", str(tmp_path / "cache"))
    Path("tiny.yaml").write_text(TINY)
    Path("net.yaml").write_text(NETWORK)

    def call(line: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["nas", *line.split()])
        try:
            main()
            status = 0
        except SystemExit as end:
            status = int(end.code or 0)
        return status, capsys.readouterr().err

    return call


def assert_refused(status: int, stderr: str, says: str) -> None:
    assert status == 2, stderr
    assert "Traceback" not in stderr
    assert re.search(says, stderr), stderr
    assert stderr.startswith("error: ")
    assert len(stderr.strip().splitlines()) == 1, stderr
    assert stderr.count("error: ") == 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("--space cvt_famly", "no search space .*'cvt_famly'.* Did you mean 'cvt_family'"),
        ("--space none.yaml", "nor a file of that name"),
        ("--space .", "is a folder; name a YAML file"),
        ("--data cifar", "unknown data set 'cifar'.* Did you mean 'cifar10'"),
        ("--data digits:/x", "takes no path"),
        ("--data cifar10", "write cifar10:PATH"),
        ("--data npz:none.npz", "none.npz should be a file, but nothing lies there"),
        ("--data image_folder:none", "none should be a folder"),
        ("--sampler tpee", "unknown sampler 'tpee'. Did you mean 'tpe'"),
        ("--objectives accuracy,latncy", "unknown objective 'latncy'. Did you mean 'latency'"),
        ("--objectives accuracy", "objectives: name two or more by comma, found accuracy"),
        ("--objectives accuracy,accuracy", "named twice"),
        ("--objectives ,", "unknown objective ''"),
        ("--device tpu", "device: found 'tpu'; write auto, cpu or cuda"),
        ("--workers 0", "workers: found 0; write auto, or a whole number from 1 to"),
        ("--workers -1", "workers: found -1; write auto, or a whole number from 1 to"),
        ("--budget 0", "budget: found '0'; write a number"),
        ("--budget -3", "budget: found '-3'"),
        ("--budget 5x", "budget: found '5x'"),
        ("--budget nan", "budget: found 'nan'"),
        ("--budget 99999999999999999999", "budget: found '9+'"),
        ("--budget 2000000", "at most 1,000,000"),
        ("--seed -1", "seed: found -1"),
        ("--seed 99999999999999999999", "seed: found 9+"),
        ("--epochs 0", "epochs: found 0"),
        ("--epochs -1", "epochs: found -1"),
        ("--epochs 1000000", "epochs: found 1000000"),
        ("--batch-size 0", "batch_size: found 0"),
        ("--batch-size 1000000000", "batch_size: found 1000000000"),
        ("--learning-rate 0", "learning_rate: found 0"),
        ("--learning-rate nan", "learning_rate: found nan"),
        ("--learning-rate inf", "learning_rate: found inf"),
        ("--subset 0", "subset: found 0"),
        ("--subset -5", "subset: found -5"),
        ("--resolution 0", "resolution: found 0"),
        ("--resolution -8", "resolution: found -8"),
        ("--resolution 100000", "resolution: found 100000"),
        ("--resolution 2049", "resolution: found 2049"),
        ("--max accuracy=0.9", "--max accuracy: known only after training"),
        ("--min accuracy=0.9", "--min accuracy: known only after training"),
        ("--max latency", "--max latency: write OBJECTIVE=NUMBER"),
        ("--max latency=fast", "--max latency=fast: write OBJECTIVE=NUMBER"),
        ("--max latency=1,params=2e5", "such as --max latency=5 for 5 ms; repeat --max for each"),
        ("--max latncy=5", "Did you mean 'latency'"),
        ("--max latency=nan", "maximum.latency: found nan"),
        ("--max latency=inf", "maximum.latency: found inf"),
        ("--max latency=0", "maximum.latency: found 0"),
        ("--max latency=-5", "maximum.latency: found -5"),
        ("--max latency=5 --max latency=6", "there is a number for latency already"),
        ("--name a/b", "name: found 'a/b'; .*without slashes"),
        ("--name ..", "name: found '..'"),
        ("--name ../x", "name: found '../x'"),
        ("--name " + "x" * 300, "name: found 'x+...' of 300 characters and 300 bytes; write at most 100"),
        ("--runs tiny.yaml --name a", r"tiny\.yaml/a: cannot be written .*choose another folder with --runs"),
        ("--runs tiny.yaml/runs --name a", r"tiny\.yaml/runs/a: cannot be written"),
        ("--runs . --name tiny.yaml", "exists already and is not a run"),
    ],
)
def test_a_wrong_option_of_search_is_refused_before_anything_is_written(nas, options, says):
    space = "" if "--space" in options else "--space tiny.yaml"
    before = sorted(Path().rglob("*"))
    status, stderr = nas(f"search {space} {QUICK} {options}")
    assert_refused(status, stderr, says)
    assert sorted(Path().rglob("*")) == before, "nothing was written, not even the default data's cache"


@pytest.mark.skipif("__import__('torch').cuda.is_available()")
@pytest.mark.parametrize(
    "command", [f"search --space tiny.yaml {QUICK} --device cuda", "profile coatnet_0 --target cuda"]
)
def test_a_missing_gpu_is_said_so(nas, command):
    assert_refused(*nas(command), "cuda.*torch sees no CUDA device")
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "space.yaml: empty; write at least"),
        ("# only a comment\n", "space.yaml: empty"),
        ("just text", "space.yaml:1: a search space is a mapping"),
        (TINY + "name: again\n", "space.yaml:6: the key 'name' is written twice"),
        (TINY.replace("width: [8, 16], stride", "width: 8, width: 16, stride"), "space.yaml:5: .*written twice"),
        (TINY.replace("depth", "dept"), "space.yaml:5: stages.0.*'dep"),
        (TINY.replace("mbconv", "mbcnv"), "space.yaml:5: stages.0.block: unknown block 'mbcnv'. Did you mean 'mbconv'"),
        (TINY.replace("kind: conv", "kind: cnv"), "space.yaml:3: stem.kind: unknown stem 'cnv'. Did you mean 'conv'"),
        (TINY.replace("stride: 2", "stride: 0"), "space.yaml:5: stages.0.stride: found 0"),
        (TINY.replace("[1, 2]", "-1"), "space.yaml:5: stages.0.depth: found -1"),
        (TINY.replace("[1, 2]", "1000000"), "space.yaml:5: stages.0.depth: found 1000000"),
        (TINY.replace("[1, 2]", "[1, two]"), "space.yaml:5: stages.0.depth.1: found 'two'"),
        (TINY.replace("[8, 16]", "1.5"), "space.yaml:3: stem.width: found 1.5"),
        (TINY.replace("[8, 16]", "1" + "0" * 30), "space.yaml:3: a whole number of more than 18 digits"),
        (TINY.replace("resolution: 8", "resolution: big"), "space.yaml:2: resolution: found 'big'"),
        (TINY.replace("[conv, mbconv]", "transformer, head_dim: 5"), "space.yaml:5: stages.0.width: .*head_dim 5"),
        (TINY + "blocks: {moat: {head_dim: 8}}\n", "space.yaml:6: blocks.moat: no stage offers 'moat'"),
        (TINY + "blocks: {mbconv: {se_ratio: 3}}\n", "space.yaml:6: blocks.mbconv.se_ratio: 3 is not allowed"),
        (TINY + "blocks: {mbconv: {se: 0.1}}\n", "no option 'se'.* Allowed: "),
        (TINY + "head: {kind: pol}\n", "space.yaml:6: head.kind: unknown head 'pol'. Did you mean 'pool'"),
        (TINY + "x: &x [*x]\n", "space.yaml:6: an anchor contains itself"),
        (TINY + "x: !!python/object/apply:os.system ['touch owned']\n", "space.yaml:6: the tag"),
        (TINY + "a: &a [1, 1]\nb: [*a, *a]\n", "space.yaml:6: a: unknown key 'a'"),
        (TINY + "stages: [1, 2\n", "space.yaml:[67]: not valid YAML"),
        (TINY + "\tname: x\n", "space.yaml:6: not valid YAML"),
        (TINY + "\x00", "not valid YAML"),
    ],
)  # fmt: skip
def test_a_broken_space_file_is_refused(nas, text, says):
    Path("space.yaml").write_text(text)
    for command in ("spaces space.yaml", f"search --space space.yaml {QUICK} --name a", "show space.yaml"):
        assert_refused(*nas(command), says)
        assert not Path("runs").exists()
        assert not Path("owned").exists()


def test_a_bomb_and_a_binary_file_are_refused(nas):
    lines = ["a: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
    Path("bomb.yaml").write_text("\n".join(lines))
    assert_refused(*nas("spaces bomb.yaml"), "bomb.yaml:[0-9]+: more than 100,000 values")
    Path("binary.yaml").write_bytes(bytes(range(256)))
    assert_refused(*nas("show binary.yaml"), "binary.yaml: not a text file")


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("show coatnet0", "Did you mean 'coatnet_0'"),
        ("show tiny.yaml", "tiny.yaml:3: stem.width: an architecture has one value here, found the choices 8, 16"),
        ("show " + "x" * 5000, "no network 'x"),
        ("profile net.yaml", "net.yaml:5: stages.0.width: moat: width 8 is not divisible by head_dim 32"),
        ("profile coatnet_0 --target gpu", "unknown target 'gpu'"),
        ("spaces cvt_famly", "Did you mean 'cvt_family'"),
        ("resume nothing", "no run 'nothing'"),
        ("report nothing", "no run 'nothing'"),
        ("export nothing", "no network 'nothing'"),
        ("resume " + "x" * 5000, "no run"),
    ],
)
def test_a_wrong_argument_is_refused(nas, command, says):
    assert_refused(*nas(command), says)


@pytest.mark.parametrize(
    "command",
    ["", "serch", "search --bugdet 3", "search --seed x", "search --epochs two", "profile coatnet_0 --threads 0",
     "profile coatnet_0 --threads 100000", "profile coatnet_0 --batch 0", "show", "search --resolution 8.5"],
)  # fmt: skip
def test_a_usage_error_has_no_traceback(nas, command):
    status, stderr = nas(command)
    assert status == (2 if command else status)
    assert "Traceback" not in stderr


# ---- data files


def folder_of_images(path: Path, classes: int = 2, each: int = 12) -> Path:
    rng = np.random.default_rng(0)
    for label in range(classes):
        (path / f"class{label}").mkdir(parents=True)
        for i in range(each):
            Image.fromarray(rng.integers(0, 255, (8, 8, 3), np.uint8)).save(path / f"class{label}" / f"{i}.png")
    return path


def _one_class(path: Path) -> None:
    folder_of_images(path, classes=1)


def _all_unreadable(path: Path) -> None:
    for file in folder_of_images(path).rglob("*.png"):
        file.write_bytes(b"no image")


def _empty(path: Path) -> None:
    path.mkdir()


def _too_few(path: Path) -> None:
    folder_of_images(path, each=1)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (_one_class, r"has one class folder, class0; at least 2"),
        (_all_unreadable, "no readable image of 'class0', 'class1'"),
        (_empty, "at least 2 are needed"),
        (_too_few, "too few training images"),
    ],
)
def test_a_useless_folder_is_refused(nas, make, says):
    make(Path("images"))
    assert_refused(*nas(f"search --space tiny.yaml {QUICK} --data image_folder:images"), says)
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("npz:set.npz", b""),
        ("npz:set.npz", b"PK\x03\x04 torn"),
        ("npz:set.npz", b"\x80\x04K\x01."),
        ("cifar10:set", None),
        ("fashion_mnist:set", None),
    ],
)
def test_a_damaged_data_file_is_named(nas, name, content):
    path = Path("set.npz") if content is not None else Path("set/data_batch_1.bin")
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content or b"short")
    assert_refused(*nas(f"search --space tiny.yaml {QUICK} --data {name}"), "set")
    assert not Path("runs").exists()


def test_what_cannot_be_read_is_named_and_counted_whatever_bytes_its_name_has(nas, capsys, tmp_path, monkeypatch):
    folder = Path(os.fsdecode(b"im\xe0ges"))
    (folder_of_images(folder) / "class1" / os.fsdecode(b"br\xfccken.png")).write_bytes(b"no image")
    (folder / "class0" / "gone.png").symlink_to("nowhere")
    monkeypatch.setattr(
        sys, "argv",
        ["nas", *f"search --space tiny.yaml {QUICK} --resolution 8 --name a --data".split(), f"image_folder:{folder}"],
    )  # fmt: skip
    main_status = 0
    try:
        main()
    except SystemExit as end:
        main_status = int(end.code or 0)
    said = capsys.readouterr()
    assert main_status == 0, said.err
    assert r"image_folder:im\xe0ges: 14 + 5 + 5 images (train, validation, test) of 2 classes: class0 12" in said.out
    left = r"dead link: class0/gone.png; no image that Pillow reads: class1/br\xfccken.png"
    begun, _, ended = said.out.partition("[1/")
    assert all(f"2 left out of the data: {left}" in part for part in (begun, ended))
    page = Path("runs/a/report.html").read_text()
    assert "of 2 classes: class0 12, class1 12." in page
    assert left in page
    assert json.loads(Path("runs/a/environment.json").read_text())["unreadable_images"] == 2
    assert Run(Path("runs/a")).config.data == f"image_folder:{folder}"
    assert not [path for path in Path("runs/a").iterdir() if path.name.startswith(".") and path.name != ".lock"]


# ---- runs


def test_an_existing_run_is_kept(nas):
    finished_run(Path("runs/a"), complete=2)
    before = Path("runs/a/trials.jsonl").read_bytes()
    says = "the run runs/a exists already; take another --name, or continue it with: nas resume runs/a"
    assert_refused(*nas(f"search --space tiny.yaml {QUICK} --name a"), says)
    assert Path("runs/a/trials.jsonl").read_bytes() == before


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "config.yaml: holds no settings"),
        ("- 1\n", "config.yaml: holds no settings"),
        ("seed: [", "config.yaml:1: not valid YAML"),
        ("seed: x\nobjectives: [accuracy, params]\n", "config.yaml: seed: found 'x'"),
        ("objectives: 7\n", "config.yaml: objectives: found 7"),
        ("objectives: [accuracy, speed]\n", "config.yaml: unknown objective 'speed'"),
        ("objectives: [accuracy, params]\nsamplr: tpe\n", "config.yaml: unknown setting 'samplr'. .*'sampler'"),
        ("objectives: [accuracy, params]\nbudget: {}\n", "config.yaml: budget: write either"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("command", ["resume a", "report a", "export a"])
def test_damaged_settings_of_a_run_are_named(nas, command, text, says):
    finished_run(Path("runs/a"), complete=2)
    Path("runs/a/config.yaml").write_text(text)
    assert_refused(*nas(command), says)


@pytest.mark.parametrize("command", ["resume a", "report a", "export a"])
@pytest.mark.parametrize("line", ["{}", "null", "[1]", "no json", '{"number": 1}', "\x00\x00"])
def test_a_damaged_record_is_named_with_its_line(nas, command, line):
    finished_run(Path("runs/a"), complete=3)
    path = Path("runs/a/trials.jsonl")
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], line, *lines[2:]]) + "\n")
    status, stderr = nas(command)
    assert status == 1
    assert stderr.startswith("error: runs/a/trials.jsonl:2: not a trial")
    assert "Traceback" not in stderr
    assert path.read_text().splitlines()[1] == line


@pytest.mark.parametrize("text", ["", "[1]", "not json"])
def test_a_damaged_environment_is_named(nas, text):
    finished_run(Path("runs/a"), complete=2)
    Path("runs/a/environment.json").write_text(text)
    status, stderr = nas("report a")
    assert (status, stderr.startswith("error: runs/a/environment.json: missing or damaged")) == (1, True), stderr


def test_a_damaged_space_of_a_run_is_named(nas):
    finished_run(Path("runs/a"), complete=2, data="digits", objectives=("accuracy", "params"))
    Path("runs/a/space.yaml").write_text(TINY.replace("depth", "dept"))
    assert_refused(*nas("resume a"), "runs/a/space.yaml:5: stages.0")
    Path("runs/a/space.yaml").write_text(TINY)
    assert_refused(*nas("resume a"), "runs/a began with")
    Path("runs/a/seal.json").unlink()  # an older run has none
    status, stderr = nas("resume a")
    assert "trial 0 is not a point of space.yaml" in stderr
    assert status == 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("--pick 99", "has no finished trial 99"),
        ("--pick ²", "cannot pick '²'"),
        ("--pick " + "9" * 5000, "has no finished trial 9+"),
        ("--pick kne", "cannot pick 'kne'. Did you mean 'knee'"),
        ("--pick macs", "cannot pick 'macs'"),
        ("-o net.yaml", "net.yaml exists already; take another name, or replace it with --force"),
        ("-o runs", "runs is a folder"),
        ("-o none/x.yaml", "the folder none does not exist"),
        ("-o tiny.yaml/x.yaml", "tiny.yaml"),
    ],
)
def test_a_wrong_export_is_refused(nas, options, says):
    finished_run(Path("runs/a"), complete=3)
    assert_refused(*nas(f"export a {options}"), says)
    assert Path("net.yaml").read_text() == NETWORK
    assert not Path("best.yaml").exists()


@pytest.mark.parametrize("budget", ["0", "x", "-1"])
def test_a_wrong_new_budget_changes_nothing(nas, budget):
    finished_run(Path("runs/a"), complete=3)
    before = Path("runs/a/config.yaml").read_bytes()
    assert_refused(*nas(f"resume a --budget {budget}"), "budget: found")
    assert Path("runs/a/config.yaml").read_bytes() == before


@pytest.mark.parametrize("name", ["a/b", "../../elsewhere", "..", "x: y"])
def test_the_name_of_a_space_is_no_path(nas, name):
    Path("space.yaml").write_text(TINY.replace("name: tiny", f"name: {json.dumps(name)}"))
    status, stderr = nas(f"search --space space.yaml {QUICK} --resolution 8")
    assert status == 0, stderr
    assert len(list(Path("runs").iterdir())) == 1
    assert not Path("../elsewhere").exists()


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("search --space cvt_famly", "Did you mean 'cvt_family'"),
        ("search --space tiny.yaml --data digits --max accuracy=0.9", "known only after training"),
        ("show coatnet0", "Did you mean 'coatnet_0'"),
    ],
)
def test_the_real_process_says_the_same(tmp_path, line, says):
    (tmp_path / "tiny.yaml").write_text(TINY)
    process = Forked(line.split(), tmp_path)
    out, err = process.communicate()
    assert_refused(process.returncode, err, says)
    assert out == ""
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.yaml"]


def test_the_fixtures_are_sound(nas):
    assert nas("spaces tiny.yaml")[0] == 0
    assert yaml.safe_load(TINY)["name"] == "tiny"
