"""The page of a search that still runs: written anew between two jobs, as often as that costs next to nothing."""

import time
from collections.abc import Callable

from nas.record.run import Run
from nas.report.page import write_report
from nas.report.running import Running

EVERY = 60.0  # seconds between two pages while the front stays as it is
SHARE = 0.02  # of the time since the search began, at most, is spent on pages
FIRST = 0.5  # seconds that a new search's first page counts for: its libraries are needed at the end in any case


class LivePage:
    """Writes a run's page while its search goes on.

    A page that cannot be written harms no search: `warned` is told once.
    """

    def __init__(self, run: Run, warned: Callable[[str], None]) -> None:
        self.run, self.warned = run, warned
        self.began = self.written = time.monotonic()
        self.cost, self.spent, self.new = FIRST, 0.0, not run.trials
        self.front: list[int] = []
        self.failed = False

    def refresh(self) -> None:
        """Write the page if it is due, and what was spent on pages allows another."""
        now = time.monotonic()
        if self.spent + self.cost > SHARE * (now - self.began):
            return
        try:
            front = [result.number for result in self.run.front()]
            if front == self.front and now - self.written < EVERY:
                self.spent += time.monotonic() - now
                return
            write_report(self.run, Running.now(self.run, max(EVERY, self.cost / SHARE)))
            self.front = front
        except Exception as error:
            if not self.failed:
                self.failed = True
                self.warned(f"the page is not up to date while the search runs: {error}")
        self.written = time.monotonic()
        self.cost = FIRST if self.new else self.written - now
        self.spent, self.new = self.spent + self.cost, False
