"""Runs side by side: what makes a side, what is refused, and what is said of the difference."""

from dataclasses import replace

import numpy as np
import pytest
from run_fixtures import empty_run, finished_run, trial
from small_trainings import few

from nas.data import load
from nas.errors import SettingError
from nas.evaluation.job import Outcome
from nas.record.analysis.comparison import compare
from nas.record.analysis.leads import leads_of, where_ahead
from nas.record.environment import read_environment, write_environment
from nas.record.fingerprint import fingerprint
from nas.record.seal import SEAL
from nas.record.trial import Further


def made(folder, points, **settings):
    """Make a run whose trials have these accuracies and latencies."""
    run = empty_run(folder, **settings)
    for number, (accuracy, latency) in enumerate(points):
        one = trial(run, number, metrics={"accuracy": accuracy, "latency": latency})
        run.append(replace(one, ended=60.0 * (number + 1)))
    return run


@pytest.fixture
def sides(tmp_path):
    """Three runs a side: one side is better where networks are fast, the other where they are slow."""
    quick = [made(tmp_path / f"quick-{s}", [(0.7 + s / 100, 1), (0.8, 3)], seed=s) for s in range(3)]
    slow = [made(tmp_path / f"slow-{s}", [(0.6, 2), (0.9 + s / 100, 4)], seed=s, sampler="random") for s in range(3)]
    return quick, slow


def test_runs_that_differ_in_the_seed_make_a_side(sides):
    quick, slow = sides
    found = compare([quick[0], slow[0], quick[1], slow[1], quick[2], slow[2]])
    assert [side.name for side in found.sides] == ["sampler=pareto", "sampler=random"]
    assert [[run.name for run in side.runs] for side in found.sides] == [
        ["quick-0", "quick-1", "quick-2"],
        ["slow-0", "slow-1", "slow-2"],
    ]


def test_runs_of_one_name_are_told_apart_by_their_folders(tmp_path):
    points = [(0.7, 1), (0.8, 3)]
    one, other = (made(tmp_path / place / "a", points, maximum={"params": limit})
                  for place, limit in (("here", 1e6), ("there", 2e6)))  # fmt: skip
    found = compare([one, other])
    assert [side.name for side in found.sides] == [str(one.folder), str(other.folder)]
    longer = made(tmp_path / "more" / "a", points, recipe={"epochs": 9})
    assert f"9 epochs of {longer.folder}" in " ".join(compare([one, longer]).sentences())


def test_the_median_front_is_what_half_of_the_runs_attained(sides):
    found = compare([*sides[0], *sides[1]])
    median = found.surface(found.sides[0], 50.0)
    assert sorted(map(tuple, median.round(4))) == [(-0.8, 3.0), (-0.71, 1.0)]
    best, worst = (found.surface(found.sides[0], percent) for percent in (1.0, 100.0))
    assert best.min(axis=0) == pytest.approx([-0.8, 1])
    assert worst[worst[:, 1] == 1][0, 0] == pytest.approx(-0.7)


def test_where_each_side_is_ahead(sides):
    found = compare([*sides[0], *sides[1]])
    assert [(lead.side, lead.low, lead.high) for lead in found.leads] == [
        ("sampler=pareto", 1.0, 4.0),
        ("sampler=random", 4.0, 4.0),
    ]
    assert found.sentences()[0] == "The lead in accuracy along latency changes once, which may be chance."


def test_only_runs_enough_to_tell_show_a_lead_within_chance(tmp_path):
    quick = [made(tmp_path / f"quick-{s}", [(0.6 + s / 10, 1), (0.9, 3)], seed=s) for s in range(4)]
    slow = [made(tmp_path / f"slow-{s}", [(0.9, 4)], seed=s, sampler="random") for s in range(4)]
    equal = [made(tmp_path / f"equal-{s}", [(0.65 + s / 10, 1), (0.8, 3)], seed=s, sampler="tpe") for s in range(4)]
    few, enough = compare([*quick[:3], *equal[:3]]), compare([*quick, *equal])
    assert few.tests[0].least > 0.05 > enough.tests[0].least
    assert "within chance" not in few.sentences()[0]
    assert few.facts()["leads_beyond_chance"] is None
    assert "within chance" in enough.sentences()[0]
    assert enough.facts()["leads_beyond_chance"] is False
    assert compare([*quick, *equal, *slow]).facts()["leads_beyond_chance"] is None, "three tests take more runs"


