"""The command line: quick to answer, and what each command prints."""

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import yaml
from run_fixtures import finished_run

from nas.cli import COMMANDS
from nas.costs.counts import cost
from nas.files import quoted
from nas.network.options import options_of
from nas.registry import BLOCKS, HEADS, SCORES, STEMS
from nas.report.page import write_report
from nas.space.library import load_architecture, load_space, shipped

HEAVY = ("torch", "ray", "optuna", "plotly", "pandas", "sklearn", "scipy")


def python(*arguments: str, cwd=None) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "COLUMNS": "160", "NO_COLOR": "1"}
    return subprocess.run([sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True, text=True,
                          check=False)  # fmt: skip


def imported(code: str) -> set[str]:
    """The heavy packages that a piece of code imports in a fresh process."""
    found = python("-c", f"{code}\nimport sys\nprint(*(set({HEAVY}) & set(sys.modules)))")
    assert found.returncode == 0, found.stderr
    return set(found.stdout.split())


def test_help_imports_nothing_heavy():
    code = "import sys; sys.argv = ['nas', '--help']\nfrom nas.cli import main\ntry: main()\nexcept SystemExit: pass"
    found = python("-c", f"{code}\nprint('HEAVY', *(set({HEAVY}) & set(sys.modules)))")
    assert found.stdout.rstrip().endswith("HEAVY"), found.stdout[-300:]
    assert all(command in found.stdout for command in COMMANDS)


def test_help_answers_in_half_a_second():
    """The least of several, in processor time: another process may hold the cores meanwhile."""
    times = []
    for _ in range(5):
        before = os.times()
        assert python("-m", "nas.cli", "--help").returncode == 0
        after = os.times()
        times.append(after.children_user + after.children_system - before.children_user - before.children_system)
        time.sleep(0.05)
    assert min(times) < 0.5, times


LIGHT = ("errors", "registry", "network.options", "document", "network.architecture", "space.space", "space.grammar",
         "config", "settings", "training.recipe", "pareto", "record.run", "evaluation.units", "cli", "cli.outcome",
         "cli.runs", "cli.report")  # fmt: skip


def test_reading_a_run_needs_no_torch():
    """In one process, one module after the other, so that the first to break it is named."""
    code = (
        "import sys\nfrom importlib import import_module\nfor name in sys.argv[1:]:\n    import_module('nas.' + name)\n"
    )
    heavy = {"torch", "ray", "optuna", "plotly"}
    found = python("-c", f"{code}    assert not {heavy} & set(sys.modules), name", *LIGHT)
    assert found.returncode == 0, found.stderr


def test_the_report_needs_no_torch():
    assert not imported("import nas.report.page") & {"torch", "ray", "optuna"}


def test_the_help_of_a_command_needs_no_torch():
    """In one process, one command after the other, so that the first to break it is named."""
    code = (
        "import sys\nfrom nas.cli import main\n"
        "for command in sys.argv[1:]:\n    sys.argv = ['nas', command, '--help']\n    try: main()\n"
        f"    except SystemExit: print('HEAVY', command, *(set({HEAVY}) & set(sys.modules)))"
    )
    found = python("-c", code, *COMMANDS)
    assert found.returncode == 0, found.stderr
    told = [line.split()[1:] for line in found.stdout.splitlines() if line.startswith("HEAVY")]
    assert [command for command, *_ in told] == list(COMMANDS)
    for command, *heavy in told:
        assert f"nas {command}" in found.stdout
        assert not set(heavy) & {"torch", "ray", "optuna", "plotly"}, command


def test_a_report_is_written_without_torch(tmp_path):
    write_report(finished_run(tmp_path / "a", complete=2))  # as a search does, which draws members of the space
    (tmp_path / "a" / "report.html").unlink()
    code = f"import sys; sys.argv = ['nas', 'report', {str(tmp_path / 'a')!r}]\nfrom nas.cli import main\ntry: main()\n"
    found = python("-c", f"{code}except SystemExit: print('HEAVY', *(set({HEAVY}) & set(sys.modules)))")
    assert found.returncode == 0, found.stderr
    assert (tmp_path / "a" / "report.html").is_file()
    assert not set(found.stdout.split("HEAVY")[1].split()) & {"torch", "ray", "optuna"}


def test_importing_nas_costs_nothing_and_names_are_found_when_used():
    assert imported("import nas; nas.__all__; dir(nas)") == set()
    found = python("-c", "import nas\nfor name in nas.__all__: assert callable(getattr(nas, name)), name\nnas.nothing")
    assert found.stderr.endswith("AttributeError: module 'nas' has no attribute 'nothing'\n")


def test_a_search_loads_what_predicts_and_what_augments_only_where_they_are_used():
    heavy = {"sklearn", "scipy.stats", "pandas", "kornia"}
    found = python("-c", f"import nas.engine.search, nas.engine.train, sys; print({heavy} & sys.modules.keys())")
    assert found.stdout == "set()\n"


def test_spaces_lists_what_ships(nas):
    found = nas("spaces")
    assert found.status == 0
    lines = found.out.splitlines()
    for name in shipped():
        assert any(re.match(rf"\s*{name}\b", line) for line in lines), name


def test_blocks_are_listed_with_their_options(nas, tmp_path):
    lines = ["from nas.network.blocks import Block", "class Mine(Block):", '    """A block of mine."""',
             "    def __init__(self, site, *, groups: int = 3):", "        super().__init__()"]  # fmt: skip
    (tmp_path / "mine.py").write_text("\n".join(lines) + "\n")
    found = python("-m", "nas", "spaces", "--blocks", "--plugins", str(tmp_path / "mine.py"))  # a process forgets it
    assert (found.returncode, found.stderr) == (0, "")
    words = " ".join(found.stdout.split())
    for registry in (STEMS, BLOCKS, HEADS):
        assert all(name in words for name in registry.names())
    assert "window 7; a whole number from" in words
    assert "A block of mine. groups 3; a whole number" in words
    told = json.loads(nas("spaces", "--blocks", "--json").out)
    swin = next(one for one in told["blocks"] if one["name"] == "swin")
    assert [one["name"] for one in swin["options"]] == list(options_of(BLOCKS, "swin"))
    assert nas("spaces", "cvt_family", "--blocks").status == 2


def test_a_space_is_shown_with_its_size(nas):
    found = nas("spaces", "cvt_family")
    assert found.status == 0
    assert f"{load_space('cvt_family').size():.3g} networks" in found.out
    for word in ("stem", "stages.3", "head", "transformer", "mbconv", "moat", "expansion", "depth", "stride"):
        assert word in found.out


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffname: small\n{rest}",
        "---\nname: small\n{rest}",
        '"name": small\n{rest}',
        "name : small\n{rest}",
        "name: >-\n  small\n{rest}",
        "{flow}",
    ],
)
def test_a_space_whose_name_is_no_plain_line_is_copied_all_the_same(nas, tmp_path, text):
    plain = {
        "stem": {"kind": "conv", "width": 8},
        "stages": [{"block": "conv", "depth": [1, 2], "width": 8, "stride": 2}],
    }
    rest, flow = yaml.safe_dump(plain), json.dumps({"name": "small"} | plain)
    (tmp_path / "small.yaml").write_text(text.format(rest=rest, flow=flow), encoding="utf-8")
    found = nas("spaces", tmp_path / "small.yaml", "-o", tmp_path / "mine.yaml")
    assert found.status == 0, found.err
    assert load_space(tmp_path / "mine.yaml") == replace(load_space(tmp_path / "small.yaml"), name="mine")


