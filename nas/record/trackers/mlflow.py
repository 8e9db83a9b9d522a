"""MLflow, https://mlflow.org: a run in the store at MLFLOW_TRACKING_URI, or in one of its own beside the record."""

import hashlib
import json
import logging
import os
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from nas.files import write
from nas.record.trackers import End, Subject, Tracker, Values

KEPT = "mlflow.json"
"""The file in the run's folder that says which run of which store follows it."""
STORE, ARTIFACTS = "mlflow.db", "mlflow"
STEP = "step"
"""The metric that holds the last step, which a store tells at once."""
LONGEST = 500  # characters that a store takes of a setting
MOST = 100  # settings that it takes at once
STATUS: dict[End, str] = {"finished": "FINISHED", "interrupted": "KILLED", "failed": "FAILED"}


class MLflow(Tracker):
    """Writes a run named like the folder into the experiment, which MLFLOW_EXPERIMENT_NAME replaces."""

    def __init__(self) -> None:
        before = os.environ.get("MLFLOW_DISABLE_TELEMETRY")
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # it is read once, at the import
        try:
            import mlflow  # an extra
        finally:
            if before is None:
                del os.environ["MLFLOW_DISABLE_TELEMETRY"]
        self.mlflow: Any = mlflow
        logging.getLogger("mlflow").setLevel(logging.WARNING)
        logging.getLogger("alembic").setLevel(logging.WARNING)

    @staticmethod
    def missing() -> str:
        """Name the extra where MLflow is not installed."""
        return "" if find_spec("mlflow") else "MLflow is not installed: pip install 'hybrid-nas[mlflow]'"

    def begin(self, subject: Subject) -> int:
        """Begin a run, or go on with the one that was begun in the same store."""
        own = not self.mlflow.is_tracking_uri_set()
        self.folder = subject.folder.absolute() if own else None
        where = _store(subject.folder) if own else self.mlflow.get_tracking_uri()
        self.client = self.mlflow.MlflowClient(tracking_uri=where)
        kept = subject.folder / KEPT
        known = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
        store = hashlib.sha256(where.encode()).hexdigest()  # an address may hold a password
        last = self._again(known.get("run", "")) if own or known.get("store") in (store, where) else None
        if last is not None:
            return last
        self.run = self._new(subject, own)
        write(kept, json.dumps({"store": store, "run": self.run}) + "\n")
        return 0

    def _again(self, run: str) -> int | None:
        """Go on with a run, and return its last step, or None where the store has none such."""
        if not run:
            return None
        try:
            found = self.client.get_run(run)
            self.client.update_run(run, status="RUNNING")
        except self.mlflow.exceptions.MlflowException:
            return None
        self.run = run
        return int(found.data.metrics.get(STEP, 0))

    def _new(self, subject: Subject, own: bool) -> str:
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or subject.experiment
        key = self._experiment(name, str((subject.folder / ARTIFACTS).absolute()) if own else None)
        tags = {"mlflow.source.name": "nas"}
        run: str = self.client.create_run(key, run_name=subject.folder.name, tags=tags).info.run_id
        kinds = self.mlflow.entities
        params = [kinds.Param(name, value[:LONGEST]) for name, value in subject.settings.items()]
        for start in range(0, len(params), MOST):
            self.client.log_batch(run, params=params[start : start + MOST])
        return run

    def _experiment(self, name: str, place: str | None) -> str:
        """Find or make the experiment of a name; another search may make it at the same moment."""
        if found := self.client.get_experiment_by_name(name):
            return str(found.experiment_id)
        try:
            return str(self.client.create_experiment(name, artifact_location=place))
        except self.mlflow.exceptions.MlflowException:
            if (found := self.client.get_experiment_by_name(name)) is None:
                raise
            return str(found.experiment_id)

    def note(self, step: int, values: Values) -> None:
        """Write a metric for each value."""
        now, metric = int(time.time() * 1000), self.mlflow.entities.Metric
        named = {**values, STEP: step}
        self.client.log_batch(self.run, metrics=[metric(name, value, now, step) for name, value in named.items()])

    def end(self, ending: End, files: Sequence[Path]) -> None:
        """Keep the files as artifacts, but not where the folder was before it was moved, and close the run."""
        place = self.client.get_run(self.run).info.artifact_uri
        if self.folder is None or Path(place).is_relative_to(self.folder):
            for path in files:
                self.client.log_artifact(self.run, str(path))
        self.client.set_terminated(self.run, STATUS[ending])


def _store(folder: Path) -> str:
    """Write the address of a database in a folder. Other signs stay as they are: MLflow makes folders of this text."""
    return "sqlite:///" + str(folder.absolute() / STORE).replace("%", "%25").replace("?", "%3F")
