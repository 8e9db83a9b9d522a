"""A plan: resolved once, refused in one place, and measured where the trials run."""

from dataclasses import replace

import pytest
from boxed_folders import PICTURES, coco_file
from outside import site as site
from run_fixtures import SPACE

import nas
from nas.config import make_config
from nas.data import load, stored
from nas.engine import front_measurer
from nas.engine.plan import doubts, fit, held, load_whole, new_plan, plan_of
from nas.engine.watcher import Watcher
from nas.errors import DataError, SettingError, SpaceError
from nas.evaluation.catalogue import objective
from nas.evaluation.job import Outcome
from nas.record.run import Run
from nas.registry import HEADS
from nas.space.library import load_space
from nas.training.catalogue import check_targets

QUICK = {"data": "digits", "recipe": {"subset": 32}, "device": "cpu", "confirm": 0, "sampler": "random"}


def test_a_plan_holds_all_that_a_search_needs():
    config = make_config({"data": "digits", "seed_with": ("coatnet_0",), "workers": 1, "budget": {"trials": 3}})
    plan = new_plan(config, load_space(SPACE))
    assert (plan.space.channels, plan.space.classes) == (1, 10)
    assert [design.name for design in plan.designs] == ["coatnet_0"]
    assert plan.placement.workers == 1
    assert plan.devices.training
    assert plan.predictor is None


@pytest.mark.parametrize(
    ("settings", "error", "says"),
    [
        ({"device": "cuda"}, SettingError, "torch sees no CUDA device"),
        ({"maximum": {"accuracy": 0.5}}, SettingError, "known only after training"),
        ({"maximum": {"params": 3.0}}, SettingError, "every network of small is above that"),
        ({"maximum": {"latency": 1e-4}}, SettingError, "every network of small is above that"),
        ({"target": "cuda_graph"}, SettingError, "torch sees no CUDA device"),
        ({"data": "npz:absent.npz"}, DataError, "absent.npz"),
        ({"seed_with": ("coatnet_9",)}, SettingError, "Did you mean"),
    ],
)
def test_what_cannot_stand_is_refused_before_a_folder_is_made(tmp_path, settings, error, says):
    import torch

    if "cuda" in str(settings) and torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises(error, match=says):
        nas.search(_file(tmp_path), budget=2, runs=tmp_path / "runs", **(QUICK | settings))
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize(("drawn", "part"), [("subset", "train"), ("validation", "validation")])
def test_images_that_are_drawn_and_show_no_box_are_refused(tmp_path, monkeypatch, drawn, part, lazy):
    """In them every network would find nothing."""
    if lazy:
        monkeypatch.setattr(stored, "IN_MEMORY", 1000)
    for name in ("train", "validation", "test"):
        boxes = {f"{name}{i}": PICTURES["p4"] if i == 17 else [] for i in range(30)}
        file = coco_file(tmp_path / name / "boxes.json", boxes)
    settings = {"task": "detection", "data": f"coco:{file}", "resolution": 32}
    config = make_config(settings)
    assert held(config, load_whole(config)).parts["validation"] == 30
    config = make_config(settings | {"recipe": {drawn: 2}})
    with pytest.raises(DataError, match=rf"the {part} part would have no box .* or more by --subset and --validation"):
        held(config, load_whole(config))


def _file(folder):
    from nas import document

    (folder / "small.yaml").write_text(document.dump(SPACE))
    return folder / "small.yaml"


FAILING = """
from nas.evaluation.objectives import Objective
__all__ = ["rare"]
rare = Objective("minimize", known=lambda candidate: {1: 1.0}[candidate.architecture.stages[0].depth])
"""


@pytest.mark.parametrize("depths", [[2], [1, 2]])
def test_a_search_by_an_objective_that_fails_is_refused_and_leaves_no_folder(tmp_path, site, depths):
    """One that fails for the smallest network is refused by the plan, for another at the sampler's first choice."""
    file, runs = tmp_path / "rare.py", tmp_path / "runs"
    file.write_text(FAILING)
    space = {"name": "tiny", "resolution": 8, "stem": {"kind": "conv", "width": 4},
             "stages": [{"block": "conv", "depth": depths, "width": [4, 8, 16], "stride": 2}]}  # fmt: skip
    with pytest.raises(SettingError, match=r"rare\.py:4: known\(candidate\) of objective 'rare': KeyError: 2"):
        nas.search(space, budget=8, name="again", runs=runs, plugins=(file,), objectives=("accuracy", "rare"),
                   **QUICK | {"sampler": "pareto"})  # fmt: skip
    assert not [*runs.glob("*")]


def test_networks_are_compared_by_so_many_validation_images_as_are_asked_for():
    """Of 10,000 the judging would take most of the time where 800 images are trained on."""
    whole, some, again = (
        load_whole(make_config({"data": "digits", "recipe": {"validation": count}, "seed": seed}))
        for count, seed in ((None, 1), (50, 1), (50, 1))
    )
    assert len(some.validation) == 50 < len(whole.validation)
    assert set(some.validation) < set(whole.validation)
    assert list(some.validation) == list(again.validation)
    assert list(some.train) == list(whole.train)
    other = load_whole(make_config({"data": "digits", "recipe": {"validation": 10**6}, "seed": 1}))
    assert list(other.validation) == list(whole.validation)


