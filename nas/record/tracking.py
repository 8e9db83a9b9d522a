"""A training followed in TensorBoard, https://www.tensorflow.org/tensorboard."""

from importlib.util import find_spec
from pathlib import Path

from nas.errors import SettingError
from nas.training.full.loop import Epoch

FOLDER = "tensorboard"


class Tracker:
    """Writes a training's curves into the folder `tensorboard` beside its record."""

    def __init__(self, folder: Path) -> None:
        """Raises SettingError when TensorBoard is not installed."""
        check_tracker()
        from torch.utils.tensorboard import SummaryWriter  # an extra

        self.writer = SummaryWriter(str(folder / FOLDER))

    def note(self, epoch: Epoch) -> None:
        """Write the values of an epoch. A tracker that fails harms no training."""
        values = {
            "loss/train": epoch.loss,
            "loss/validation": epoch.validation_loss,
            "learning_rate": epoch.learning_rate,
        }
        values |= {f"validation/{name}": value for name, value in epoch.metrics.items()}
        try:
            for name, value in values.items():
                self.writer.add_scalar(name, value, epoch.number)
            self.writer.flush()
        except OSError:
            return


def check_tracker() -> None:
    """Raise SettingError when TensorBoard is not installed."""
    if find_spec("tensorboard") is None:
        raise SettingError("--tensorboard: TensorBoard is not installed: pip install 'hybrid-nas[tensorboard]'")
