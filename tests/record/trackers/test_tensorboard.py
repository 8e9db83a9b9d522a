"""TensorBoard: curves in the folder, gone on with where they ended."""

from pathlib import Path

from followed import curves

from nas.record.trackers import Subject
from nas.record.trackers.tensorboard import TensorBoard


def test_another_start_goes_on_after_the_last_step(tmp_path: Path) -> None:
    for start, last in ((1, 0), (3, 2)):
        tracker = TensorBoard()
        assert tracker.begin(Subject(tmp_path, "space", {"seed": "0", "name": "<b>|"})) == last
        for step in (start, start + 1):
            tracker.note(step, {"trial/accuracy": step / 4})
        tracker.end("finished", [])
    assert curves(tmp_path) == {"trial/accuracy": [(1, 0.25), (2, 0.5), (3, 0.75), (4, 1.0)]}


def test_a_file_that_a_kill_tore_is_gone_on_with(tmp_path: Path) -> None:
    tracker = TensorBoard()
    tracker.begin(Subject(tmp_path, "space", {}))
    for step in (1, 2):
        tracker.note(step, {"trial/accuracy": 0.5})
    tracker.end("failed", [])
    (events,) = (tmp_path / "tensorboard").iterdir()
    events.write_bytes(events.read_bytes()[:-7])
    assert TensorBoard().begin(Subject(tmp_path, "space", {})) == 1
