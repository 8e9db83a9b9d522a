"""nas search: find the networks that are best in several objectives at once."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from nas.cli.parameters import Runs, SpaceName, first, panel

if TYPE_CHECKING:
    from nas.cli.display import Display
    from nas.record.run import Run

_choosing = panel("How networks are chosen")
_training = panel("How networks are trained")
_machine = panel("Where networks are trained")
_deployment = panel("Where networks will run")


def search(
    space: SpaceName = "cvt_family",
    data: Annotated[
        str, first("NAME[:PATH]", "Images: digits, cifar10:DIR, image_folder:DIR, ...")
    ] = "cluttered_digits",
    budget: Annotated[str, first("N|TIME", "Networks to train (200), or a time (30m, 2h).")] = "200",
    objectives: Annotated[str, first("NAMES", "Two or more, by comma.")] = "accuracy,latency",
    maximum: Annotated[
        list[str], first("NAME=X", "A limit for every network: latency=5. May be repeated.", "--max")
    ] = [],  # noqa: B006
    minimum: Annotated[list[str], first("NAME=X", "The same for what is maximised: throughput=100.", "--min")] = [],  # noqa: B006
    name: Annotated[str | None, first("NAME", "The run's name.", default="space and time")] = None,
    runs: Runs = Path("runs"),
    sampler: Annotated[str, _choosing("NAME", "pareto, tpe, nsga2, gp or random.")] = "pareto",
    pruner: Annotated[str, _choosing("NAME", "Stops hopeless trainings: dominance, none.")] = "dominance",
    confirm: Annotated[int, _choosing("N", "Further trainings of the front, at the end.")] = 2,
    seed_with: Annotated[str, _choosing("NAMES", "Networks to start from, by comma: coatnet_0,moat_0.")] = "",
    warm_start: Annotated[str, _choosing("RUNS", "Earlier runs to learn from, by comma.")] = "",
    scores: Annotated[str, _choosing("NAMES", "Zero-cost scores to note, by comma: synflow,naswot.")] = "",
    prefilter: Annotated[list[str], _choosing("NAME=SHARE", "Train the best share by a score: jacob_cov=0.5.")] = [],  # noqa: B006
    seed: Annotated[int, _choosing("N", "With one worker, the same seed repeats a search.")] = 0,
    resolution: Annotated[int | None, _training("PIXELS", "Side of the images.", default="the data's")] = None,
    epochs: Annotated[int, _training("N", "Passes over the training images.")] = 1,
    batch_size: Annotated[int, _training("N", "Images a step.")] = 16,
    learning_rate: Annotated[float, _training("X", "Its peak, after the warm-up.")] = 2e-3,
    subset: Annotated[int | None, _training("N", "Training images used.", default="all")] = None,
    device: Annotated[str, _machine("NAME", "cpu, cuda or auto.")] = "auto",
    workers: Annotated[str, _machine("N", "Trainings at once: a number or auto.")] = "auto",
    ray: Annotated[
        str | None, _machine("ADDRESS", "A running Ray cluster: its address, or auto.", default="none")
    ] = None,
    gpus_per_trial: Annotated[str, _machine("X", "Part of a GPU for each training: 0.25, or auto.")] = "auto",
    trial_timeout: Annotated[
        float | None, _machine("SECONDS", "A trial that takes longer is given up.", default="no limit")
    ] = None,
    target: Annotated[str, _deployment("NAME", "cpu, onnxruntime, cuda, file:PATH, ... or auto.")] = "auto",
    latency: Annotated[str, _deployment("HOW", "Latency is measured, predicted or auto.")] = "auto",
    latency_batch: Annotated[int, _deployment("N", "Images at once, for latency.")] = 1,
    throughput_batch: Annotated[int, _deployment("N", "Images at once, for throughput.")] = 32,
    threads: Annotated[int, _deployment("N", "CPU threads.")] = 1,
    dtype: Annotated[str, _deployment("NAME", "float32, float16 or bfloat16.")] = "float32",
) -> None:
    """Search a space: ends with a Pareto front, a report and the best network as YAML."""
    from nas.cli.watch import watch
    from nas.config import parse_limits, parse_number
    from nas.registry import SCORES

    settings: dict[str, Any] = {
        "objectives": tuple(part.strip() for part in objectives.split(",")),
        "maximum": parse_limits(maximum, "--max"),
        "minimum": parse_limits(minimum, "--min"),
        "sampler": sampler,
        "pruner": pruner,
        "confirm": confirm,
        "seed_with": _listed(seed_with),
        "warm_start": _listed(warm_start),
        "scores": _listed(scores),
        "prefilter": parse_limits(prefilter, "--prefilter", SCORES, "jacob_cov=0.5"),
        "seed": seed,
        "resolution": resolution,
        "recipe": {"epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate, "subset": subset},
        "device": device,
        "workers": parse_number(workers, "--workers"),
        "ray": ray,
        "gpus_per_trial": parse_number(gpus_per_trial, "--gpus-per-trial"),
        "trial_timeout": trial_timeout,
        "target": target,
        "latency": latency,
        "latency_batch": latency_batch,
        "throughput_batch": throughput_batch,
        "threads": threads,
        "dtype": dtype,
    }

    def begin(display: "Display") -> "Run":
        from nas.engine.search import search as start

        return start(space, data=data, budget=budget, name=name, runs=runs, watcher=display.watcher(), **settings)

    watch(begin)


def _listed(text: str) -> tuple[str, ...]:
    """Names by comma."""
    return tuple(part.strip() for part in text.split(",") if part.strip())
