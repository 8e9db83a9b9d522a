"""Whether it can be trusted: how short trainings compare with long ones, and predictions with measurements."""

from nas.files import Json
from nas.record.results import flattery
from nas.record.run import Run
from nas.report.view import View


def context(view: View) -> Json | None:
    """Return the numbers of further trainings, of the rungs, of the calibration and of the predictor."""
    if not view.front:
        return None
    run = view.run
    return {
        "confirmed": _confirmed(run),
        "rungs": _rungs(run),
        "calibration": run.seal.get("calibration"),
        "below": view.front[0].rung + 1 < len(run.config.lengths),
        "predicted": run.predictor_error,
    }


def _rungs(run: Run) -> list[Json]:
    """How many networks came to each rung, and how long it is, or nothing where there is but one."""
    lengths = [length * run.config.recipe.epochs for length in run.config.lengths]
    counts = [sum(result.rung >= i for result in run.results) for i in range(len(lengths))]
    counts[0] = sum(trial.state == "complete" for trial in run.trials)  # also those that failed further up
    rungs = [{"epochs": length, "count": count} for length, count in zip(lengths, counts, strict=True)]
    return rungs if len(rungs) > 1 else []


def _confirmed(run: Run) -> Json | None:
    """The numbers of trainings, and by how much first ones lay above further ones, or None without any."""
    again = [result for result in run.results if result.trainings]
    if not again or not run.trained_objectives:
        return None
    name = run.trained_objectives[0]
    return {
        "trials": len(again),
        "trainings": sum(one.repeat > 0 for one in run.further),
        "name": name,
        "flattery": flattery(again, name),
        "intervals": name in again[0].intervals,
    }
