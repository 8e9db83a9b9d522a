"""Small searches with kinds from outside that fail: executors, samplers, tasks, scores, data sets."""

import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
import torch
from outside import offered
from outside import site as site
from small_searches import search

from nas.engine.watcher import Watcher
from nas.errors import DataError, SettingError, TimeLimitError, told_as
from nas.evaluation.plugins import load_plugins
from nas.record.run import Run
from nas.training.catalogue import load_task
from nas.training.full.verdict import bootstrap
from nas.training.tasks import Predictions

TASK = """
metrics = {"half": Metric(lambda found: VALUE)}
mine = replace(classification, metrics=metrics, objectives=("half", "params"))
"""


def test_a_metric_of_other_libraries_is_recorded_as_a_number(site: Path, tmp_path: Path, space: Path) -> None:
    text = TASK.replace("VALUE", "np.float32(0.5)")
    run = search(space, "a", 1, task="mine", objectives=("half", "params"), plugins=offered(tmp_path, text))
    assert [trial.metrics["half"] for trial in Run(run.folder).trials] == [0.5]


SAMPLER = """
class Mine(RandomSampler):
    def infer_relative_search_space(self, study, trial): return {}
    def sample_relative(self, study, trial, space):
        NOTE
        return {}
    def after_trial(self, study, trial, state, values): AFTER
def mine(seed, problem) -> BaseSampler: return Mine(seed)
"""
NOTE = 'study._storage.set_trial_system_attr(trial._trial_id, "noted", VALUE)'


def test_what_a_sampler_notes_is_recorded(site: Path, tmp_path: Path, space: Path) -> None:
    text = SAMPLER.replace("NOTE", NOTE.replace("VALUE", "{'a': [1, 'b']}")).replace("AFTER", "...")
    run = search(space, "a", 2, sampler="mine", plugins=offered(tmp_path, text))
    assert [trial.sampler["noted"] for trial in Run(run.folder).trials] == [{"a": [1, "b"]}] * 2


@pytest.mark.parametrize(
    ("note", "after", "says", "trained"),
    [
        *[
            (NOTE.replace("VALUE", value), "...", "sampler 'mine': TypeError: noted .*; write what JSON can hold", 0)
            for value in ("object()", "np.arange(3)", "float('nan')", "b'x'")
        ],
        ("pass", "{}['gone']", r"mine\.py:\d+: sampler 'mine': KeyError: 'gone'", 1),
    ],
)
def test_a_sampler_that_fails_beside_its_choice_is_told_and_loses_no_trial(
    site: Path, tmp_path: Path, space: Path, note: str, after: str, says: str, trained: int
) -> None:
    plugins = offered(tmp_path, SAMPLER.replace("NOTE", note).replace("AFTER", after))
    with pytest.raises(SettingError, match=says):
        search(space, "a", 2, sampler="mine", plugins=plugins)
    if trained:
        assert len(Run(space.parent / "runs" / "a").trials) == trained


def test_a_function_with_an_annotation_that_is_none_is_refused(site: Path, tmp_path: Path, space: Path) -> None:
    plugins = offered(tmp_path, "def mine(network, sample) -> 'float float': return 1.0\n")
    with pytest.raises(SettingError, match="'mine': found a function whose annotations cannot be read"):
        search(space, "a", 1, plugins=plugins)


INNER = """
class Inner(BaseSampler):
    def infer_relative_search_space(self, study, trial): return {}
    def sample_relative(self, study, trial, space): return {}
    def sample_independent(self, *given): return {}["gone"]
def mine(seed, problem) -> BaseSampler: return Inner()
"""


@pytest.mark.parametrize(
    ("text", "says", "settings"),
    [
        ("def mine(seed, problem) -> BaseSampler: return {}['gone']", r"mine\.py:\d+: sampler 'mine': Key", "sampler"),
        (
            "def mine(seed) -> BaseSampler: return RandomSampler()",
            r"sampler 'mine': TypeError: mine\(\) takes",
            "sampler",
        ),
        (INNER, r"mine\.py:\d+: sampler 'mine': KeyError: 'gone'", "sampler"),
        (
            "class mine(Tracker):\n    @staticmethod\n    def missing(): return {}['gone']",
            r"mine\.py:\d+: missing\(\) of tracker 'mine': KeyError: 'gone'",
            "log",
        ),
        (
            "mine = Target('cpu', prepare=print, missing=lambda: {}['gone'])",
            r"mine\.py:\d+: missing\(\) of target 'mine': KeyError: 'gone'",
            "target",
        ),
        (
            "def mine(path: None, *, seed, resolution=None) -> Dataset: return {}['gone']",
            r"mine\.py:\d+: data set 'mine': KeyError: 'gone'",
            "data",
        ),
    ],
)
def test_a_kind_that_fails_is_told_by_its_name_and_line(
    site: Path, tmp_path: Path, space: Path, text: str, says: str, settings: str
) -> None:
    with pytest.raises(SettingError, match=says):
        search(space, "a", 1, plugins=offered(tmp_path, text), **{settings: "mine"})


def test_a_data_set_that_gives_none_is_refused(site: Path, tmp_path: Path, space: Path) -> None:
    plugins = offered(tmp_path, "def mine(path: None, *, seed, resolution=None) -> Dataset: ...")
    with pytest.raises(DataError, match="data set 'mine': its function gave None; return a Dataset"):
        search(space, "a", 1, plugins=plugins, data="mine")


