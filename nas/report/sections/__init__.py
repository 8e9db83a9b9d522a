"""The sections of a run's report, in their order on the page: each a file, and a template of its name."""

from types import ModuleType

from nas.files import Json
from nas.report.sections import found, front, mattered, networks, progress, settings, traits, trust
from nas.report.view import View

SECTIONS: tuple[ModuleType, ...] = (found, front, networks, traits, mattered, progress, trust, settings)


def contexts(view: View) -> dict[str, Json]:
    """Return what each section's template shows, by the section's name, without those that have nothing to show."""
    made = {section.__name__.rpartition(".")[2]: section.context(view) for section in SECTIONS}
    return {name: context for name, context in made.items() if context is not None}