def test_where_sides_differ_by_more_than_chance_each_range_is_told(tmp_path):
    quick = [made(tmp_path / f"quick-{s}", [(0.7 + s / 100, 1), (0.8, 3)], seed=s) for s in range(4)]
    slow = [made(tmp_path / f"slow-{s}", [(0.3, 2), (0.82 + s / 100, 4)], seed=s, sampler="tpe") for s in range(4)]
    found = compare([*quick, *slow])
    assert found.tests[0].p < 0.05
    told = "sampler=pareto from 1.00 ms to 4.00 ms; perhaps by chance sampler=tpe from 4.00 ms on"
    assert told in found.sentences()[0], "the test finds better fronts with pareto, and none with tpe"
    assert found.facts()["leads_beyond_chance"] is None
    third = made(tmp_path / "third", [(0.6, 1), (0.6, 3)], sampler="random")
    assert "changes once, which may be chance." in compare([*quick, *slow, third]).sentences()[0]


def test_of_several_tests_each_counts_for_less(tmp_path):
    """Of five alike sides some two would differ in one comparison of four; p = 2 / 70 is enough for one test alone."""
    low, middle, high = (
        [made(tmp_path / f"{sampler}-{s}", [(least + s / 100, 1)], seed=s, sampler=sampler) for s in range(4)]
        for sampler, least in (("random", 0.4), ("tpe", 0.6), ("pareto", 0.8))
    )
    alone, among = compare([*low, *high]), compare([*low, *middle, *high])
    assert "in 0% of the pairs, more than chance (Mann-Whitney, p = 0.029;" in alone.sentences()[-1]
    for said in among.sentences()[-3:]:
        assert "no more than chance would give (Mann-Whitney, Bonferroni for 3 tests, p = 0.086;" in said
    assert alone.facts()["leads_beyond_chance"] is True
    assert among.facts()["leads_beyond_chance"] is None, "so few runs cannot tell"


def test_of_one_run_a_side_the_lead_may_be_chance(tmp_path):
    one = made(tmp_path / "one", [(0.5, 1), (0.7, 3)])
    other = made(tmp_path / "other", [(0.6, 2), (0.9, 4)], sampler="random")
    said = compare([one, other]).sentences()[0]
    assert said == "The lead in accuracy along latency changes 3 times, which may be chance."
    below = made(tmp_path / "below", [(0.4, 1)], sampler="random")
    assert "is with sampler=pareto throughout, which may be chance." in compare([one, below]).sentences()[0]


def test_one_side_alone_has_a_name_and_nothing_that_compares_sides(tmp_path):
    found = compare([made(tmp_path / f"{s}", [(0.5 + s / 100, 1)], seed=s) for s in range(3)])
    assert [side.name for side in found.sides] == ["space=small"]
    assert (found.leads, found.tests) == ([], [])
    assert found.sentences() == [
        "There is one side: the 3 runs differ in nothing but the seed, so how far they scatter is chance."
    ]


def test_the_test_is_exact(tmp_path):
    """Three runs that all beat three others: of the 20 ways to rank them, 2 are as extreme."""
    low = [made(tmp_path / f"low-{s}", [(0.5 + s / 100, 2)], seed=s) for s in range(3)]
    high = [made(tmp_path / f"high-{s}", [(0.8 + s / 100, 1)], seed=s, sampler="tpe") for s in range(3)]
    (test,) = compare([*low, *high]).tests
    assert (test.chance, test.p, test.least) == (0.0, pytest.approx(0.1), pytest.approx(0.1))


def test_the_test_is_exact_where_runs_found_the_same_front(tmp_path):
    """Of the 252 ways to deal them out 20 are as extreme; without an eye to ties it would be 14."""
    low, high = (0.5, 0.5, 0.6, 0.6, 0.6), (0.6, 0.6, 0.7, 0.7, 0.7)
    one = [made(tmp_path / f"low-{s}", [(value, 1)], seed=s) for s, value in enumerate(low)]
    other = [made(tmp_path / f"high-{s}", [(value, 1)], seed=s, sampler="tpe") for s, value in enumerate(high)]
    (test,) = compare([*one, *other]).tests
    assert test.p == pytest.approx(20 / 252)


