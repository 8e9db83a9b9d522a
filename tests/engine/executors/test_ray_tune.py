"""Ray's settings of the environment hold while trials run, and not a moment longer."""

import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from executor_searches import Search, preparing, sound
from outside import site as site

from nas.engine.executors import Ask, Placement
from nas.engine.executors._ray import tuner
from nas.engine.executors.ray_tune import QUIET, quiet_ray, ray_tune
from nas.errors import SettingError
from nas.evaluation.job import Job, Outcome
from nas.evaluation.plugins import Outside, load_plugins
from nas.registry import OBJECTIVES, SAMPLERS

pytestmark = pytest.mark.long

LOADS_NOTHING = """
import os, sys
before = dict(os.environ)
import nas.engine.executors.ray_tune
assert dict(os.environ) == before, "importing the executor changes the environment"
assert not {"ray", "torch"} & set(sys.modules), "importing the executor loads Ray"
"""


def test_the_executor_is_imported_without_ray_and_changes_no_variable() -> None:
    """That a search gives the environment back is held by test_command.py, on a search with two workers."""
    plain = {name: value for name, value in os.environ.items() if name not in QUIET}  # another test's Ray may run
    plain["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        [sys.executable, "-c", LOADS_NOTHING], env=plain, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_within_the_block_ray_is_quiet_and_what_the_person_set_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in QUIET:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RAY_AIR_NEW_OUTPUT", "1")
    before = dict(os.environ)
    with quiet_ray():
        inside = dict(os.environ)
        os.environ["RAY_OF_THE_BLOCK"] = "1"
    assert inside.items() >= (QUIET | before).items()
    assert inside["RAY_AIR_NEW_OUTPUT"] == "1"
    assert dict(os.environ) == before


def test_without_a_cluster_a_look_is_taken_here() -> None:
    assert ray_tune.there(os.getpid, Placement(2)) == os.getpid()


def test_on_a_cluster_a_look_is_taken_there_and_its_error_is_raised_here(ray_here: None) -> None:
    cluster = Placement(2, ray="auto")
    assert ray_tune.there(os.getpid, cluster) != os.getpid()
    assert ray_tune.there(partial(divmod, 7, 2), cluster) == (3, 1)
    with pytest.raises(SettingError, match="unknown sampler 'parreto'"):
        ray_tune.there(partial(SAMPLERS.check, "parreto"), cluster)


def test_whoever_has_joined_a_cluster_means_that_one(ray_here: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:9")  # as where another process has started and ended one since
    assert ray_tune.there(os.getpid, Placement(2, ray="auto")) != os.getpid()


def test_an_interruption_in_a_tuners_last_step_ends_the_search(ray_here: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuner, "TRIALS_A_TUNER", 2)
    search = Search(6)

    def tell(job: Job, outcome: Outcome) -> None:
        search.tell(job, outcome)
        if len(search.told) == 2:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        ray_tune.execute(Ask(search.ask), tell, preparing(sound), Placement(1))
    assert len(search.told) == 2


def test_a_node_gets_the_content_of_plug_in_files(ray_here: None, site: Path, tmp_path: Path) -> None:
    path, cluster = tmp_path / "mine.py", Placement(2, ray="auto")
    path.write_text(
        "import sys\nfrom nas.evaluation.objectives import Objective\nif 'ray' in sys.argv[0]: import rare_package\n"
        "__all__ = ['steps']\nsteps = Objective('minimize', known=lambda candidate: 1.0)\n"
    )
    with pytest.raises(SettingError, match=r"mine\.py:3: cannot be run: ModuleNotFoundError"):
        ray_tune.there(Outside(load_plugins(path)).carry(partial(OBJECTIVES.origin, "steps")), cluster)
    other = tmp_path / "other.py"
    other.write_text(path.read_text().replace("if 'ray'", "if 'none'").replace("steps", "stages"))
    carried = Outside(load_plugins(other)).carry(partial(OBJECTIVES.origin, "stages"))
    other.unlink()
    assert ray_tune.there(carried, cluster) == str(other)
    with pytest.raises(SettingError, match="unknown objective 'stages'"):
        ray_tune.there(partial(_origin_after_forgetting, "stages"), cluster)


def _origin_after_forgetting(name: str) -> str:
    """A worker is used again: its kinds stay with it."""
    OBJECTIVES.remove(name)
    return OBJECTIVES.origin(name)