EXECUTOR = """
class Mine:
    def execute(self, ask, tell, prepare, placement):
        EXECUTE
    def there(self, look, placement):
        THERE
mine = Mine()
"""


@pytest.mark.parametrize(
    ("execute", "there", "says"),
    [
        ("{}['gone']", "return look()", "execute(ask, tell, prepare, placement)"),
        ("...", "return {}['gone']", "there(look, placement)"),
    ],
)
def test_an_executor_that_fails_is_told_by_its_name_and_line(
    site: Path, tmp_path: Path, space: Path, execute: str, there: str, says: str
) -> None:
    plugins = offered(tmp_path, EXECUTOR.replace("EXECUTE", execute).replace("THERE", there))
    with pytest.raises(SettingError, match=rf"mine\.py:\d+: {re.escape(says)} of executor 'mine': KeyError: 'gone'"):
        search(space, "a", 1, executor="mine", plugins=plugins)
    assert not (space.parent / "runs" / "a").exists()


def test_what_fails_in_a_function_of_the_callers_is_no_fault_of_the_executor(
    site: Path, tmp_path: Path, space: Path
) -> None:
    def ended(_trial: object, _run: object) -> None:
        raise ValueError("my own")

    execute = "jobs = iter(ask, None); evaluate = prepare(None); [tell(job, evaluate(job)) for job in jobs]"
    plugins = offered(tmp_path, EXECUTOR.replace("EXECUTE", execute).replace("THERE", "return look()"))
    with pytest.raises(ValueError, match=r"^my own$"):
        search(space, "a", 2, executor="mine", plugins=plugins, watcher=Watcher(ended=ended))
    assert len(Run(space.parent / "runs" / "a").trials) == 1


@pytest.mark.parametrize(
    ("text", "says", "settings"),
    [
        (
            """
def loss(outputs, targets, label_smoothing=0.0): return {}["gone"]
mine = replace(classification, loss=loss)
""",
            "mine.py:*: loss(outputs, targets, label_smoothing) of task 'mine': KeyError: 'gone'",
            {"task": "mine"},
        ),
        (
            TASK.replace("VALUE", "[found]"),
            ": compute(predictions) of metric 'half' of task 'mine': TypeError: float() argument must be",
            {"task": "mine", "objectives": ("half", "params")},
        ),
        (
            "def mine(network, sample) -> float: return {}['gone']",
            "mine.py:*: score 'mine': KeyError: 'gone'",
            {"scores": ("mine",)},
        ),
        (
            TASK.replace("VALUE", "{}['gone']"),
            "mine.py:*: compute(predictions) of metric 'half' of task 'mine': KeyError: 'gone'",
            {"task": "mine", "objectives": ("half", "params")},
        ),
    ],
)
def test_a_kind_that_fails_after_the_network_is_built_fails_its_trial_by_name(
    site: Path, tmp_path: Path, space: Path, text: str, says: str, settings: dict[str, object]
) -> None:
    (trial,) = search(space, "a", 1, plugins=offered(tmp_path, text), **settings).trials
    assert trial.state == "failed"
    assert fnmatchcase(trial.outcome.reason, f"*{says}*")


REDRAWN = """
metrics = {"half": Metric(lambda found: 0.5, redrawn=REDRAWN)}
mine = replace(classification, metrics=metrics)
"""


@pytest.mark.parametrize(
    ("redrawn", "says"),
    [
        (
            "lambda found: {}['gone']",
            "mine.py:*: redrawn(predictions) of metric 'half' of task 'mine': KeyError: 'gone'",
        ),
        (
            "lambda found: lambda rows: {}['gone']",
            "mine.py:*: redrawn(predictions)(rows) of metric 'half' of task 'mine': KeyError: 'gone'",
        ),
        (
            "lambda found: lambda rows: None",
            "redrawn(predictions)(rows) of metric 'half' of task 'mine': TypeError: float() argument must be*",
        ),
    ],
)
def test_a_metric_that_fails_on_images_drawn_again_is_told_by_its_name_and_line(
    site: Path, tmp_path: Path, redrawn: str, says: str
) -> None:
    load_plugins(offered(tmp_path, REDRAWN.replace("REDRAWN", redrawn)))
    predictions = Predictions(torch.eye(3), torch.arange(3))
    with pytest.raises(SettingError) as error:
        bootstrap(load_task("mine").metrics, predictions)
    assert fnmatchcase(str(error.value), f"*{says}")


def test_a_guess_that_fails_is_told_by_its_metric_and_line(site: Path, tmp_path: Path, space: Path) -> None:
    text = TASK.replace("VALUE", "0.5, guess=lambda classes: {}['gone']")
    with pytest.raises(SettingError, match=r"mine\.py:\d+: guess\(classes\) of metric 'half' of task 'mine': KeyError"):
        search(space, "a", 4, task="mine", objectives=("half", "params"), plugins=offered(tmp_path, text))


def test_a_time_limit_is_no_fault_of_the_function_that_ran() -> None:
    with pytest.raises(TimeLimitError), told_as("measure"):
        raise TimeLimitError("took longer than 1 s")