def test_a_space_is_copied_to_be_changed(nas, tmp_path):
    for name, stem in (
        ("cvt_family", "mine"),
        ("hybrid_zoo", "no"),
        ("detr_r50", "a: b"),
        (tmp_path / "mine.yaml", "x"),
    ):
        path = tmp_path / f"{stem}.yaml"
        found = nas("spaces", name, "-o", path)
        assert found.status == 0, found.err
        assert f"nas search --space {quoted(path)}" in found.out
        assert load_space(path) == replace(load_space(name), name=stem)
        assert path.read_text().startswith(f"# Began as a copy of {name}.\nname: ")
        assert "minutes" not in path.read_text(), "what is said of the shipped one is not true of another"
        refused = nas("spaces", name, "-o", path)
        assert refused.status == 2
        assert "exists already; take another name, or replace it with --force" in refused.err
    told = nas("spaces", "cvt_family", "-o", tmp_path / "mine.yaml", "--force", "--json")
    assert json.loads(told.out) == {"space": "cvt_family", "file": str(tmp_path / "mine.yaml")}
    for others, says in (
        (["-o", "a.yaml"], "-o FILE is about one search space; name it: nas spaces SPACE -o FILE"),
        (["cvt_family", "--blocks", "-o", "a.yaml"], "--blocks and -o FILE: one at a time; leave one out"),
        (["cvt_family", "-o", tmp_path], "is a folder; name a file in it, such as"),
    ):
        refused = nas("spaces", *others)
        assert refused.status == 2
        assert says in refused.err


