"""Objectives that count images: of how many validation images a share is, and how sure it is for that."""

from nas.record.run import Run
from nas.training.catalogue import load_task
from nas.training.chance import wilson


def counting(run: Run) -> list[str]:
    """Name the objectives that are shares of the validation images, each right or wrong by itself."""
    metrics = load_task(run.config.task).metrics
    return [name for name in run.trained_objectives if name in metrics and metrics[name].counts]


def validation_images(run: Run) -> int:
    """Return the number of images on which networks are compared, 0 where the record does not tell."""
    return _images(run, "validation")


def training_images(run: Run) -> int:
    """Return the number of images that a network of the search is trained on, 0 where the record does not tell."""
    known = _images(run, "train")
    return min(known, run.config.recipe.subset or known)


def _images(run: Run, part: str) -> int:
    return int(((run.seal.get("data") or {}).get("parts") or {}).get(part, 0))


def guessing(run: Run, name: str) -> float | None:
    """Return what a network that knows nothing comes to in a metric, None where that is not known."""
    metric = load_task(run.config.task).metrics.get(name)
    return metric.guess(run.results[0].architecture.classes) if metric and metric.guess else None


def by_images(run: Run, name: str, value: float) -> tuple[float, float] | None:
    """Bound a share of the validation images with 95 % confidence: what other images of the kind might have given.

    None for an objective that is no such share, and where the number of images is not known.
    """
    images = validation_images(run)
    return wilson(round(value * images), images) if images and name in counting(run) else None
