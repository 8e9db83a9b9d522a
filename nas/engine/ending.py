"""The end of a training: the best weights judged once on the test part, and what the network costs."""

from contextlib import nullcontext
from dataclasses import asdict, replace
from importlib.metadata import version

from nas.costs.counts import cost
from nas.costs.deployment import Deployment, choose_deployment
from nas.costs.latency.measure import measure
from nas.data import Dataset
from nas.data.pictures import embedded
from nas.engine.lowering import measure_lowered, some, told
from nas.errors import SettingError
from nas.files import Json
from nas.record.ending import Ending, Lowered
from nas.record.trained import Trained
from nas.training.boxes.judging import judge_boxes
from nas.training.catalogue import load_task
from nas.training.full.loop import Trainer, answers
from nas.training.full.recipe import changed
from nas.training.full.verdict import judge
from nas.training.model import BOXES, Model

SECONDS = 5.0  # for a latency, at most


def conclude(trained: Trained, trainer: Trainer, dataset: Dataset) -> None:
    """Judge the best weights and write the verdict. Raises OSError when it cannot be written."""
    model = trained.model().to(trainer.batches.device)
    predictions = answers(model, trainer.batches, dataset.test, nullcontext())
    verdict, boxes = judge(trainer.task, predictions), None
    noted, smaller, deployment = Json(), list[Lowered](), _deployment(model, trained.config.target)
    if trainer.task.outputs == BOXES:
        rows = some(dataset.validation, dataset.resolution)
        whole = answers(model, trainer.batches, rows, nullcontext())
        model.facts = noted = told(model, whole)
        boxes = judge_boxes(predictions, len(dataset.classes), model.threshold)
        smaller = measure_lowered(model, trainer, rows, whole, deployment, SECONDS / 2)
    if len(predictions.targets) < len(dataset.test):  # some could not be read, and the others have moved up
        places = trainer.batches.readable(dataset.test)
        verdict = replace(verdict, mistakes=[replace(m, row=int(places[m.row])) for m in verdict.mistakes])
        boxes = boxes and replace(boxes, shown=tuple(replace(s, row=int(places[s.row])) for s in boxes.shown))
    shown = [one.row for one in (boxes.shown if boxes else verdict.mistakes)]
    pictures = tuple(embedded(dataset.images[dataset.test[[row]]][0], light=bool(boxes)) for row in shown)
    names = tuple(dataset.name_of(int(dataset.test[row])) for row in shown)
    left_out = tuple(trainer.batches.unreadable)
    costs = _costs(model, deployment)
    ending = Ending(verdict, trainer.progress.best, pictures, costs, left_out, boxes, tuple(smaller), names)
    model.facts = facts(trained, ending, dataset.parts) | noted
    trained.keep_ending(ending, model)


def facts(trained: Trained, ending: Ending, parts: Json) -> Json:
    """Say where the weights come from and what was measured with them, as an exported file carries it."""
    config, made = trained.config, trained.environment
    return {
        "data": config.data,
        "parts": parts,
        "task": config.task,
        "targets": load_task(config.task).targets,
        "recipe": config.recipe_name or "one of its own",
        "changed": changed(config.recipe, config.recipe_name),
        "epochs": len(trained.history),
        "epoch": ending.epoch,
        "seed": config.seed,
        "split_seed": config.split,
        "seen": made.get("seen"),
        "overlap": made.get("overlap", ""),
        "teacher": config.teacher,
        "test": {name: asdict(one) for name, one in ending.verdict.metrics.items()} | {"images": ending.verdict.images},
        "calibration_error": ending.verdict.ece,
        "params": ending.costs["params"],
        "macs": ending.costs["macs"],
        "latency": ending.costs.get("latency"),
        "command": made.get("command", ""),
        "commit": made.get("commit"),
        "versions": made.get("versions", {"torch": version("torch")}),
        "device": made.get("device"),
    }


def _deployment(model: Model, target: str) -> Deployment:
    """Choose where latencies are measured: on the device that trained where the target is not on this machine."""
    device = model.mean.device.type
    try:
        return choose_deployment(target or "auto", device=device)
    except SettingError:
        return choose_deployment("auto", device=device)


def _costs(model: Model, deployment: Deployment) -> Json:
    """Count and measure a network."""
    counted = cost(model.architecture)
    timed = measure(model.network, deployment, seconds=SECONDS)
    return {"params": counted.params, "macs": counted.macs, "latency": timed.to_dict()}
