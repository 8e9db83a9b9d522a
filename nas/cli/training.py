"""Show a running training, its progress with the time left, and its end."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Any

import typer

from nas.cli.predicted import WAYS
from nas.cli.tables import metrics_table
from nas.cli.terminal import Piece, Terminal, print_json, progress_bar
from nas.cli.unfinished import tell_unfinished
from nas.data import Dataset
from nas.data.copies import flattered
from nas.data.summary import causes, left_out, told
from nas.engine import train as trainings
from nas.engine.attendant import Attendant
from nas.evaluation.units import duration, epochs, show
from nas.files import Json, cache_remark, quoted
from nas.record.fingerprint import fingerprint
from nas.record.folders import REPORT, SUMMARY, find_trained
from nas.record.models import BEST
from nas.record.trained import Trained
from nas.report.training_page import write_training_report
from nas.training.catalogue import load_task
from nas.training.full.group import leads
from nas.training.full.loop import StoppedError
from nas.training.full.progress import Epoch
from nas.training.full.progress import Progress as Course
from nas.training.model import gives


def begin(network: str, *, as_json: bool = False, **settings: Any) -> None:
    """Begin a training under the live display, and say at the end where its files are."""
    if leads():
        tell_unfinished(settings["runs"], network)
    _attended(lambda attendant: trainings.train(network, attendant=attendant, **settings), as_json)


def go_on(name: str, runs: Path, *, as_json: bool = False, **settings: Any) -> None:
    """Go on with a training in the same way."""
    _attended(lambda attendant: trainings.go_on(name, runs=runs, attendant=attendant, **settings), as_json)


def _attended(begin: Callable[[Attendant], Trained], as_json: bool) -> None:
    display = Display(Terminal(quiet=not leads(), stderr=as_json))
    if remark := cache_remark():
        display.noted(remark)
    with display.shown():
        trained = begin(display.attendant())
    if leads():
        _end(display.console, trained, as_json)


def report_again(name: str, runs: Path, *, as_json: bool = False) -> None:
    """Write a training's page anew and print its verdict."""
    trained = Trained(find_trained(name, runs))
    write_training_report(trained)
    _end(Terminal(), trained, as_json)


def _end(console: Terminal, trained: Trained, as_json: bool) -> None:
    print_json(training_facts(trained)) if as_json else conclude(console, trained)


