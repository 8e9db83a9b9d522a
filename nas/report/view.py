"""What the sections of a run's report share: the run's front, the pick, a colour and a letter for each block."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from nas import document
from nas.evaluation import units
from nas.evaluation.picks import KNEE
from nas.record.picking import Picked
from nas.record.results import Result, fallen
from nas.record.run import Run
from nas.record.trial import Trial
from nas.report.charts import PALETTE
from nas.space.schema import fields


@dataclass(frozen=True)
class View:
    """A run as its report sees it; each part is worked out once."""

    run: Run

    @cached_property
    def front(self) -> list[Result]:
        """The Pareto-optimal results, sorted by the last objective."""
        return self.run.front()

    @cached_property
    def picked(self) -> Picked:
        """The network for which the run stands."""
        return self.run.picked

    @property
    def star(self) -> str:
        """What the page calls that network."""
        return "knee" if self.run.config.pick == KNEE else "pick"

    @cached_property
    def colours(self) -> dict[str, str]:
        """A colour for every block the search may use, in the order of the space's file."""
        stages = fields(document.read(self.run.folder / "space.yaml")).stages
        blocks = dict.fromkeys(block for stage in stages for block in stage.block)
        return {block: PALETTE[i % len(PALETTE)] for i, block in enumerate(blocks)}

    @cached_property
    def letters(self) -> dict[str, str]:
        """The letter by which layouts abbreviate each block, read off the trials: `{"conv": "C", "moat": "A"}`."""
        pairs: dict[str, str] = {}
        for trial in self.run.trials:
            blocks = (stage.block for stage in trial.architecture.stages)
            pairs |= zip(blocks, trial.layout.split("-"), strict=True)
        return {block: pairs[block] for block in self.colours if block in pairs}

    @cached_property
    def failed(self) -> list[Trial]:
        """The trials that failed, at first or when they went on, with the reason."""
        fell = fallen(self.run.further)
        ended = [replace(t, outcome=fell[t.number]) if t.number in fell else t for t in self.run.trials]
        return [trial for trial in ended if trial.state == "failed"]

    def unit(self, name: str, results: Iterable[Result]) -> units.Unit:
        """Return one unit for an objective's values in all of these results."""
        return units.unit_of(name, [result.metrics[name] for result in results if name in result.metrics])


def main_block(result: Result) -> str:
    """The block that a network has most of, the later stage's where two are even."""
    count: Counter[str] = Counter()
    for stage in reversed(result.architecture.stages):
        count[stage.block] += stage.depth
    return count.most_common(1)[0][0]
