"""nas show: one network, or two beside each other."""

import json
from pathlib import Path

from command import Command
from run_fixtures import finished_run, offering, stage, trial
from small_trainings import archive

from nas.costs.counts import cost
from nas.evaluation.units import show
from nas.space.library import load_architecture, load_space
from nas.space.space import placed


def test_what_differs_is_marked_and_nothing_else(nas: Command) -> None:
    answer = nas("show", "coatnet_0", "coatnet_1")
    assert answer.status == 0
    assert "depth 6*" in answer.out  # stage 1 of CoAtNet-1, against 3
    assert "depth 3*" in answer.out
    assert "mbconv*" not in answer.out
    known = [cost(load_architecture(name)) for name in ("coatnet_0", "coatnet_1")]
    assert f"({known[1].params / known[0].params:.3g} ×)" in answer.out
    assert "coatnet_0 and coatnet_0 are the same network" in nas("show", "coatnet_0", "coatnet_0").out


def test_one_network_by_two_names_is_shown_once(nas: Command, tmp_path: Path) -> None:
    run = finished_run(tmp_path / "first")
    best = run.pick().number
    picked = f"{run.folder}:{best}"
    said = nas("show", run.folder, picked).out
    assert said.startswith(f"{run.folder} and {picked} are the same network\n")
    assert said.count(run.pick().layout + " at ") == 1
    assert said.endswith(f"are the same network\n\n{nas('show', run.folder).out}")
    assert "nothing differs" not in said


def test_two_networks_are_headed_as_typed(nas: Command, tmp_path: Path) -> None:
    run = finished_run(tmp_path / "first")
    other = f"{run.folder}:{next(one.number for one in run.results if one.key != run.pick().key)}"
    said = nas("show", run.folder, other).out
    assert [line.split() for line in said.splitlines() if line.startswith(" part")] == [
        ["part", str(run.folder), other]
    ]


def test_options_that_one_file_leaves_to_the_default_do_not_differ(nas: Command, tmp_path: Path) -> None:
    network = load_architecture("coatnet_0")
    text = network.to_yaml()
    (tmp_path / "named.yaml").write_text(text.replace("block: mbconv,", "block: mbconv, kernel_size: 3,"))
    assert (tmp_path / "named.yaml").read_text() != text
    assert "are the same network" in nas("show", "coatnet_0", tmp_path / "named.yaml").out


def test_networks_of_other_depths_are_matched_stage_by_stage(nas: Command) -> None:
    answer = nas("show", "cvt_13", "coatnet_0")  # of three stages and of four
    assert answer.status == 0
    assert "none*" in answer.out


def test_json_names_what_differs(nas: Command, tmp_path: Path) -> None:
    run = finished_run(tmp_path / "a")
    one, other = (str(result.number) for result in (run.results[0], run.results[1]))
    found = json.loads(nas("show", f"{run.folder}:{one}", f"{run.folder}:{other}", "--json").out)
    networks = found["networks"]
    assert [network["layout"] for network in networks] == [run.results[0].layout, run.results[1].layout]
    assert found["ratios"]["macs"] == networks[1]["macs"] / networks[0]["macs"]
    parts = [{part["name"]: part for part in network["parts"]} for network in networks]
    kinds = {d["part"]: d["found"] for d in found["differs"] if d["value"] == "kind"}
    assert kinds == {
        name: [parts[0][name]["kind"], parts[1][name]["kind"]]
        for name in parts[0]
        if parts[0][name]["kind"] != parts[1][name]["kind"]
    }
    single = json.loads(nas("show", f"{run.folder}:{one}", "--json").out)
    assert single == networks[0]


def test_stages_have_their_numbers_in_the_space_of_the_run(nas: Command, tmp_path: Path) -> None:
    run = offering(tmp_path / "run", stage([0, 1]), stage([1, 2]), stage([0, 1], 2))
    for number in range(24):
        run.append(trial(run, number))
    by_stages = {tuple(placed(one.decisions, one.architecture)): one.number for one in run.trials}
    lacking, other, whole = (f"{run.folder}:{by_stages[stages]}" for stages in ((1, 2), (0, 1), (0, 1, 2)))
    said = nas("show", lacking).out
    assert "Stages are numbered as in the space of the search; stage 0 is left out." in " ".join(said.split())
    assert "left out" not in nas("show", other).out + nas("show", whole).out
    for command in (("show",), ("profile", "--seconds", 0.1)):
        parts = json.loads(nas(*command, lacking, "--json").out)["parts"]
        assert [part["name"] for part in parts] == ["stem", "stage 1", "stage 2", "head"]
    run.pick(by_stages[1, 2]).named("run").save(run.folder / "one.yaml")
    assert "stage 0 is left out" in " ".join(nas("show", run.folder / "one.yaml").out.split())
    quick = ("--epochs", 1, "--data", archive(tmp_path / "four.npz"), "--runs", tmp_path, "--name")
    for source, name in ((lacking, "once"), (tmp_path / "once", "again")):
        assert nas("train", source, *quick, name).status == 0
        parts = json.loads(nas("show", tmp_path / name, "--json").out)["parts"]
        assert [part["name"] for part in parts] == ["stem", "stage 1", "stage 2", "head"]
        page = (tmp_path / name / "report.html").read_text()
        assert [f"stage {i}" in page for i in range(3)] == [False, True, True]
    load_architecture("coatnet_0").save(tmp_path / "once" / "another.yaml")
    assert nas("show", tmp_path / "once" / "another.yaml", "--json").out.count('"stage 0"') == 1
    found = json.loads(nas("show", lacking, other, "--json").out)["differs"]
    kinds = {one["part"]: [kind is None for kind in one["found"]] for one in found if one["value"] == "kind"}
    assert (kinds["stage 0"], kinds["stage 2"]) == ([True, False], [False, True])


def test_multiply_adds_of_a_small_network_are_told(nas: Command, tmp_path: Path) -> None:
    small = load_space("cvt_family").fit(resolution=8, channels=1, classes=10).smallest()
    small.save(tmp_path / "small.yaml")
    shown, known = nas("show", tmp_path / "small.yaml").out.split("\n"), cost(small)
    (total,) = (line for line in shown if line.split()[:1] in (["total"], ["all"]))
    assert show("macs", known.macs) in total
    stem = next(line for line in shown if line.split()[:1] == ["stem"])
    assert show("macs", known.parts[0].macs) in stem
