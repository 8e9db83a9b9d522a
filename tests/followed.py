"""Read what trackers were told."""

from pathlib import Path
from typing import Any

from nas.record.trackers.mlflow import MLflow
from nas.record.trackers.tensorboard import FOLDER


def curves(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """The curves that TensorBoard shows of a folder, with their steps."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder / FOLDER), size_guidance={"scalars": 0}).Reload()
    return {name: [(e.step, e.value) for e in events.Scalars(name)] for name in events.Tags()["scalars"]}


def client(store: str) -> Any:
    """A client of an MLflow store."""
    return MLflow().mlflow.MlflowClient(tracking_uri=store)


def histories(store: str, run: str) -> dict[str, list[tuple[int, float]]]:
    """The metrics of a run in an MLflow store, with their steps."""
    known = client(store)
    return {
        name: [(one.step, one.value) for one in known.get_metric_history(run, name)]
        for name in known.get_run(run).data.metrics
    }
