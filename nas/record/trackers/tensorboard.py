"""TensorBoard, https://www.tensorflow.org/tensorboard: curves in the folder `tensorboard` beside the record."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from nas.record.trackers import End, Subject, Tracker, Values

FOLDER = "tensorboard"


class TensorBoard(Tracker):
    """Writes events, a new file at each start."""

    def __init__(self) -> None:
        from tensorboard.backend.event_processing.event_file_loader import EventFileLoader  # an extra
        from torch.utils.tensorboard import SummaryWriter

        self._read, self._write = EventFileLoader, SummaryWriter

    @staticmethod
    def missing() -> str:
        """Name the extra where TensorBoard is not installed."""
        if find_spec("tensorboard"):
            return ""
        return "TensorBoard is not installed: pip install 'hybrid-nas[tensorboard]'"

    def begin(self, subject: Subject) -> int:
        """Begin a file, after those of earlier starts."""
        folder = subject.folder / FOLDER
        files = sorted(folder.glob("events.out.tfevents.*"))
        last = max((event.step for file in files for event in self._read(str(file)).Load()), default=0)
        self.writer = self._write(str(folder))
        if not files:
            rows = [f"| {name} | {value} |" for name, value in subject.settings.items()]
            self.writer.add_text("settings", "\n".join(["| | |", "|---|---|", *rows]), 0)
        return last

    def note(self, step: int, values: Values) -> None:
        """Write a curve's point for each value."""
        for name, value in values.items():
            self.writer.add_scalar(name, value, step)
        self.writer.flush()

    def end(self, ending: End, files: Sequence[Path]) -> None:
        """Close the file."""
        self.writer.close()
