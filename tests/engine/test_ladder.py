"""Further trainings: on to higher rungs while a search goes on, from other seeds once it ends; nothing is lost."""

import json

import pytest
from run_fixtures import empty_run, trial
from small_searches import Stopped, search, story

import nas
from nas.cli.outcome import run_facts
from nas.engine import ladder
from nas.engine.ladder import Ladder, Step, contenders, following, gains, length, missing
from nas.engine.watcher import Watcher
from nas.errors import RunError
from nas.evaluation import evaluator
from nas.evaluation.job import Outcome
from nas.record import paused
from nas.record.journal import FURTHER
from nas.record.run import Run
from nas.record.trial import Further


def values(run, *points):
    """Complete trials with these accuracies and latencies."""
    for number, (accuracy, latency) in enumerate(points):
        run.append(trial(run, number, metrics={"accuracy": accuracy, "latency": latency, "macs": 1e6}))
    return run


def test_contenders_are_the_front_and_its_nearest_rivals(tmp_path):
    run = values(empty_run(tmp_path / "run"), (0.9, 2.0), (0.5, 1.0), (0.89, 2.1), *[(0.1, 9.0 + i) for i in range(37)])
    assert [t.number for t in contenders(run)] == [1, 0, 2], "a tenth of forty, at most"


@pytest.mark.parametrize("points", [[(0.5, 2.0)], [(0.5, 2.0), (0.7, 2.0), (0.6, 2.0)]])
def test_where_all_are_alike_in_an_objective_the_others_decide(tmp_path, points):
    run = values(empty_run(tmp_path / "run", rungs=(1, 2)), *points)
    assert all(gains(run) > 0)


def test_a_trial_that_falls_lets_the_next_one_in(tmp_path):
    run = values(empty_run(tmp_path / "run", confirm=1), (0.9, 2.0), (0.8, 2.0))
    assert missing(run) == [Step(0, 0, 1)]
    run.append_further(Further(0, 1, Outcome("complete", {"accuracy": 0.7, "latency": 2.0})))
    assert missing(run) == [Step(1, 0, 1)]
    run.append_further(Further(1, 1, Outcome("complete", {"accuracy": 0.78, "latency": 2.0})))
    assert missing(run) == []
    assert [t.number for t in run.front()] == [1]


def test_a_lucky_second_training_takes_no_network_off_the_front_that_was_not_trained_again(tmp_path):
    run = values(empty_run(tmp_path / "run", confirm=1), (0.25, 1.0), (0.28, 2.0), (0.29, 3.0))
    run.append_further(Further(0, 1, Outcome("complete", {"accuracy": 0.31, "latency": 1.0})))
    assert [t.number for t in run.front()] == [0]
    assert missing(run) == [Step(1, 0, 1), Step(2, 0, 1)]
    run.append_further(Further(1, 1, Outcome("complete", {"accuracy": 0.27, "latency": 2.0})))
    run.append_further(Further(2, 1, Outcome("complete", {"accuracy": 0.33, "latency": 3.0})))
    assert missing(run) == []
    assert [t.number for t in run.front()] == [0, 2]


def test_a_search_ends_with_a_confirmed_front(space):
    run = search(space, "confirmed", budget=15, confirm=2)
    assert len(run.spent) == 15, "further trainings cost no budget"
    for found in run.front():
        again = [c for c in run.further if c.trial == found.number]
        assert [c.repeat for c in again] == [1, 2]
        assert found.metrics["accuracy"] == pytest.approx(sum(c.outcome.metrics["accuracy"] for c in again) / 2)
        assert len({c.outcome.metrics["accuracy"] for c in again} | {found.trial.metrics["accuracy"]}) > 1
    frame = run.to_frame().set_index("number")
    assert all(frame.loc[result.number, "trainings"] == result.trainings for result in run.results)
    assert {result["trainings"] for result in run_facts(run)["front"]} == {2}
    assert set(frame.columns) >= {"trainings", "accuracy_first", "accuracy_interval"}
    assert "95 % interval" in (run.folder / "report.html").read_text()
    assert Run(run.folder).front() == run.front()


def test_none_is_trained_again_where_it_is_turned_off_or_nothing_was_trained(space):
    assert search(space, "off", budget=3, confirm=0).further == []
    assert search(space, "sizes", budget=3, objectives=("macs", "params")).further == []