def test_runs_are_compared_after_as_many_trainings(tmp_path):
    short = made(tmp_path / "short", [(0.5, 2), (0.6, 2)])
    long = made(tmp_path / "long", [(0.5, 2), (0.6, 2), (0.9, 1)], sampler="random")
    found = compare([short, long])
    assert found.trainings == 2
    (one,), (other,) = (found.hypervolumes(side) for side in found.sides)
    assert one == other
    assert [found.best(side) for side in found.sides] == [[0.6], [0.6]]
    assert found.growths[1][0].shares[-1] > other, "the curve goes on"
    assert found.growths[1][0].seconds == [0, 60, 120, 180]
    assert any("by how much seeds differ is not known" in said for said in found.sentences())


def test_sides_of_one_run_each_are_named_in_one_sentence(tmp_path):
    named = ("pareto", "random", "tpe")
    runs = [made(tmp_path / name, [(0.5, 2), (0.6, 3)], sampler=name) for name in named]
    one, two, three = (f"one run with sampler={name}" for name in named)
    assert f"There is {one}, {two} and {three}: by how much seeds" in compare(runs).sentences()[-1]


def test_three_objectives_have_hypervolumes_and_no_leads(tmp_path):
    settings = {"objectives": ("accuracy", "latency", "params")}
    found = compare([finished_run(tmp_path / "a", **settings), finished_run(tmp_path / "b", sampler="tpe", **settings)])
    assert found.leads == []
    assert found.hypervolumes(found.sides[0]) == found.hypervolumes(found.sides[1])


def test_an_empty_setting_is_none_in_a_sides_name(tmp_path):
    one = made(tmp_path / "one", [(0.7, 1)])
    other = made(tmp_path / "other", [(0.7, 1)], sampler="random", warm_start=["published"])
    assert [side.name for side in compare([one, other]).sides] == [
        "sampler=pareto warm_start=none",
        "sampler=random warm_start=published",
    ]


def test_how_a_path_was_typed_makes_no_side(tmp_path, monkeypatch):
    """The report's command to repeat a search names the run's own copy of the space."""
    monkeypatch.chdir(tmp_path)
    one = made(tmp_path / "one", [(0.7, 1)], data="image_folder:photos")
    typed = {"space": "one/space.yaml", "data": f"image_folder:{tmp_path / 'photos'}"}
    other = made(tmp_path / "other", [(0.6, 1)], seed=1, **typed)
    assert [side.name for side in compare([one, other]).sides] == ["space=small"]
    third = made(tmp_path / "third", [(0.6, 1)], sampler="random", **typed)
    assert [side.name for side in compare([one, third]).sides] == ["sampler=pareto", "sampler=random"]


def test_who_is_ahead_at_the_low_end_of_what_is_maximised():
    fronts = [("a", np.array([[-0.9, -50.0]])), ("b", np.array([[-0.8, -100.0]]))]
    said = where_ahead(leads_of(fronts, -1.0), ("accuracy", "throughput"))
    assert said == "Ahead in accuracy, by throughput: b from 50.0 images/s to 100 images/s; a from 50.0 images/s down."


def test_the_last_lead_has_no_end():
    """Beyond 5 ms a's best network leads as well."""
    fronts = [("a", np.array([[-0.9, 1.0], [-0.95, 5.0]])), ("b", np.array([[-0.8, 1.0]]))]
    assert where_ahead(leads_of(fronts, 1.0), ("accuracy", "latency")) == (
        "Ahead in accuracy, by latency: a from 1.00 ms on."
    )
    fronts = [("a", np.array([[-0.9, -50.0], [-0.8, -100.0]])), ("b", np.array([[-0.7, -100.0]]))]
    said = where_ahead(leads_of(fronts, -1.0), ("accuracy", "throughput"))
    assert said == "Ahead in accuracy, by throughput: a from 100 images/s down."


