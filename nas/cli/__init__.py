"""The command line: parse, call, print. One file a command; each imports what it needs when it runs."""

import sys

import typer

from nas.cli import export, latency, profile, report, resume, search, show, spaces
from nas.errors import NasError, UserError

app = typer.Typer(
    help="Search for vision networks that mix convolution and attention.",
    epilog="Begin with: nas spaces, then nas search --budget 20, then nas show on the best.yaml it names.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (search, resume, report, export, show, profile, spaces):
    name = command.__name__.rpartition(".")[2]
    app.command(name)(getattr(command, name))
app.add_typer(latency.latency, name="latency")


def main() -> None:
    """The `nas` command: exit status 2 for what the person wrote, 1 for a run's own failure."""
    try:
        app()
    except NasError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(2 if isinstance(error, UserError) else 1)