def test_an_interrupted_confirmation_goes_on(space):
    whole = search(space, "whole", budget=6)

    def confirmed(_confirmation, run):
        if len(run.further) == 2:
            raise Stopped

    with pytest.raises(Stopped):
        search(space, "cut", budget=6, watcher=Watcher(trained_further=confirmed))
    cut = space.parent / "runs" / "cut"
    with (cut / FURTHER).open("a") as file:
        file.write('{"trial": 3, "rep')  # torn by a kill
    resumed = nas.resume(cut)
    told = [[(c.trial, c.repeat, c.outcome.metrics) for c in run.further] for run in (whole, resumed)]
    assert told[0] == told[1]
    assert [json.loads(line)["trial"] for line in (cut / FURTHER).read_text().splitlines()]


def test_a_larger_budget_keeps_what_was_confirmed(space):
    run = search(space, "longer", budget=4)
    before = list(run.further)
    longer = nas.resume(run.folder, budget=8)
    assert longer.further[: len(before)] == before
    assert len(longer.spent) == 8
    assert missing(longer) == []


# ---- on to higher rungs


def reached(run, *rungs):
    """Take trials on to the second rung, where they have these accuracies."""
    for number, accuracy in rungs:
        metrics = run.trials[number].metrics | {"accuracy": accuracy}
        run.append_further(Further(number, 0, Outcome("complete", metrics), rung=1))
    return run


def test_gains_are_largest_where_the_front_would_grow_most(tmp_path):
    run = empty_run(tmp_path / "run", rungs=(1, 3))
    points = [(0.5, 1.0), (0.7, 2.0), (0.8, 4.0), (0.79, 8.0), (0.4, 8.0), (0.2, 8.0), *[(0.3, 9.0)] * 6]
    values(run, *points)
    gain = gains(run)
    assert gain[2] > gain[3] > gain[4] > gain[5] >= 0, "the better, and the cheaper, the more"
    reached(run, (2, 0.9))
    after = gains(run)
    assert after[2] < gain[2], "what is known gains by its doubt alone"
    assert after[3] < gain[3], "as does what it dominates"
    assert after[0] > 0, "nothing so cheap is known yet"


def test_without_rungs_no_trial_waits_for_a_look_at_all_results(tmp_path, monkeypatch):
    """As many trials later each would take as much longer."""
    run = empty_run(tmp_path / "run", rungs=(1,))
    values(run, *[(0.5 + i / 100, 1.0 + i) for i in range(15)])

    def looked(run):
        raise AssertionError("all results were looked at")

    with monkeypatch.context() as patch:
        patch.setattr(Run, "results", property(looked))
        assert Ladder(run, Watcher(), lambda: 0.0).climb() is None


def test_without_rungs_the_front_and_its_rivals_alone_are_trained_again(tmp_path):
    run = empty_run(tmp_path / "run", rungs=(1,), confirm=2)
    values(run, *[(0.9 - i / 100, 2.0 + i) for i in range(30)], (0.5, 1.0))
    mine, begun = Ladder(run, Watcher(), lambda: 0.0), []
    while job := mine.ask():
        begun.append(job.number)
        mine.tell(job, Outcome("complete", dict(run.trials[job.number].metrics)))
    assert sorted(begun) == [0, 0, 1, 1, 30, 30], "a tenth of 31, the front among them"
    assert all(further.repeat for further in run.further)


def test_results_are_looked_at_again_once_enough_of_those_that_ran_have_ended(tmp_path, monkeypatch):
    """With one worker after every training; with many not, as each look takes as long as there are trials."""
    looks, real = [], ladder.ranked
    monkeypatch.setattr(ladder, "ranked", lambda run: looks.append(len(run.trials)) or real(run))
    for beside, seen in ((0, [12, 13, 14, 15]), (20, [12, 15])):
        run = values(empty_run(tmp_path / f"run{beside}", rungs=(1, 3)), *[(0.5 + i / 50, 1.0 + i) for i in range(12)])
        looks.clear()
        mine, begun = Ladder(run, Watcher(), lambda: 0.0, range(beside)), []
        for number in (12, 13, 14, 15):
            if job := mine.climb():
                begun.append(job)
            run.append(trial(run, number, metrics={"accuracy": 0.9, "latency": 50.0 + number, "macs": 1e6}))
        assert looks == seen
        assert len({job.ticket for job in begun}) == len(begun) == 4, "no step is begun twice"


