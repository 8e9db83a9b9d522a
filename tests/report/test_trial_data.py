"""What a page's script knows of each trial."""

import json
from dataclasses import replace

import pytest
from run_fixtures import empty_run, finished_run, offering, stage, trial

from nas import document
from nas.evaluation.job import Outcome
from nas.network.architecture import Architecture, StemSpec
from nas.network.options import options_of
from nas.record.trial import Further
from nas.registry import STEMS
from nas.report.trial_data import told_stride, trial_data
from nas.report.view import View


def networks(data):
    """Each trial's network, put together again, by its number."""
    scalars, shapes, parts = data["scalars"], data["shapes"], data["parts"]

    def part(place):
        shape, *values = parts[place]
        return dict(zip(shapes[shape], (scalars[value][0] for value in values), strict=True))

    found = {}
    for number, _, (frame, stem, *stages, head), *_ in data["trials"]:
        rest = {"stem": part(stem), "stages": [part(stage) for stage in stages], "head": part(head)}
        found[number] = Architecture.from_dict(part(frame) | rest)
    return found


def test_every_network_comes_back(tmp_path):
    run = finished_run(tmp_path / "run", complete=30, failed=2, rejected=2)
    found = networks(json.loads(json.dumps(trial_data(View(run)))))
    assert found == {one.number: replace(one.architecture, name="unnamed") for one in run.trials}


def test_a_network_that_lacks_stages_of_the_space_has_the_numbers_of_its_own(tmp_path):
    run = offering(tmp_path / "run", stage([0, 1]), stage([1, 2]), stage([0, 1], 2))
    for number in range(12):
        run.append(trial(run, number))
    rows = {number: notes for number, _, _, _, _, *notes in trial_data(View(run))["trials"]}
    noted = {number: notes[0].get("stages") if notes else None for number, notes in rows.items()}
    expected = {}
    for one in run.trials:
        there = [i for i in range(3) if one.decisions.get(f"stages.{i}.depth") != 0]
        expected[one.number] = there if there[0] else None
    assert noted == expected
    assert None in expected.values()
    assert [1] in expected.values()


def test_scalars_are_as_yaml_reads_them(tmp_path):
    run = empty_run(tmp_path / "run")
    done = trial(run, 0)
    odd = {"a": True, "b": 1, "c": 1.0, "d": "yes", "e": "a, b", "f": "1e3"}
    run.append(replace(done, architecture=replace(done.architecture, stem=StemSpec("conv", 16, odd))))
    scalars = trial_data(View(run))["scalars"]
    for value, text in scalars:
        (read,) = document.parse(f"{{x: {text}}}", "here").value.values()
        assert (read, type(read)) == (value, type(value))
    assert len([value for value, _ in scalars if value == 1]) == 3, "true, 1 and 1.0 are three values"


def test_values_notes_and_reasons(tmp_path):
    run = finished_run(tmp_path / "run", complete=8, failed=1, rejected=1, rungs=(1, 3))
    for number in (2, 5, 7):
        run.append_further(Further(number, 0, Outcome("complete", run.trials[number].metrics), rung=1))
    run.append_further(Further(3, 0, Outcome("failed", reason="out of memory"), rung=1))
    data = trial_data(View(run))
    rows = {number: (state, values, notes) for number, state, _, values, _, *notes in data["trials"]}
    names = [metric["name"] for metric in data["metrics"]]
    assert names[:2] == ["accuracy", "latency"]
    assert rows[2][1] == [pytest.approx(run.trials[2].metrics[name], rel=1e-5) for name in names]
    assert rows[2][2] == [], "nothing more is to say of a network on the last rung"
    assert rows[0][2][0]["below"] is True
    assert rows[3][0] == 1
    assert rows[3][2] == [{"reason": "out of memory"}]
    assert (rows[8][0], rows[9][0]) == (1, 2)
    assert rows[8][1][0] is None, "what was not measured"


@pytest.mark.parametrize(
    ("reading", "spread"), [({"median": 0.0, "iqr": 0.5}, 0.5), ({"iqr": "0.1 to 0.3"}, 0.0), ({"iqr": [1, 2]}, 0.0)]
)
def test_what_a_plug_in_calls_a_range_may_be_anything(tmp_path, reading, spread):
    run = empty_run(tmp_path / "run", objectives=("accuracy", "energy"))
    run.append(trial(run, 0, metrics={"accuracy": 0.5, "energy": 0.0}, readings={"energy": reading}))
    assert View(run).spread(run.trials[0], "energy") == spread


def test_of_several_measurements_the_widest_range_stands_for_all(tmp_path):
    run = finished_run(tmp_path / "run", complete=2, failed=0, rejected=0)
    metrics = run.trials[0].metrics
    wide = {"latency": {"median": metrics["latency"], "iqr": 0.5}}
    run.append_further(Further(0, 1, Outcome("complete", metrics, readings=wide)))
    data = trial_data(View(run))
    place = [metric["name"] for metric in data["metrics"]].index("latency")
    spreads = [spreads[place] for _, _, _, _, spreads, *_ in data["trials"]]
    assert spreads == [0.5, pytest.approx(run.trials[1].outcome.readings["latency"]["iqr"], rel=1e-2)]
    assert data["trials"][0][5]["readings"] == {"latency": 2}
    assert not data["trials"][1][5:]


def test_the_range_of_a_rate_is_in_its_own_unit(tmp_path):
    run = empty_run(tmp_path / "run", objectives=("accuracy", "throughput"))
    timed = {"throughput": {"median": 4.0, "iqr": 0.4}}
    run.append(trial(run, 0, metrics={"accuracy": 0.5, "throughput": 8000.0}, readings=timed))
    assert View(run).spread(run.trials[0], "throughput") == pytest.approx(800)


def test_it_is_small(tmp_path):
    """Of the 6 MB of a page plotly takes 4.8; 5,000 trials may take half of one."""
    run = finished_run(tmp_path / "run", complete=400)
    assert len(json.dumps(trial_data(View(run)), separators=(",", ":"))) < 400 * 100


@pytest.mark.parametrize("kind", STEMS.at_hand())
def test_strides_of_stems_are_those_of_their_modules(kind):
    for options in ({}, {"stride": 1}, {"stride": 2}, {"patch_size": 4}):
        if options.keys() <= options_of(STEMS, kind).keys():
            assert told_stride(StemSpec(kind, 16, options)) == STEMS.get(kind)(3, 16, **options).stride


def test_the_stride_of_a_stem_from_outside_is_not_known():
    assert told_stride(StemSpec("mine", 16, {"stride": 2})) == 0