def test_stages_on_maps_of_one_pixel_are_warned_of():
    config, space = make_config({}), load_space("cvt_family")
    assert doubts(config, space.fit(resolution=8, channels=1, classes=10)) == []  # maps of 4, 4, 2 and 2 pixels
    (warning,) = doubts(config, space.fit(resolution=4, channels=1, classes=10))
    assert warning.startswith("20 of 20 random networks of cvt_family have a stage on a map of one pixel")
    assert "the images are 4 x 4 (--resolution)" in warning


def test_limits_that_shut_out_the_best_are_warned_of():
    space = load_space("cvt_family")
    sound = make_config({"maximum": {"latency": 3}, "minimum": {"throughput": 10}})
    assert doubts(sound, space) == []
    turned = make_config({"minimum": {"latency": 3}, "maximum": {"throughput": 10}})
    slow, few = doubts(turned, space)
    assert slow.startswith("--min latency=3 shuts out the best in latency, which is to be small")
    assert few.endswith("--min throughput=10 shuts out the worst")


def test_a_data_set_and_a_head_must_fit_the_task(monkeypatch):
    digits = load("digits")
    with pytest.raises(DataError, match=r"data set 'voc:x/y' holds boxes; this task needs classes: write --task "
                                        r"detection \(heads: detr\), or name other data"):  # fmt: skip
        check_targets("classification", "voc:x/y", "boxes")
    with pytest.raises(DataError, match=r"this task needs boxes: write --task classification \(heads: class_token, "):
        check_targets("detection", "digits", "classes")
    with pytest.raises(DataError, match="holds angles; this task needs classes: name other data"):
        check_targets("classification", "turned", "angles")
    with pytest.raises(DataError, match=r"needs boxes: train a network with another head \(class_token, .*\), or name"):
        check_targets("detection", "digits", "classes", "detr")  # no task learns classes with it
    monkeypatch.setattr(HEADS.get("pool"), "outputs", "boxes")
    with pytest.raises(SpaceError, match="head 'pool' gives boxes; the task classification needs logits: class_token"):
        fit(load_space(SPACE), digits, "classification")
    assert replace(digits, targets="boxes").targets == "boxes"


SHORT = """
from nas.evaluation.objectives import Objective, timed
__all__ = ["nothing"]
timed.LATENCY_SECONDS.update(dict.fromkeys(timed.LATENCY_SECONDS, 0.05))
nothing = Objective("minimize", known=lambda candidate: 0.0)
"""


def test_the_front_is_measured_by_the_workers_not_here(tmp_path, monkeypatch, site, ray_here):
    """In this process nothing can be measured: whatever is measured nevertheless was measured by a worker.

    The plug-in sets the clocks of the workers, which a patch does not reach.
    """
    (tmp_path / "short.py").write_text(SHORT)

    def broken(*_args, **_settings):
        raise AssertionError("measured in the driver's process")

    monkeypatch.setattr("nas.costs.latency.measure.measure", broken)
    unsure = replace(objective("latency"), remeasured=lambda details: True)
    monkeypatch.setattr(
        front_measurer, "objectives", lambda names: {name: unsure for name in names if name == "latency"}
    )
    run = nas.search(_file(tmp_path), budget=2, runs=tmp_path, name="a", workers=2,
                     plugins=(tmp_path / "short.py",), **QUICK)  # fmt: skip
    assert [trial.state for trial in run.trials] == ["complete"] * 2
    assert run.front_values("latency").keys() == {result.key for result in run.front()}
    assert all(value > 0 for value in run.front_values("latency").values())


def test_a_network_that_cannot_be_measured_again_keeps_what_it_has(tmp_path, monkeypatch):
    from nas.evaluation.objectives import timed

    monkeypatch.setitem(timed.LATENCY_SECONDS, "search", 1e-4)
    real = timed._measured
    full = timed.LATENCY_SECONDS["full"]

    def measured(candidate, deployment, seconds):
        if seconds == full:
            raise RuntimeError("the device went away")
        return real(candidate, deployment, seconds)

    monkeypatch.setattr(timed, "_measured", measured)
    run = nas.search(_file(tmp_path), budget=2, runs=tmp_path, name="a", workers=1, **QUICK)
    assert len(run.results) == 2
    assert run.front_values("latency") == {}
    assert (run.folder / "report.html").exists()

    said: list[str] = []
    measurer = front_measurer.FrontMeasurer(run, Watcher(warned=said.append))
    measurer.asked |= {"throughput": measurer.asked["latency"]}
    job = measurer.ask()
    assert job
    assert job.asked == ("latency", "throughput")
    measurer.tell(job, Outcome("failed", {"latency": 1.5}, reason="the device went away"))
    assert said == [f"trial {job.number} could not be measured again and keeps throughput as it was: "
                    "the device went away"]  # fmt: skip
    assert [*run.front_values("latency").values()] == [1.5]


def test_a_run_that_goes_on_has_the_same_plan(tmp_path):
    run = nas.search(_file(tmp_path), budget=1, runs=tmp_path, name="a", workers=1, **QUICK)
    plan = plan_of(Run(run.folder))
    assert plan.space == run.space
    assert plan.config == run.config
