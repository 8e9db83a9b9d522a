"""A device of one's own as a file, `--target file:mydevice.yaml`: what was measured there, and where."""

from pathlib import Path

from nas import document, files
from nas.costs.latency.predictor import Predictor
from nas.errors import SettingError, SpaceError


def read_device(path: Path) -> Predictor:
    """The predictor of a device. Raises SettingError for a file that `nas latency fit` did not write."""
    try:
        data = document.read(path).value
        return Predictor.from_dict(data)
    except SpaceError as error:
        raise SettingError(f"target file:{path}: {error}") from None
    except (KeyError, TypeError, ValueError, AttributeError):
        raise SettingError(f"target file:{path}: this is not a device's file; make one with nas latency fit") from None


def write_device(path: Path, predictor: Predictor) -> None:
    """Write a device's file. Raises SettingError when it cannot be written."""
    try:
        files.write(path, document.dump(predictor.to_dict()))
    except OSError as error:
        raise SettingError(f"{path}: cannot be written ({error.strerror}); choose another place") from None
