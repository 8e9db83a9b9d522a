"""Where fronts attend, beside random networks of the same cost."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from minimised import missing
from run_fixtures import ENVIRONMENT, empty_run, finished_run, offering, stage, trial

from nas.config import make_config
from nas.errors import RunError, SettingError
from nas.evaluation.units import Unit, unit_of
from nas.record.analysis.attending import attending, beside, layouts, trend
from nas.record.analysis.layouts import BY_HAND, FILE, Gain, Layouts, Trend, Worth, kept
from nas.record.run import Run
from nas.space.library import load_architecture, load_space
from nas.space.space import placed

MEMBERS = 60


def planted(folder, sign: int, run=None):
    """Make a run whose accuracy is won by attention in late stages, or in early ones, and by size."""
    run = run or empty_run(folder, seed=sign % 3)
    for number in range(60):
        one = trial(run, number)
        size = one.metrics["macs"]
        places = tuple(placed(one.decisions, one.architecture))
        slope = trend(np.array([attending(one.architecture)], float), places)[0]
        accuracy = float(0.5 + 0.2 * sign * slope + 0.02 * np.log(size))
        run.append(trial(run, number, metrics={"accuracy": accuracy, "latency": size / 1e6}))
    return run


@pytest.fixture(scope="module")
def late(tmp_path_factory):
    return planted(tmp_path_factory.mktemp("runs") / "late", 1)


@pytest.fixture(scope="module")
def early(tmp_path_factory):
    return planted(tmp_path_factory.mktemp("runs") / "early", -1)


def test_the_trend_of_a_layout():
    rows = {"CCTT": 1.0, "TTCC": -1.0, "CCCT": 0.75, "CCTC": 0.25, "CCCC": 0.0, "TTTT": 0.0, "TCCT": 0.0}
    attention = np.array([[letter == "T" for letter in row] for row in rows], float)
    assert trend(attention, range(4)) == pytest.approx(list(rows.values()))
    assert trend(np.array([[0.0, 1.0, 1.0]]), range(3))[0] == 1
    assert trend(np.array([[1.0]]), [0])[0] == 0


def test_the_trend_of_a_network_without_some_stages_is_that_of_those_it_has():
    """Stages 0, 1 and 5: the middle is 2, so the second stands early."""
    assert trend(np.array([[0.0, 1, 1], [0, 0, 1], [1, 1, 0]]), [0, 1, 5]) == pytest.approx([2 / 3, 1, -1])
    assert trend(np.array([[0.0, 1]]), [2, 3]) == trend(np.array([[0.0, 1]]), [0, 9]) == 1


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("coatnet_0", [False, False, True, True]),
        ("moat_0", [False, False, True, True]),
        ("resnet_50", [False] * 4),
        ("se_resnet_50", [False] * 4),
        ("swin_t", [True] * 4),
        ("cvt_13", [True] * 3),
        ("vit_b_16", [True]),
        ("aa_resnet_50", [False, True, True, True]),
    ],
)
def test_the_stages_of_published_networks_that_attend(name, expected):
    assert attending(load_architecture(name)) == expected


def test_attention_that_pays_late_is_found_to_rise(late):
    found = layouts([late], members=MEMBERS)
    assert found.trend.effect > 0.3
    assert found.trend.p < 0.01
    assert found.trend.effect == pytest.approx(found.trend.front - found.trend.random)
    assert found.runs == ("late",)
    assert sum(found.found.values()) == found.networks == len(late.front())
    first, last = found.stages[0], found.stages[-1]
    assert last.front > last.random
    assert first.front < first.random
    assert all(low <= share.front <= high for share in found.stages for low, high in [share.interval])
    assert "rises" in found.sentences()[0]


def test_attention_that_pays_early_is_found_to_fall(early):
    found = layouts([early], members=MEMBERS)
    assert found.trend.effect < -0.3
    assert found.trend.p < 0.01
    assert "falls" in found.sentences()[0]


def test_runs_are_pooled_and_the_sentence_counts_them(late, early):
    found = layouts([late, early], members=MEMBERS)
    assert found.differ == ()
    assert found.runs == ("late", "early")
    assert [effect > 0 for effect in found.trend.by_run] == [True, False]
    assert "Run by run it rises in 1 of 2" in found.sentences()[1]


def test_a_front_by_chance_is_no_trend(tmp_path):
    """Where accuracy knows nothing of attention, p is spread evenly over the runs."""
    rng, values = np.random.default_rng(0), []
    for first in range(0, 240, 30):
        run = empty_run(tmp_path / f"chance-{first}")
        for number in range(30):
            one = trial(run, first + number)
            run.append(replace(one, number=number, outcome=replace(one.outcome, metrics={
                "accuracy": float(rng.random()), "latency": float(rng.random())})))  # fmt: skip
        values.append(layouts([run], members=MEMBERS).trend.p)
    assert 0.2 < np.mean(values) < 0.8
    assert max(values) > 0.5


def test_those_beside_cost_as_much(late):
    for pair in beside(late, 200, 0):
        ratio = pair.macs[1:] / pair.macs[0]
        assert np.abs(np.log(ratio)).max() <= np.abs(np.log(ratio)).min() + 1.5
        assert len(pair.letters) == len(pair.attention) == len(pair.macs) == 26


@pytest.fixture(scope="module")
def optional(tmp_path_factory):
    """A run of a space of five stages, three of which may be left out, where attention pays late."""
    stages = [stage([0, 1, 2], width=[16, 24]), stage([1, 2], 2), stage([0, 1]), stage([1, 2], 2), stage([0, 1])]
    folder = tmp_path_factory.mktemp("runs") / "optional"
    return planted(folder, 1, offering(folder, *stages))


def test_networks_of_one_space_with_other_stages_are_compared(optional):
    """Each is held against random ones with the same stages; a stage that is left out counts in no share."""
    pairs, front = beside(optional, MEMBERS, 0), optional.front()
    assert len({len(pair.places) for pair in pairs}) > 1
    for pair, result in zip(pairs, front, strict=True):
        left_out = {i for i in range(5) if result.trial.decisions.get(f"stages.{i}.depth") == 0}
        assert pair.places == tuple(i for i in range(5) if i not in left_out)
        assert {len(row) for row in pair.letters} == {len(pair.places)} == {pair.attention.shape[1]}
    found = layouts([optional], members=MEMBERS)
    for share in found.stages:
        own = [pair.attention[0, pair.places.index(share.stage)] for pair in pairs if share.stage in pair.places]
        assert share.front == pytest.approx(np.mean(own))
        assert found.left_out.get(share.stage, 0) == len(pairs) - len(own)
    assert found.trend.effect > 0.2
    assert found.trend.p < 0.01
    said = found.sentences()[0]
    assert f"by {found.left_out[0]} of {found.networks} networks" in said
    assert "Shares are over the networks that have the stage" in said
    found.keep(optional)
    assert kept(optional) == found


def test_the_random_ones_have_the_same_stages_not_only_as_many(tmp_path):
    """Else a front that leaves out the convolutional stage would seem to attend for that alone."""
    conv, any_block = {"block": ["conv"], "depth": [0, 1], "width": 32, "stride": 1}, stage([0, 1])
    run = planted(tmp_path / "run", 1, offering(tmp_path / "run", conv, stage([1, 2], 2), any_block))
    pairs = beside(run, MEMBERS, 0)
    convolutional = [pair for pair in pairs if 0 in pair.places]
    assert 0 < len(convolutional) < len(pairs)
    assert {each for pair in convolutional for each in pair.attention[:, 0]} == {0}


def test_a_network_is_not_matched_with_itself_where_there_is_another(tmp_path):
    one = {"block": ["conv", "moat"], "depth": 1, "width": 32, "stride": 1}
    space = load_space({"name": "two", "stem": {"kind": "conv", "width": 16}, "stages": [one]})
    run = Run.create(tmp_path / "run", make_config({"space": "two"}), space, ENVIRONMENT)
    for number in range(4):
        run.append(trial(run, number))
    (pair, *_) = beside(run, MEMBERS, 0)
    assert set(pair.letters[1:]) == {("C",), ("A",)} - {pair.letters[0]}


def test_networks_of_one_stage_have_no_trend(tmp_path):
    run = planted(tmp_path / "run", 1, offering(tmp_path / "run", stage([1, 2, 3])))
    found = layouts([run], members=MEMBERS)
    assert (found.trend.p, found.trend.by_run) == (1, ())
    assert found.sentences() == [
        "No network of the front has two stages, so attention cannot rise with the stage.",
    ]


@pytest.mark.parametrize(("stages", "said"), [(0, "attends"), (3, "attends in some of its stages and not in others")])
def test_a_front_all_of_whose_stages_are_alike_has_no_trend(tmp_path, stages, said):
    """Such as M-M-M-C alone: its trend of 0 beside random networks' was told with a p."""
    run = empty_run(tmp_path / "run")
    drawn = (trial(run, number) for number in range(200))
    best = next(one for one in drawn if sum(attending(one.architecture)) == stages)
    run.append(replace(best, number=0))
    found = layouts([run], members=MEMBERS)
    assert (found.trend.p, found.trend.by_run) == (1, ())
    assert found.sentences() == [f"No network of the front {said}, so attention cannot rise with the stage."]