def test_room_is_made_by_what_all_results_are_worth_by_now(tmp_path, monkeypatch):
    run = values(empty_run(tmp_path / "run", rungs=(1, 3)), *[(0.5 + i / 50, 1.0 + i) for i in range(12)])
    mine = Ladder(run, Watcher(), lambda: 0.0, range(1000))
    assert mine.climb(), "a look that holds for a hundred trainings"
    run.append(trial(run, 12, metrics={"accuracy": 0.99, "latency": 0.5, "macs": 1e6}))
    for number in range(13):
        paused.keep(run.folder, number, 0, bytes(1000))
    monkeypatch.setattr(paused, "ROOM", 5000)
    mine.climb()
    left = {int(path.stem.partition("-")[0]) for path in (run.folder / "paused").iterdir()}
    assert len(left) == 4, "a tenth is left free"
    assert 12 in left, "the best of all, though it ended after the look"


def test_work_is_counted_on_as_it_would_be_from_the_beginning(tmp_path):
    run = values(empty_run(tmp_path / "run", rungs=(1, 3)), *[(0.5 + i / 50, 1.0 + i) for i in range(12)])
    mine = Ladder(run, Watcher(), lambda: 0.0)
    for number in range(12, 40):
        anew = Ladder(run, Watcher(), lambda: 0.0)
        job, other = mine.climb(), anew.climb()
        assert job == other
        if job:
            mine.tell(job, Outcome("complete", run.trials[job.number].metrics | {"accuracy": 0.5 + number / 100}))
        else:
            run.append(trial(run, number, metrics={"accuracy": 0.4 + number / 100, "latency": 50.0, "macs": 1e6}))
    assert run.further
    assert len(run.trials) > 12


def test_a_search_takes_on_what_may_belong_to_the_front(space):
    run = search(space, "rungs", budget=16, rungs=(1, 2, 4), confirm=1)
    climbed = [one for one in run.further if not one.repeat]
    assert climbed
    assert all(result.rung == 2 for result in run.front())
    for one in climbed:
        below = [other for other in climbed if (other.trial, other.rung) == (one.trial, one.rung - 1)]
        assert one.rung == 1 or below, "a rung at a time"
        assert len(one.outcome.losses) >= 1
    lengths = sum(length(run, Step(one.trial, one.rung, 0)) * run.trials[one.trial].metrics["macs"] for one in climbed)
    first = sum(trial.metrics["macs"] for trial in run.spent)
    assert lengths < 2.5 * first, "half of the work, and at most one training more"
    assert {one.trial for one in run.further if one.repeat} <= {
        result.number for result in run.results if result.rung == 2
    }
    waiting = {int(path.stem.split("-")[0]) for path in (run.folder / "paused").iterdir()}
    assert waiting == {result.number for result in run.results if result.rung < 2}
    frame = run.to_frame()
    assert frame[frame.on_front]["rung"].eq(2).all()
    assert "those that might belong to the front went on" in (run.folder / "report.html").read_text()


def test_a_longer_training_is_the_one_that_went_on(space):
    run = search(space, "climbed", budget=6, rungs=(1, 3), confirm=0)
    one = next(one for one in run.further)
    alone = search(space, "alone", budget=6, rungs=(3,), confirm=0)
    same = alone.trials[one.trial]
    assert same.key == run.trials[one.trial].key
    assert same.metrics["accuracy"] == one.outcome.metrics["accuracy"]


@pytest.mark.long
def test_the_same_seed_climbs_the_same_and_a_stop_anywhere_changes_nothing(space):
    settings = {"budget": 14, "rungs": (1, 2, 4), "confirm": 1}
    whole = search(space, "whole_ladder", **settings)

    def stop(_further, run):
        if len(run.further) in (2, 5):
            raise Stopped

    folder = space.parent / "runs" / "cut_ladder"
    with pytest.raises(Stopped):
        search(space, "cut_ladder", watcher=Watcher(trained_further=stop), **settings)
    for path in sorted((folder / "paused").iterdir())[:3]:
        path.unlink()  # lost with the disk: trained from the beginning
    with pytest.raises(Stopped):
        nas.resume(folder, watcher=Watcher(trained_further=stop))
    cut = nas.resume(folder)
    told = [[(c.trial, c.rung, c.repeat, c.outcome.metrics) for c in run.further] for run in (whole, cut)]
    assert told[0] == told[1]
    assert story(whole) == story(cut)


