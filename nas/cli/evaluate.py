"""nas evaluate: how good a trained network is on labelled images."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from rich import box
from rich.table import Table

import nas
from nas.cli.completion import NAMES, trainings
from nas.cli.options import AsJson, Plugins, Runs, argument, option
from nas.cli.tables import metrics_table
from nas.cli.terminal import Terminal, print_json, progress_bar, tell_replaced
from nas.cli.unfinished import tell_unfinished
from nas.data import SEEDS
from nas.data.parts import ALL
from nas.data.summary import causes, left_out
from nas.evaluation.plugins import load_plugins
from nas.evaluation.units import percent
from nas.files import quoted
from nas.report.rendering import check_in_place

if TYPE_CHECKING:
    from nas.report.evaluate import Evaluation

OWN = "its training's"
PART = "train, validation, test or all."
WORST = 10  # classes in the table


def evaluate(
    model: Annotated[str, argument("MODEL", "A training, or what nas export wrote.", names=trainings)],
    data: Annotated[str | None, option("NAME[:PATH]", "Labelled images.", default=OWN, names=NAMES["data"])] = None,
    part: Annotated[str | None, option("PART", PART, default="test, all of other data", names=NAMES["part"])] = None,
    split_seed: Annotated[
        int | None, option("N", "Divides the images into parts.", min=0, max=SEEDS - 1, default=OWN)
    ] = None,
    device: Annotated[str, option("NAME", "cpu, cuda or auto.", names=NAMES["device"])] = "auto",
    output: Annotated[Path, option("FILE", "Write the page here.", "--output", "-o")] = Path("evaluation.html"),
    as_json: AsJson = False,
    runs: Runs = Path("runs"),
    plugins: Plugins = [],  # noqa: B006
) -> None:
    """Judge a trained network, or an exported file, on labelled images.

    Other data are judged whole; of coco:FILE with files of other parts beside it, FILE alone.
    """
    load_plugins(*plugins)
    check_in_place(output, "evaluation")
    tell_unfinished(runs, model)
    terminal = Terminal(stderr=as_json)
    with progress_bar(terminal, transient=True, disable=not terminal.moves) as bar:
        task = bar.add_task("images", total=1.0, left="")
        found = nas.evaluate(model, data or "", part=part or "", split_seed=split_seed, device=device, runs=runs,
                             watch=lambda share: bar.update(task, completed=share))  # fmt: skip
    if found.unreadable:
        headers = "" if found.part == ALL else " (of the other parts only headers were read)"
        terminal.say((f"{left_out(len(found.unreadable), causes(found.unreadable))}{headers}", "dim"))
    tell_replaced(terminal, output, "evaluation")
    nas.write_evaluation(found, output)
    print_json(found.facts() | {"page": output}) if as_json else _conclude(terminal, found, output)


def _conclude(terminal: Terminal, found: "Evaluation", output: Path) -> None:
    """Print what came of it, where the page is, and what to run next."""
    verdict = found.verdict
    which = "" if found.part == ALL else f", the {found.part} part"
    terminal.say("\n", (found.source, "bold"), f" on {found.data}{which}: {verdict.images:,} images")
    terminal.table(metrics_table("", verdict.metrics))
    if found.boxes:
        terminal.say(f"  {found.boxes}\n")
    elif found.recalls:
        terminal.table(_classes(found))
    if found.flattered:
        terminal.remark(f"the verdict may flatter: {found.flattered}\n")
    terminal.say(f"  page    {output}")
    terminal.following(f"open {quoted(output)} in a browser")


def _classes(found: "Evaluation") -> Table:
    """List the classes that are recognised worst, of those with images."""
    judged = [one for one in found.recalls if one.share is not None]
    few = f"the worst {WORST} of {len(judged)} classes" if len(judged) > WORST else None
    headings = ("class", "recognised", "95 % interval", "images", "taken for")
    table = Table(*headings, box=box.SIMPLE_HEAD, title=few, title_justify="left")
    for one in judged[:WORST]:
        rival = f"{found.classes[one.rival]} ({one.lost})" if one.lost else ""
        low, high = percent(one.low), percent(one.high)
        table.add_row(found.classes[one.label], percent(one.share or 0.0), f"{low} to {high}", str(one.images), rival)
    return table
