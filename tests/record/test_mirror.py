"""A run as a study in memory, for tools that may write into it."""

from pathlib import Path

from run_fixtures import finished_run, trial

from nas.record.mirror import Mirror


def test_a_study_that_a_tool_deleted_stays_so_and_ends_nothing(tmp_path: Path) -> None:
    run = finished_run(tmp_path / "run", complete=4)
    mirror = Mirror(run)
    mirror.storage.delete_study(mirror.study._study_id)
    run.append(trial(run, 9))
    mirror.update()
    assert not mirror.storage.get_all_studies()