def test_a_network_is_shown_part_by_part(nas):
    found = nas("show", "coatnet_0")
    assert found.status == 0
    assert "M-M-T-T" in found.out
    assert "25,036,820" in found.out
    for part in cost(load_architecture("coatnet_0")).parts:
        assert f"{part.params:,}" in found.out


def test_a_run_stands_for_its_best_network(nas, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = finished_run(tmp_path / "runs" / "first")
    found = nas("show", "first")
    assert found.status == 0, found.err
    assert run.pick("knee").layout in found.out
    assert "Next:  nas profile first" in found.out
    picked = nas("show", "first:accuracy")
    assert f"first_{run.pick('accuracy').number}" in picked.out


def test_a_profile_is_json(nas, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    load_space("cvt_family").smallest().save(tmp_path / "net.yaml")
    found = nas("profile", "net.yaml", "--json", "--seconds", 0.2)
    assert found.status == 0, found.err
    facts = json.loads(found.out)
    known = cost(load_architecture(tmp_path / "net.yaml"))
    assert (facts["params"], facts["macs"]) == (known.params, known.macs)
    assert facts["latency_ms"]["median"] > 0
    assert {"iqr", "runs", "device", "threads", "batch"} <= set(facts["latency_ms"])
    assert sum(part["macs"] for part in facts["parts"]) == facts["macs"]


def test_a_profile_has_scores_when_asked(nas, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    load_space("cvt_family").smallest().save(tmp_path / "net.yaml")
    found = nas("profile", "net.yaml", "--scores", "--json", "--seconds", 0.2)
    assert found.status == 0, found.err
    facts = json.loads(found.out)
    assert sorted(facts["scores"]) == SCORES.names()
    assert facts["scores"]["params"]["value"] == facts["params"]
    assert all(score["ms"] > 0 for score in facts["scores"].values())
    shown = nas("profile", "net.yaml", "--scores", "--seconds", 0.2)
    assert f"{facts['scores']['synflow']['value']:.6g}" in shown.out


def test_a_network_of_the_space_is_found_in_it(nas, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    load_space("cvt_family").largest().save(tmp_path / "net.yaml")
    inside = nas("spaces", "cvt_family", "--contains", "net.yaml")
    assert (inside.status, inside.out[:3]) == (0, "yes")
    assert "--contains NETWORK is about one search space" in nas("spaces", "--contains", "net.yaml").err
    unset = nas("spaces", "cvt_family", "--contains", "")  # a variable of a script
    assert (unset.status, unset.out) == (2, "")
    outside = nas("spaces", "cvt_family", "--contains", "coatnet_0")
    assert (outside.status, outside.out[:2]) == (1, "no")


def test_a_network_of_a_run_is_found_in_its_space(nas, tmp_path):
    run = finished_run(tmp_path / "first")
    for named in ("first", "first:accuracy", run.folder):
        found = nas("spaces", run.folder / "space.yaml", "--contains", named, "--runs", tmp_path)
        assert (found.status, found.out[:3]) == (0, "yes"), found.err


def test_the_package_runs_as_the_command_does():
    assert python("-m", "nas", "--help").stdout == python("-m", "nas.cli", "--help").stdout
    assert "Usage: nas [OPTIONS] COMMAND" in python("-m", "nas", "--help").stdout