def test_the_recipe_names_sides_too(tmp_path):
    one = made(tmp_path / "one", [(0.5, 1)])
    other = made(tmp_path / "other", [(0.5, 1)], recipe={"epochs": 3})
    assert [side.name for side in compare([one, other]).sides] == ["epochs=1", "epochs=3"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"objectives": ("accuracy", "params")}, "one weighs accuracy and latency, the other accuracy and params"),
        ({"data": "digits"}, "one is on cluttered_digits, the other on digits"),
        (
            {"target": "onnxruntime"},
            "times of one were measured with target eager, of the other with target onnxruntime",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused_in_words(tmp_path, settings, said):
    one, other = finished_run(tmp_path / "one"), finished_run(tmp_path / "other", **settings)
    with pytest.raises(SettingError, match="cannot be compared") as error:
        compare([one, other])
    assert said in str(error.value)


def test_other_data_are_named_and_not_called_a_change(tmp_path):
    one, other = made(tmp_path / "one", [(0.5, 1)]), made(tmp_path / "other", [(0.5, 1)], data="digits")
    same = made(tmp_path / "same", [(0.5, 1)])
    one.seal["data"] = fingerprint(few(load("cluttered_digits"), 60))
    other.seal["data"], same.seal["data"] = (fingerprint(few(load("digits"), count)) for count in (60, 50))
    with pytest.raises(SettingError, match="one is on cluttered_digits, the other on digits, which holds other images"):
        compare([one, other])
    with pytest.raises(SettingError, match=r"the data of \S*same are not those of \S*one: .*has \d+ images, not \d+"):
        compare([one, same])
    early = made(tmp_path / "early", [(0.5, 1)])  # before runs knew their data
    for runs in ([early, one, same], [one, early, same], [one, same, early]):
        with pytest.raises(SettingError, match="the data of "):
            compare(runs)


def timed_by(run, device):
    """The run as one whose record notes the device that its target measured on, or, as early ones did not, none."""
    noted = read_environment(run.folder) | ({"timed_on": device} if device else {})
    write_environment(run.folder, noted)
    return run


def test_a_run_that_did_not_note_its_device_is_compared_with_a_word_on_it(tmp_path):
    early, phone, same, board = (
        timed_by(made(tmp_path / name, [(0.5, 1)], target="file:device.yaml", seed=seed), device)
        for seed, (name, device) in enumerate([("early", ""), ("phone", "P"), ("same", "P"), ("board", "B")])
    )
    for runs in ([early, phone], [phone, early]):
        (said,) = [said for said in compare(runs).sentences() if "device" in said]
        assert said == (
            "On which device times were measured is not noted of early; they compare with the others only if it was P, "
            "too."
        )
    assert not any("device" in said for said in compare([phone, same]).sentences())
    for runs in ([phone, board], [early, phone, board], [phone, early, board]):
        with pytest.raises(SettingError, match="with device P, of the other with device B"):
            compare(runs)


def test_where_one_front_alone_was_trained_again_first_trainings_are_compared(tmp_path):
    """Else the lucky would lead: a mean of further trainings lies below the value that was chosen for being high."""
    alike = [(0.7, 1), (0.9, 3)]
    again, once = made(tmp_path / "again", alike, sampler="random"), made(tmp_path / "once", alike)
    for repeat in (1, 2):
        again.append_further(Further(1, repeat, Outcome("complete", {"accuracy": 0.8, "latency": 3})))
    found = compare([again, once])
    assert found.hypervolumes(found.sides[0]) == found.hypervolumes(found.sides[1])
    assert {lead.side for lead in found.leads} == {""}
    assert [found.best(side) for side in found.sides] == [[0.9], [0.9]]
    assert any("those of first trainings" in said for said in found.sentences())
    assert not compare([once, made(tmp_path / "other", alike, sampler="random")]).footing.first


def climbed(folder, points, going_on, **settings):
    """Make a run of two rungs: what its trials came to on the first, and some on the second in trainings 4, 5, ..."""
    run = made(folder, points, rungs=(1, 3), **settings)
    for i, (number, accuracy) in enumerate(going_on):
        outcome = Outcome("complete", {"accuracy": accuracy, "latency": points[number][1]})
        run.append_further(Further(number, 0, outcome, 60.0 * (len(points) + i + 1), rung=1))
    return run


def test_runs_are_compared_on_the_highest_rung_that_all_came_to(tmp_path):
    """One that was stopped before any network went on would lose to longer trainings, or these come after its end."""
    points = [(0.5, 1), (0.6, 2), (0.7, 3)]
    short = climbed(tmp_path / "short", points, [])
    long = climbed(tmp_path / "long", points, [(0, 0.8), (2, 0.95)], sampler="random")
    found = compare([short, long])
    assert set(found.footing.rungs.values()) == {0}
    assert found.hypervolumes(found.sides[0]) == found.hypervolumes(found.sides[1])
    assert [found.best(side) for side in found.sides] == [[0.7], [0.7]]
    assert {lead.side for lead in found.leads} == {""}
    first, lead, *_ = found.sentences()
    assert "trainings of 1 epoch, the longest that all of these runs came to within 3 trainings: what a ladder" in first
    assert lead.startswith("Ahead in accuracy"), "which is about those values alone"
    other = climbed(tmp_path / "other", points, [(0, 0.8), (2, 0.9)], sampler="tpe")
    found = compare([long, other])
    assert [found.best(side) for side in found.sides] == [[0.95], [0.9]]
    assert not found.footing.sentences()


def test_why_first_trainings_are_compared_is_told_where_others_are_of_another_length(tmp_path):
    short = made(tmp_path / "short", [(0.5, 1)])
    short.append_further(Further(0, 1, Outcome("complete", {"accuracy": 0.8, "latency": 1})))
    ladder = climbed(tmp_path / "ladder", [(0.5, 1)], [(0, 0.8)], sampler="random")
    ladder.append_further(Further(0, 1, Outcome("complete", {"accuracy": 0.8, "latency": 1}), rung=1))
    told = " ".join(compare([short, ladder]).sentences())
    assert "trained again from other seeds, of others at another length than is compared, so the values" in told
    third = made(tmp_path / "third", [(0.5, 1)], sampler="tpe")
    told = " ".join(compare([short, ladder, third]).sentences())
    assert "from other seeds, of others not and of others at another length than is compared, so the values" in told


def test_lengths_that_differ_are_told(tmp_path):
    one, three = made(tmp_path / "one", [(0.5, 1)]), made(tmp_path / "three", [(0.7, 1)], recipe={"epochs": 3})
    assert "1 epoch of one, 3 epochs of three" in " ".join(compare([one, three]).sentences())
    ladder = climbed(tmp_path / "ladder", [(0.5, 1)], [(0, 0.8)], sampler="random")
    found = compare([one, ladder])
    assert [found.best(side) for side in found.sides] == [[0.5], [0.5]]


def test_a_run_without_a_value_by_then_counts_as_the_worst(tmp_path):
    """The library that draws attainment surfaces ends the process when a side has no point."""
    run = empty_run(tmp_path / "late", sampler="random")
    for number in range(2):
        run.append(replace(trial(run, number, state="failed"), ended=60.0 * (number + 1)))
    run.append(replace(trial(run, 2, metrics={"accuracy": 0.9, "latency": 1}), ended=180.0))
    found = compare([made(tmp_path / "soon", [(0.5, 2)]), run])
    assert [found.best(side) for side in found.sides] == [[0.5], [None]]
    assert found.hypervolumes(found.sides[1]) == [0.0]
    assert found.leads[0].side == "sampler=pareto"


def test_one_run_and_an_empty_one_are_refused(tmp_path):
    run = finished_run(tmp_path / "run")
    with pytest.raises(SettingError, match="two runs or more"):
        compare([run])
    with pytest.raises(SettingError, match="empty has no finished trial"):
        compare([run, empty_run(tmp_path / "empty")])


def test_one_search_does_not_count_as_two(sides):
    with pytest.raises(SettingError, match="differ in nothing, not even the seed"):
        compare([sides[0][0], sides[1][0], sides[0][0]])


def test_plain_data_has_every_number(sides):
    facts = compare([*sides[0], *sides[1]]).facts()
    assert [len(side["hypervolumes"]) for side in facts["sides"]] == [3, 3]
    assert np.isfinite([share for side in facts["sides"] for share in side["hypervolumes"]]).all()
    assert len(facts["tests"]) == 1


def test_plain_data_tells_leads_beyond_chance_from_others(sides, tmp_path):
    assert compare([*sides[0], *sides[1]]).facts()["leads_beyond_chance"] is None, "three runs a side cannot tell"
    quick = [made(tmp_path / f"{s}", [(0.7 + s / 100, 1)], seed=s) for s in range(4)]
    slow = [made(tmp_path / f"late-{s}", [(0.3, 2)], seed=s, sampler="tpe") for s in range(4)]
    assert compare([*quick, *slow]).facts()["leads_beyond_chance"] is True
    third = made(tmp_path / "third", [(0.6, 1)], sampler="random")
    assert compare([quick[0], slow[0]]).facts()["leads_beyond_chance"] is None, "how far seeds differ is not known"
    assert compare([*quick, *slow, third]).facts()["leads_beyond_chance"] is None
    assert compare(quick).facts()["leads_beyond_chance"] is None, "one side leads none"


def test_a_run_of_before_seals_repeats_one_that_has_one(tmp_path):
    old, new = (made(tmp_path / f"run-{seed}", [(0.7, 1), (0.8, 3)], seed=seed) for seed in (0, 1))
    assert new.seal["space"]
    (old.folder / SEAL).unlink()
    (side,) = compare([old.folder, new.folder]).sides
    assert len(side.runs) == 2