class Display:
    """A live picture of a training, or on a pipe one line an epoch."""

    def __init__(self, console: Terminal) -> None:
        self.console = console
        self.bar = progress_bar(console, transient=True, disable=not console.moves)
        self.task = self.bar.add_task("train", total=1.0, left="")
        self.trained: Trained | None = None
        self.start, self.share = time.monotonic(), 0.0
        self.stopping = self.concluding = False

    def attendant(self) -> Attendant:
        """Return the functions that the training calls."""
        return Attendant(self.began, self.stepped, self.judged, self.noted, lambda: self.stopping, self.ending)

    def began(self, trained: Trained, dataset: Dataset, progress: Course) -> None:
        """Say what is trained on what."""
        self.trained, self.start, self.share = trained, time.monotonic(), progress.course.share
        network, recipe = trained.architecture, trained.config.recipe
        length = duration(trained.config.time) if trained.config.time else epochs(recipe.epochs)
        on = f"{network.layout()} at {network.resolution} px, {length}, on {dataset.name}"
        data = trained.seal.get("data") or fingerprint(dataset)
        self.console.say((network.name, "bold"), f" {on}: {told(data)}")
        if remark := flattered(data):
            self.noted(f"warning: {remark}")
        if dataset.skipped:
            self.noted(left_out(len(dataset.skipped), causes(dataset.skipped)))
        if progress.history:
            self.noted(f"going on after epoch {len(progress.history)}")

    def stepped(self, progress: Course, loss: float | None) -> None:
        """Move the bar."""
        share = progress.course.share
        spent = time.monotonic() - self.start
        left = spent / max(share - self.share, 1e-9) * (1 - share)
        self.bar.update(self.task, completed=share, left=f"{duration(left)} left")
        if loss is not None:
            self.bar.update(self.task, description=f"epoch {progress.course.epoch + 1} loss {loss:.3f}")

    def judged(self, epoch: Epoch, progress: Course) -> None:
        """Write an epoch in one line."""
        values = "  ".join(f"{name} {show(name, value)}" for name, value in epoch.metrics.items())
        best: Piece = ("  best", "green") if progress.best == epoch.number else ""
        losses = f"loss {epoch.loss:.4f}  validation {epoch.validation_loss:.4f}"
        self.console.say(f"epoch {epoch.number:>3}  {losses}  {values}", best)

    def noted(self, line: str) -> None:
        """Write a remark."""
        self.console.say((line, "dim"))

    def ending(self) -> None:
        """Say that the verdict begins, which nothing stops between two steps."""
        self.concluding = True
        self.bar.update(self.task, description="verdict", left="")
        self.noted("the best epoch is judged on the test part, and the network is timed")

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show the bar within the block. Ctrl-C and SIGTERM end a training between two steps, and a verdict at once."""

        def stop(_signal: int, _frame: FrameType | None) -> None:
            if self.stopping or self.concluding or self.trained is None:
                raise KeyboardInterrupt
            self.stopping = True

        before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            with self.bar:
                yield
        except (KeyboardInterrupt, StoppedError) as error:
            kept = self.trained and f"what is done is kept: nas train {quoted(self.trained.folder)} --resume"
            said = str(error) or kept or "before the training began"
            self.console.say("\n", ("Stopped", "yellow"), f" {said.removeprefix('stopped ')}")
            raise typer.Exit(130) from None
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def training_facts(trained: Trained) -> Json:
    """Return what came of a training as plain data: epochs, the verdict on the test part, files."""
    ending, history = trained.ending, trained.history
    verdict = ending and {
        "epoch": ending.epoch,
        "images": ending.verdict.images,
        "metrics": {name: asdict(one) for name, one in ending.verdict.metrics.items()},
        "calibration_error": ending.verdict.ece,
    }
    return {
        "training": trained.name,
        "folder": trained.folder,
        "data": trained.config.data,
        "finished": ending is not None,
        "epochs": len(history),
        "of": None if trained.config.time else trained.config.recipe.epochs,
        "test": verdict,
        "overlap": trained.environment.get("overlap", ""),
        "boxes": ending.boxes.counts | {"threshold": ending.boxes.threshold} if ending and ending.boxes else None,
        "lowered": [asdict(one) for one in ending.lowered] if ending else [],
        "costs": ending.costs if ending else None,
        "weights": trained.folder / BEST if (trained.folder / BEST).exists() else None,
        "report": trained.folder / REPORT,
    }


def conclude(console: Terminal, trained: Trained) -> None:
    """Print the verdict, where the output is, and what to run next."""
    ending = trained.ending
    folder = quoted(trained.folder)
    if ending is None:
        _conclude_unfinished(console, trained)
        return
    counts = f"{ending.verdict.images:,} images, the weights of epoch {ending.epoch} of {len(trained.history)}"
    console.say("\n", (trained.name, "bold"), f": {counts}")
    console.table(metrics_table("on the test part", ending.verdict.metrics))
    if overlap := trained.environment.get("overlap"):
        console.remark(f"the verdict flatters: {overlap}\n")
    if ending.boxes:
        console.say(f"  {ending.boxes}\n")
    for label, file in (("report", REPORT), ("weights", BEST), ("epochs", SUMMARY)):
        console.say(f"  {label:<8}{trained.folder / file}")
    task = load_task(trained.config.task)
    file, draw = quoted(f"{trained.name}.onnx"), " --draw DIR" if ending.boxes else ""
    console.following(
        f"nas export {folder} --format onnx -o {file}",
        *([f"nas predict {folder} IMAGE...{draw}"] if gives(task.outputs, {"targets": task.targets}) in WAYS else []),
        f"nas evaluate {folder} --data NAME[:PATH]",
    )


def _conclude_unfinished(console: Terminal, trained: Trained) -> None:
    config, done = trained.config, f"{len(trained.history)}"
    if config.time:
        spent = sum(epoch.seconds for epoch in trained.history)
        done = f"{epochs(len(trained.history))}, {duration(spent)} of {duration(config.time)},"
    else:
        done += f" of {epochs(config.recipe.epochs)}"
    console.say(f"{trained.name}: {done} are done; it is not finished\n\n  report  {trained.folder / REPORT}")
    console.following(f"nas train {quoted(trained.folder)} --resume")
