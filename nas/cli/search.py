"""nas search: find the networks that are best in several objectives at once."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from nas.cli.display import Display
    from nas.run import Run


def search(
    space: Annotated[str, typer.Option(help="A shipped space (nas spaces) or a YAML file.")] = "cvt_family",
    budget: Annotated[str, typer.Option(help="Architectures to train (200), or a time (30m, 2h).")] = "200",
    data: Annotated[str, typer.Option(help="NAME or NAME:PATH, e.g. cifar10:DIR.")] = "cluttered_digits",
    objectives: Annotated[str, typer.Option(help="Two or more, by comma.")] = "accuracy,latency",
    maximum: Annotated[list[str], typer.Option("--max", help="A limit known before training: latency=5")] = [],  # noqa: B006
    minimum: Annotated[list[str], typer.Option("--min", help="The same for what is maximised.")] = [],  # noqa: B006
    sampler: Annotated[str, typer.Option(help="How to choose: pareto, tpe, nsga2, gp, random.")] = "pareto",
    pruner: Annotated[str, typer.Option(help="Stops trainings that cannot matter: dominance, none.")] = "dominance",
    confirm: Annotated[int, typer.Option(help="Further trainings of each network on the front, at the end.")] = 2,
    seed_with: Annotated[str, typer.Option(help="Known networks to start from, by comma: coatnet_0,moat_0")] = "",
    warm_start: Annotated[str, typer.Option(help="Earlier runs to learn from, by comma.")] = "",
    scores: Annotated[str, typer.Option(help="Zero-cost scores to note of each, by comma: synflow,naswot")] = "",
    prefilter: Annotated[list[str], typer.Option(help="Train only the best share by a score: jacob_cov=0.5")] = [],  # noqa: B006
    seed: Annotated[int, typer.Option(help="Repeats a search exactly, with one worker.")] = 0,
    name: Annotated[str | None, typer.Option(help="The run's name; default: space and time.")] = None,
    runs: Annotated[Path, typer.Option(help="The folder of runs.")] = Path("runs"),
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    resolution: Annotated[int | None, typer.Option(help="Pixels; default: the data's.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Epochs of a proxy training.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Images a step.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Peak learning rate.")] = None,
    subset: Annotated[int | None, typer.Option(help="Training images used; default: all.")] = None,
    workers: Annotated[str, typer.Option(help="Trials at once: a number, or auto.")] = "auto",
    ray: Annotated[str | None, typer.Option(help="A running Ray cluster: auto, or its address.")] = None,
    gpus_per_trial: Annotated[str, typer.Option(help="Part of a GPU a trial takes: 0.25, or auto.")] = "auto",
    trial_timeout: Annotated[float | None, typer.Option(help="Seconds after which a trial is given up.")] = None,
    target: Annotated[
        str, typer.Option(help="Where networks will run: cpu, onnxruntime, cuda-graph, file:PATH.")
    ] = "auto",
    latency: Annotated[str, typer.Option(help="measured, predicted or auto.")] = "auto",
    latency_batch: Annotated[int, typer.Option(help="Images at once when latency is measured.")] = 1,
    throughput_batch: Annotated[int, typer.Option(help="Images at once when throughput is.")] = 32,
    threads: Annotated[int, typer.Option(help="CPU threads that a network will have.")] = 1,
    dtype: Annotated[str, typer.Option(help="Its numbers: float32, float16 or bfloat16.")] = "float32",
) -> None:
    """Search a space; ends with a Pareto front, a report and the best architecture as YAML."""
    from nas.config import parse_limits, parse_number
    from nas.registry import SCORES

    recipe = {"epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate, "subset": subset}
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
        "device": device,
        "resolution": resolution,
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
        "recipe": {key: value for key, value in recipe.items() if value is not None},
    }

    def begin(display: "Display") -> "Run":
        from nas.driver import search as start

        return start(
            space, data=data, budget=budget, name=name, runs=runs, watcher=display.watcher(), **settings
        )  # fmt: skip

    watch(begin)


def _listed(text: str) -> tuple[str, ...]:
    """Names by comma."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def watch(begin: Any) -> None:
    """Run a search under the live display and say at the end where things lie."""
    from rich.console import Console

    from nas.cli.display import Display

    console = Console()
    display = Display(console)
    try:
        with display.shown():
            run = begin(display)
    except KeyboardInterrupt:
        if display.run is None:
            console.print("\n[yellow]Stopped[/] before a training began.")
            raise typer.Exit(130) from None
        console.print(
            f"\n[yellow]Stopped.[/] Every finished trial is kept. Go on with: nas resume {display.run.folder}"
        )
        raise typer.Exit(130) from None
    conclude(console, run)


def conclude(console: "Console", run: "Run") -> None:
    """The front, where the output lies, and what to run next."""
    from nas.cli.tables import front_table
    from nas.units import duration

    counts = f"{len(run.trained)} architectures trained in {duration(run.elapsed)}"
    console.print(f"\n[bold]{run.name}[/]: {counts}; {len(run.front())} on the Pareto front", highlight=False)
    for note in run.learnt.notes:
        console.print(f"  learnt from {note}", highlight=False, soft_wrap=True, markup=False)
    console.print(front_table(run))
    if unreadable := run.environment.get("unreadable_images"):
        named = "; ".join(run.environment["unreadable"][:3])
        console.print(f"  {unreadable} unreadable images were left out: {named}\n", soft_wrap=True, markup=False)
    for label, path in (
        ("report", "report.html"),
        ("best", "best.yaml"),
        ("front", "front/"),
        ("trials", "trials.csv"),
    ):
        console.print(f"  {label:<8}{run.folder / path}", highlight=False, soft_wrap=True)
    console.print(
        f"\nNext:  nas show {run.folder / 'best.yaml'}\n"
        f"       nas export {run.folder} --pick accuracy -o accurate.yaml\n"
        f"       nas resume {run.folder} --budget {2 * (run.config.budget.trials or 100)}",
        highlight=False,
        soft_wrap=True,
    )
