"""A full training on disk.

training.yaml       settings as used, the whole recipe included
architecture.yaml   the network
summary.csv         a line an epoch
best.safetensors    the weights of the best epoch, as `nas.load` reads them
last.pt             the state to go on from
verdict.json        what the best weights do on the test part, and what the network costs
environment.json    versions, commit, device, of every start
seal.json           what it must find again at its next start
report.html         the page
"""

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from nas import document, files
from nas.errors import RunError
from nas.evaluation.plugins import Outside
from nas.evaluation.units import epochs
from nas.files import Json
from nas.network.architecture import Architecture
from nas.record.ending import Ending
from nas.record.environment import read_environment, write_environment
from nas.record.folders import (
    NETWORK,
    SUMMARY,
    TRAINING,
    VERDICT,
    in_a_line,
    is_trained,
    making_home,
    name_of,
    no_training,
)
from nas.record.models import BEST, read_model, write_model
from nas.record.outside import keep_outside, load_outside
from nas.record.seal import check_free, check_same, read_seal, write_seal
from nas.settings import text_of
from nas.space.library import load_architecture
from nas.training.full.progress import Epoch
from nas.training.full.settings import ANEW, TrainConfig, make_train_config
from nas.training.model import Model

LAST = "last.pt"


class Trained:
    """The folder of a full training, finished or not. Only `nas.train` writes to it."""

    def __init__(self, folder: Path | str) -> None:
        """Open an existing folder, and load what its network uses from outside nas.

        Raises SettingError when there is none, or when its settings or its network were changed, RunError when it is
        damaged, or a file that it began with is gone.
        """
        self.folder = Path(text_of(folder, "folder"))
        if not is_trained(self.folder):
            raise no_training(self.folder)
        self.seal: Json = read_seal(self.folder)
        self.outside = load_outside(self.folder)
        try:
            settings = document.read(self.folder / TRAINING).value
            if not isinstance(settings, dict):
                raise TypeError(f"{TRAINING} holds no settings")
            self.config: TrainConfig = make_train_config(_modern(settings))
            self.architecture: Architecture = load_architecture(self.folder / NETWORK)
        except (ValueError, TypeError) as error:
            raise RunError(f"{folder}: {TRAINING} or {NETWORK} is damaged: {error}") from None
        self._check_unchanged()

    @classmethod
    def create(
        cls,
        folder: Path,
        config: TrainConfig,
        architecture: Architecture,
        environment: Json,
        outside: Outside,
        **sealed: Any,
    ) -> "Trained":
        """Make a new folder, with what else it must know at its next start in its seal.

        Raises SettingError when it exists or cannot be written.
        """
        settings = config.model_dump(mode="json")
        with making_home(folder):
            keep_outside(folder, outside)
            architecture.save(folder / NETWORK)
            write_environment(folder, environment)
            write_seal(folder, {"settings": settings, "network": architecture.to_dict(), **sealed})
            files.write(folder / TRAINING, document.dump(settings))
        return cls(folder)

    def _check_unchanged(self) -> None:
        if not self.seal:
            return
        fields, was = TrainConfig.model_fields, self.seal["settings"]
        known = make_train_config({name: value for name, value in was.items() if name in fields})
        check_same(self.folder / TRAINING, known.model_dump(mode="json"), self.config.model_dump(mode="json"), ANEW)
        network = load_architecture(self.seal["network"])
        check_same(self.folder / NETWORK, network.to_dict(), self.architecture.to_dict(), ("name",))

    def change(self, settings: Mapping[str, Any]) -> None:
        """Take settings that change from now on. Raises SettingError for one that is wrong or must stay."""
        check_free(settings, TrainConfig.model_fields, ANEW)
        self.config = make_train_config(dict(self.config) | dict(settings))

    def keep_settings(self) -> None:
        """Write the settings. Raises OSError."""
        files.write(self.folder / TRAINING, document.dump(self.config.model_dump(mode="json")))

    def __repr__(self) -> str:
        return in_a_line(self, lambda: f"{epochs(len(self.history))}{', finished' if self.ending else ''}")

    @property
    def name(self) -> str:
        """The folder's name."""
        return name_of(self.folder)

    @property
    def stages(self) -> tuple[int, ...]:
        """The numbers of its network's stages: in the space of the search that it came from, if it did."""
        return tuple(self.seal.get("stages", range(len(self.architecture.stages))))

    @property
    def threads(self) -> int:
        """In how many threads it trains: as its settings say, or as it began."""
        return self.config.threads or int(self.environment.get("threads", 1))

    @property
    def environment(self) -> Json:
        """Versions, commit, device and seed, of the first start and of others."""
        return read_environment(self.folder)

    @property
    def history(self) -> list[Epoch]:
        """The epochs so far, as `summary.csv` has them."""
        path = self.folder / SUMMARY
        if not path.exists():
            return []
        own = Epoch.__dataclass_fields__
        try:
            rows = csv.DictReader(path.read_text(encoding="utf-8").splitlines(), strict=True)
            values = ({name: float(text or "nan") for name, text in row.items()} for row in rows)
            return [
                Epoch(
                    int(row["number"]),
                    row["seconds"],
                    row["learning_rate"],
                    row["loss"],
                    row["validation_loss"],
                    {name: value for name, value in row.items() if name not in own},
                )
                for row in values
            ]
        except (OSError, ValueError, KeyError, TypeError, csv.Error):
            raise RunError(f"{path}: damaged; the training writes it anew with --resume") from None

    @property
    def ending(self) -> Ending | None:
        """The end of the training, None while it has none."""
        path, known = self.folder / VERDICT, vars(self)
        if "ending" not in known and path.exists():
            try:
                known["ending"] = Ending.from_dict(_plain(path))
            except (KeyError, TypeError, AttributeError):
                raise RunError(f"{path}: damaged; the training writes it anew with --resume") from None
        return known.get("ending")

    @property
    def ended(self) -> bool:
        """Whether the training came to its end, with a verdict that can be read: a damaged one is written anew."""
        try:
            return self.ending is not None
        except RunError:
            return False

    def model(self) -> Model:
        """Return the network with the best weights, in evaluation mode. Raises SettingError while there are none."""
        return read_model(self.folder / BEST)

    def keep_epoch(self, state: Mapping[str, Any], history: list[Epoch], best: Model | None) -> None:
        """Write the state after an epoch, and behind it the weights if they are the best. Raises OSError.

        The state holds these weights too, so that a start after a kill between the two can write them (`keep_best`);
        weights that came first would be of an epoch that the state does not know.
        """
        self.keep_history(history)
        self.keep_state(state)
        if best is not None:
            self.keep_best(best)

    def keep_best(self, model: Model) -> None:
        """Write the weights of the best epoch. Raises OSError."""
        write_model(model, self.folder / BEST)

    def keep_history(self, history: list[Epoch]) -> None:
        """Write a line for each epoch. Raises OSError."""
        import pandas as pd  # needed here alone

        rows = [{n: v for n, v in asdict(e).items() if n != "metrics"} | e.metrics for e in history]
        files.write(self.folder / SUMMARY, pd.DataFrame(rows).to_csv(index=False))

    def keep_state(self, state: Mapping[str, Any]) -> None:
        """Write the state to go on from, whole or not at all. Raises OSError."""
        data = io.BytesIO()
        torch.save(dict(state), data)
        with files.replacing(self.folder / LAST) as file:
            file.write(data.getbuffer())

    def state(self) -> Json | None:
        """Return the state to go on from, None before the first. Raises RunError when its file is damaged."""
        path = self.folder / LAST
        if not path.exists():
            return None
        try:
            found: Json = torch.load(path, "cpu", weights_only=True)
            if not isinstance(found, dict):
                raise TypeError("not a state")
        except Exception as error:  # torch may raise anything for a damaged file
            raise RunError(f"{path}: cannot be read ({type(error).__name__}); begin another training from "
                           f"{self.folder / BEST}") from None  # fmt: skip
        return found

    def keep_ending(self, ending: Ending, model: Model) -> None:
        """Write the verdict, and the weights with it in their facts. Raises OSError."""
        write_model(model, self.folder / BEST)
        files.write(self.folder / VERDICT, json.dumps(ending.to_dict()) + "\n")
        vars(self).pop("ending", None)


def _modern(settings: Json) -> Json:
    """Read settings of earlier versions too, in which TensorBoard had one of its own."""
    kept = {name: value for name, value in settings.items() if name != "tensorboard"}
    return kept | ({"log": ("tensorboard",)} if settings.get("tensorboard") else {})


def _plain(path: Path) -> Json:
    try:
        found: Json = json.loads(path.read_text(encoding="utf-8"))
        return dict(found)
    except (OSError, ValueError, TypeError) as error:
        raise RunError(f"{path}: damaged ({error})") from None