def test_runs_of_spaces_of_other_numbers_of_stages_are_refused(late, optional):
    with pytest.raises(RunError, match="the space of late has 3 stages, that of optional 5; pool runs"):
        layouts([late, optional], members=MEMBERS)


def test_the_distance_to_layouts_by_hand_is_that_of_networks_of_four_stages(late, optional):
    assert layouts([late], members=MEMBERS).distance == {}
    assert not any("layout (" in said for said in layouts([late], members=MEMBERS).sentences())
    found = layouts([optional], members=MEMBERS)
    four = [result.layout.split("-") for result in optional.front() if len(result.architecture.stages) == 4]
    assert 0 < len(four) < found.networks
    for name, wanted in BY_HAND.items():
        own = [sum(a != b for a, b in zip(row, wanted.split("-"), strict=True)) for row in four]
        assert found.distance[name][0] == pytest.approx(np.mean(own))
    assert f"of those of four stages ({len(four)} of {found.networks})" in " ".join(found.sentences())


def test_a_run_without_a_front_is_refused_in_words(tmp_path):
    with pytest.raises(RunError, match=r"empty has no finished trial"):
        layouts([empty_run(tmp_path / "empty")])


def test_a_run_named_twice_is_refused(late):
    with pytest.raises(SettingError, match="late is named twice"):
        layouts([late, late], members=MEMBERS)


