import pytest
from run_fixtures import empty_run, finished_run

from nas.errors import RunError, SettingError
from nas.report.export import export
from nas.space.library import load_architecture


def test_the_file_rebuilds_the_picked_network(tmp_path):
    run = finished_run(tmp_path / "run")
    for pick in ("knee", "accuracy", 3):
        path = export(run, pick, tmp_path / f"{pick}.yaml")
        found = load_architecture(path)
        assert found.key() == run.pick(pick).key
        assert found.name == f"run_{run.pick(pick).number}"


def test_a_file_is_replaced_only_by_force(tmp_path):
    run, path = finished_run(tmp_path / "run"), tmp_path / "best.yaml"
    path.write_text("mine")
    with pytest.raises(SettingError, match=r"best\.yaml exists already.*--force"):
        export(run, "knee", path)
    assert path.read_text() == "mine"
    export(run, "knee", path, force=True)
    assert load_architecture(path).key() == run.pick("knee").key


def test_places_that_cannot_be_written(tmp_path):
    run = finished_run(tmp_path / "run")
    with pytest.raises(SettingError, match=r"folder .*deep does not exist"):
        export(run, "knee", tmp_path / "deep" / "best.yaml")
    with pytest.raises(SettingError, match="is a folder"):
        export(run, "knee", tmp_path, force=True)
    with pytest.raises(SettingError, match="cannot be written"):
        export(run, "knee", tmp_path / ("x" * 300))
    assert not (tmp_path / "deep").exists()


def test_an_unknown_pick_and_an_empty_run(tmp_path):
    run = finished_run(tmp_path / "run")
    with pytest.raises(SettingError, match="Did you mean 'latency'"):
        export(run, "latencyy", tmp_path / "best.yaml")
    with pytest.raises(RunError, match="no finished trial"):
        export(empty_run(tmp_path / "empty"), "knee", tmp_path / "best.yaml")
    assert not (tmp_path / "best.yaml").exists()


def test_the_longest_run_name_gives_a_name_that_the_grammar_allows(tmp_path):
    run = finished_run(tmp_path / ("r" * 200), complete=2)
    assert len(load_architecture(export(run, "knee", tmp_path / "best.yaml")).name) <= 100
