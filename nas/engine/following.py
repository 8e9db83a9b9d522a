"""What trackers are told of a search and of a training: a step a training or an epoch, read from the record."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice

import numpy as np

from nas.engine.watcher import Watcher
from nas.record.analysis.growth import Frame, as_losses
from nas.record.folders import PICKED, REPORT
from nas.record.models import BEST
from nas.record.run import Run
from nas.record.trackers import End, Subject, Values
from nas.record.tracking import Point, Tracking
from nas.record.trained import Trained
from nas.record.trial import Further, Trial
from nas.report.rendering import flat
from nas.training.full.loop import StoppedError
from nas.training.full.progress import Epoch

BOXED = 10  # complete trials, the first ones, whose values span the frame that a hypervolume is a share of
SEARCH_FILES, TRAINING_FILES = (PICKED, REPORT), (BEST, REPORT)
Note = Callable[[int, Values], None]
NoteEpoch = Callable[[Epoch], None]


@contextmanager
def followed(run: Run, watcher: Watcher) -> Iterator[Watcher]:
    """Follow a search within the block through the watcher that it gives, in the trackers of the run's settings.

    What a tracker lacks of the run is handed on first: the trials, and the front as it stands.
    """
    if not run.config.log:
        yield watcher
        return
    subject = Subject(run.folder, run.space.name, flat(run.config.model_dump(mode="json")))
    with _telling(Tracking(run.config.log, subject, watcher.warned), run, SEARCH_FILES) as note:
        last = steps(run)
        for step, values in points(run):
            note(step, {**values, **(front_summary(run) if step == last else {})})

        def ended(trial: Trial, run: Run) -> None:
            if trial.state != "rejected":
                note(steps(run), {**trial_values(trial), **front_summary(run)})
            watcher.ended(trial, run)

        def trained_further(further: Further, run: Run) -> None:
            note(steps(run), {**further_values(further), **front_summary(run)})
            watcher.trained_further(further, run)

        yield replace(watcher, ended=ended, trained_further=trained_further)


@contextmanager
def followed_training(trained: Trained, leads: bool, warned: Callable[[str], None]) -> Iterator[NoteEpoch]:
    """Follow a training within the block: the function that it gives takes an epoch."""
    if not (leads and trained.config.log):
        yield lambda epoch: None
        return
    experiment = trained.config.data.partition(":")[0]
    subject = Subject(trained.folder, experiment, flat(trained.config.model_dump(mode="json")))
    with _telling(Tracking(trained.config.log, subject, warned), trained, TRAINING_FILES) as note:
        yield lambda epoch: note(epoch.number, epoch_values(epoch))
        if trained.ending:
            tested = {f"test/{name}": one.value for name, one in trained.ending.verdict.metrics.items()}
            note(len(trained.history) + 1, tested)


@contextmanager
def _telling(tracking: Tracking, home: Run | Trained, files: tuple[str, ...]) -> Iterator[Note]:
    """Tell the end of the block."""
    ending: End = "failed"
    try:
        yield tracking.note
        ending = "finished"
    except (KeyboardInterrupt, StoppedError):
        ending = "interrupted"
        raise
    finally:
        tracking.end(ending, [home.folder / name for name in files])


def steps(run: Run) -> int:
    """Count the trainings of a run so far, further ones included: the step of the last."""
    return len(run.spent) + len(run.further)


def points(run: Run) -> list[Point]:
    """List what was told, or would have been, of each training, without the fronts."""
    told = [(one.ended, trial_values(one)) for one in run.spent] + [(o.ended, further_values(o)) for o in run.further]
    return [(step, values) for step, (_, values) in enumerate(sorted(told, key=lambda one: one[0]), 1)]


def trial_values(trial: Trial) -> Values:
    """Return what a trial came to."""
    seconds = trial.outcome.took
    measured = {f"trial/{name}": value for name, value in trial.metrics.items()}
    return {"trial/number": trial.number, "trial/seconds": seconds, **measured}


def further_values(further: Further) -> Values:
    """Return what a further training came to."""
    measured = {f"further/{name}": value for name, value in further.outcome.metrics.items()}
    return {"further/trial": further.trial, "further/rung": further.rung, **measured}


def front_summary(run: Run) -> Values:
    """Return the size of the front, its best value in each objective, and its hypervolume.

    That is a share of the frame that the first complete trials span, the same at every step, and may exceed 1.
    """
    front, names = run.front(), run.config.objectives
    if not front:
        return {}
    signs = np.where(run.maximize, -1.0, 1.0)
    losses = as_losses(run, front)
    best = {f"best/{name}": float(v) for name, v in zip(names, losses.min(axis=0) * signs, strict=True)}
    first = list(islice((trial for trial in run.trials if trial.state == "complete"), BOXED))
    grown = {"front/hypervolume": Frame.of(as_losses(run, first)).share(losses)} if len(first) == BOXED else {}
    return {"front/size": len(front), **best, **grown}


def epoch_values(epoch: Epoch) -> Values:
    """Return the curves' points of an epoch."""
    losses = {"loss/train": epoch.loss, "loss/validation": epoch.validation_loss}
    metrics = {f"validation/{name}": value for name, value in epoch.metrics.items()}
    return {**losses, "learning_rate": epoch.learning_rate, **metrics}
