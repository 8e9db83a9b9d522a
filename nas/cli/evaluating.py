"""Judge a network under a progress bar, and print what came of it: its metrics, its worst classes, the page."""

from pathlib import Path

from rich import box
from rich.table import Table

from nas.cli.display import progress_bar
from nas.cli.terminal import Terminal, print_json
from nas.data.summary import causes
from nas.evaluation.units import percent, show, title
from nas.files import quoted
from nas.report.confusion import recalls
from nas.report.evaluate import ALL, Evaluation, evaluate
from nas.report.evaluation_page import write_evaluation

WORST = 10  # classes in the table


def judge(
    model: str, data: str, part: str, split_seed: int | None, out: Path, runs: Path, *, as_json: bool = False
) -> None:
    """Judge a network, write the page, and print the result."""
    terminal = Terminal(stderr=as_json)
    bar = progress_bar(terminal, transient=True, disable=not terminal.moves)
    task = bar.add_task("images", total=1.0, left="")
    with bar:
        found = evaluate(model, data, part=part, split_seed=split_seed, runs=runs,
                         watch=lambda share: bar.update(task, completed=share))  # fmt: skip
    write_evaluation(found, out)
    if found.unreadable:
        terminal.say((f"{len(found.unreadable):,} left out of the data: {'; '.join(causes(found.unreadable))}", "dim"))
    print_json(found.facts() | {"page": out}) if as_json else _conclude(terminal, found, out)


def _conclude(terminal: Terminal, found: Evaluation, out: Path) -> None:
    verdict = found.verdict
    which = "" if found.part == ALL else f", the {found.part} part"
    terminal.say("\n", (found.source, "bold"), f" on {found.data}{which}: {verdict.images:,} images")
    table = Table("", "", "95 % interval", box=box.SIMPLE_HEAD)
    for name, one in verdict.metrics.items():
        table.add_row(title(name), show(name, one.value), f"{show(name, one.low)} to {show(name, one.high)}")
    terminal.table(table)
    if found.boxes:
        terminal.say(f"  {found.boxes}\n")
    elif verdict.confusion:
        terminal.table(_classes(found))
    if found.flattered:
        terminal.remark(f"the verdict may flatter: {found.flattered}\n")
    terminal.say(f"  page    {out}")
    terminal.following(f"open {quoted(out)} in a browser")


def _classes(found: Evaluation) -> Table:
    """List the classes that are recognised worst, of those with images."""
    judged = [one for one in recalls(found.verdict.confusion) if one.share is not None]
    few = f"the worst {WORST} of {len(judged)} classes" if len(judged) > WORST else "class"
    table = Table(few, "recognised", "95 % interval", "images", "most often taken for", box=box.SIMPLE_HEAD)
    for one in judged[:WORST]:
        rival = f"{found.classes[one.rival]} ({one.lost})" if one.lost else ""
        share = percent(one.share or 0.0)
        table.add_row(
            found.classes[one.label], share, f"{percent(one.low)} to {percent(one.high)}", str(one.images), rival
        )
    return table
