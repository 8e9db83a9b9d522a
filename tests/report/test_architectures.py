import pytest
from run_fixtures import empty_run, finished_run

from nas.errors import RunError, SettingError
from nas.record.journal import RECORD
from nas.record.run import Run
from nas.report.architectures import write_architectures
from nas.report.export import export
from nas.space.library import load_architecture


def test_the_knee_and_the_front_are_files_that_rebuild_their_networks(tmp_path):
    run = finished_run(tmp_path / "run")
    write_architectures(run)
    assert load_architecture(run.folder / "best.yaml").key() == run.pick("knee").key
    found = [load_architecture(path).key() for path in sorted((run.folder / "front").iterdir())]
    assert found == [result.key for result in run.front()]


def test_files_that_hold_their_network_already_are_left_as_they_are(tmp_path):
    """A long front would be written anew with every page, and the search waits for that."""
    run = finished_run(tmp_path / "run")
    write_architectures(run)
    kept, other = sorted((run.folder / "front").iterdir())[:2]
    other.write_text("damaged")
    before = kept.stat().st_ino
    write_architectures(run)
    assert kept.stat().st_ino == before
    assert load_architecture(other).key() == run.front()[1].key


def test_of_a_front_that_is_gone_nothing_stays(tmp_path):
    """As where all networks fell when they went on to a higher rung."""
    run = finished_run(tmp_path / "run")
    write_architectures(run)
    (run.folder / RECORD).write_text("")
    write_architectures(Run(run.folder))
    assert not (run.folder / "best.yaml").exists()
    assert not list((run.folder / "front").iterdir())


def test_the_file_rebuilds_the_picked_network(tmp_path):
    run = finished_run(tmp_path / "run")
    for pick in ("knee", "accuracy", 3):
        path = export(f"{run.folder}:{pick}", "yaml", tmp_path / f"{pick}.yaml").path
        found = load_architecture(path)
        assert found.key() == run.pick(pick).key
        assert found.name == f"run_{run.pick(pick).number}"


def test_a_file_is_replaced_only_by_force(tmp_path):
    run, path = finished_run(tmp_path / "run"), tmp_path / "best.yaml"
    path.write_text("mine")
    with pytest.raises(SettingError, match=r"best\.yaml exists already.*--force"):
        export(run.folder, "yaml", path)
    assert path.read_text() == "mine"
    export(run.folder, "yaml", path, force=True)
    assert load_architecture(path).key() == run.pick("knee").key


def test_places_that_cannot_be_written(tmp_path):
    run = finished_run(tmp_path / "run")
    with pytest.raises(SettingError, match=r"folder .*deep does not exist"):
        export(run.folder, "yaml", tmp_path / "deep" / "best.yaml")
    with pytest.raises(SettingError, match="is a folder"):
        export(run.folder, "yaml", tmp_path, force=True)
    with pytest.raises(SettingError, match="cannot be written"):
        export(run.folder, "yaml", tmp_path / ("x" * 300))
    assert not (tmp_path / "deep").exists()


def test_an_unknown_pick_and_an_empty_run(tmp_path):
    run = finished_run(tmp_path / "run")
    with pytest.raises(SettingError, match="Did you mean 'latency'"):
        export(f"{run.folder}:latencyy", "yaml", tmp_path / "best.yaml")
    with pytest.raises(RunError, match="no finished trial"):
        export(empty_run(tmp_path / "empty").folder, "yaml", tmp_path / "best.yaml")
    assert not (tmp_path / "best.yaml").exists()


def test_the_longest_run_name_gives_a_name_that_the_grammar_allows(tmp_path):
    run = finished_run(tmp_path / ("r" * 200), complete=2)
    assert len(load_architecture(export(run.folder, "yaml", tmp_path / "best.yaml").path).name) <= 100