def test_a_training_that_fails_on_its_way_leaves_the_front(space, monkeypatch):
    def hostile(pause):
        raise MemoryError

    monkeypatch.setattr("nas.training.pause.Pause.restore", lambda self, network, optimizer: hostile(self))
    run = search(space, "falling", budget=12, rungs=(1, 2), confirm=0)
    failed = {one.trial for one in run.further if one.outcome.state == "failed"}
    assert failed
    assert not failed & {result.number for result in run.results}
    assert run.front(), "the first rung is all that is left"
    left = {int(path.stem.partition("-")[0]) for path in (run.folder / "paused").glob("*.safetensors")}
    assert not failed & left, "what nothing goes on from is no longer kept"


def test_trainings_that_wait_keep_to_their_room(space, monkeypatch):
    sizes = []

    def ended(trial, run):
        sizes.append(paused.size(run.folder))

    search(space, "free", budget=12, rungs=(1, 9), confirm=0, promotion=0.01, watcher=Watcher(ended=ended))
    room = sizes[3]
    assert sizes[-1] > 2 * room
    monkeypatch.setattr(paused, "ROOM", room)
    sizes.clear()
    search(space, "held", budget=12, rungs=(1, 9), confirm=0, promotion=0.01, watcher=Watcher(ended=ended))
    assert max(sizes) < 2 * room, "but for the one that was kept last"


@pytest.mark.long
def test_two_workers_climb_and_train_nothing_twice(space, ray_here):
    run = search(space, "two", budget=14, rungs=(1, 2, 4), workers=2, confirm=1)
    steps = [(one.trial, one.rung, one.repeat) for one in run.further]
    assert len(steps) == len(set(steps)) > 3
    assert all(result.rung == 2 for result in run.front())
    assert missing(run) == []


def test_a_small_budget_climbs_too(space):
    run = search(space, "small", budget=4, rungs=(1, 3), confirm=1)
    assert [result.rung for result in run.front()] == [1] * len(run.front())
    assert {one.rung for one in run.further} == {1}


def test_a_longer_training_has_as_much_more_time(space):
    limits = []

    def began(job, run):
        limits.append((job.purpose, job.rung, job.limit(10.0), job.limit(None)))

    search(space, "limits", budget=11, rungs=(1, 2, 4), confirm=1, watcher=Watcher(began=began))
    assert set(limits) == {
        ("search", 0, 10.0, None), ("promote", 1, 20.0, None), ("promote", 2, 40.0, None), ("confirm", 2, 40.0, None)
    }  # fmt: skip


def test_the_seeds_of_a_network_are_each_done_once_in_whatever_order_they_end(tmp_path):
    run = values(empty_run(tmp_path / "run", confirm=3), (0.9, 2.0), (0.8, 3.0))
    run.append_further(Further(0, 2, Outcome("complete", {"accuracy": 0.9, "latency": 2.0})))
    assert following(run, run.results[0], ()) == Step(0, 0, 1)
    run.append_further(Further(0, 1, Outcome("complete", {"accuracy": 0.9, "latency": 2.0})))
    assert following(run, run.results[0], (1, 2)) == Step(0, 0, 3)


def test_a_failure_among_few_keeps_no_search_on_its_first_rung(space, monkeypatch):
    real, count = evaluator.train, iter(range(1000))

    def train(*args, **options):
        if next(count) in (1, 3):
            raise MemoryError
        return real(*args, **options)

    monkeypatch.setattr(evaluator, "train", train)
    run = search(space, "failing", budget=11, rungs=(1, 2), confirm=0)
    assert sum(trial.state == "failed" for trial in run.trials) == 2
    assert all(result.rung == 1 for result in run.front())


def test_a_disk_that_is_too_full_for_weights_loses_no_training(space, monkeypatch):
    def full(*_):
        raise RunError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr("nas.record.paused.keep", full)
        with pytest.raises(RunError, match="the disk is full"):
            search(space, "full", budget=6, rungs=(1, 2))
    folder = space.parent / "runs" / "full"
    assert len(Run(folder).trials) == 1, "the training that ended is kept"
    resumed = nas.resume(folder)
    assert story(resumed) == story(search(space, "empty", budget=6, rungs=(1, 2)))


def test_a_second_look_rejects_no_network(space, monkeypatch):
    """A latency a little above the limit, when it is measured again, is no reason to lose a network."""
    real = evaluator.broken_limit
    monkeypatch.setattr(evaluator, "broken_limit", lambda config, metrics: real(config, metrics) or next(verdicts))
    verdicts = iter([""] * 24 + ["latency is above the limit"] * 1000)
    run = search(space, "limits2", budget=12, rungs=(1, 2), confirm=1)
    assert {one.outcome.state for one in run.further} == {"complete"}