def test_a_copy_of_a_run_is_no_second_piece_of_evidence(tmp_path):
    run = finished_run(tmp_path / "run", complete=6)
    shutil.copytree(run.folder, tmp_path / "copy")
    with pytest.raises(SettingError, match=r"run and .*copy differ in nothing, not even the seed"):
        layouts([run, Run(tmp_path / "copy")], members=20)


@pytest.mark.parametrize("wrong", [{"members": 9}, {"members": 0}, {"seed": -1}, {"members": "20"}, {"seed": 1.5}])
def test_too_few_members_and_seeds_below_zero_are_refused(late, wrong):
    with pytest.raises(SettingError, match="write whole numbers, at least 10 members, and no seed below 0"):
        layouts([late], **wrong)


def test_no_run_is_refused():
    with pytest.raises(SettingError, match="name a run"):
        layouts([])


def test_what_was_kept_and_is_damaged_is_told(tmp_path):
    run = finished_run(tmp_path / "run", complete=6)
    layouts([run], members=20).keep(run)
    run.write_facts(FILE, run.facts(FILE) | {"layouts": {"runs": ["run"]}})
    with pytest.raises(RunError, match=r"layout\.json: damaged; restore it, or delete it"):
        kept(run)


def test_what_was_kept_is_read_again_until_the_front_is_another(tmp_path):
    run = finished_run(tmp_path / "run", complete=6)
    found = layouts([run], members=20)
    found.keep(run)
    assert kept(run) == found
    (first, *_), size = run.front(), len(run.front())
    better = first.metrics | {"accuracy": first.metrics["accuracy"] + 0.001}
    run.append(trial(run, 20, metrics=better))
    assert len(run.front()) == size, "another network has taken its place"
    assert kept(run) is None


def test_a_block_that_is_worth_more_misses_less():
    late = tuple(Gain("missed", block, 2, value, 0.02) for block, value in (("moat", -0.1), ("conv", 0.1)))
    nothing = Layouts(("run",), 0, {}, (), Trend(0, 0, 0, 1, ()), {}, gains=late)
    with missing():
        said = nothing.sentences()[-1]
    assert said.endswith("moat 10.00 ± 2.00 more, conv 10.00 ± 2.00 less.")


def test_the_same_seed_repeats(late):
    assert layouts([late], members=20, seed=3) == layouts([late], members=20, seed=3)


def test_it_says_in_what_pooled_runs_differ(late, tmp_path):
    one, other = (
        finished_run(tmp_path / f"{seed}", seed=seed, data=data) for seed, data in enumerate(("digits", "relations"))
    )
    found = layouts([one, other], members=20)
    assert found.differ == ("data",)
    assert found.sentences()[-1] == "The runs differ in more than the seed: data."
    told = replace(found, differ=("warm_start",)).sentences()
    assert told[-1] == "What one began with from another is no second piece of evidence."


def test_what_rounds_to_nothing_has_no_minus(late):
    found = layouts(late, members=MEMBERS)
    flat = replace(found.trend, front=-0.004, random=-0.001, effect=-0.003, by_run=(-0.004, -0.003))
    said = " ".join(replace(found, trend=flat, gains=()).sentences())
    assert "-0.00" not in said
    assert said.count("+0.00") == 4
    assert Worth("accuracy", 0, "conv", 9, -1e-6, 0.01).show(unit_of("accuracy", [])) == "+0.00 ± 1.00"
    assert Worth("loss", 0, "conv", 9, -0.0031, 0.0012).show(Unit(1, "")) == "-0.00310 ± 0.00120"
