"""What a run took over from earlier ones, kept in its own folder as those may be gone: `warm_start.json`."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter

from nas import files
from nas.errors import RunError
from nas.record.trial import Trial, modern
from nas.space.space import Decisions

WARM_START = "warm_start.json"


@dataclass(frozen=True)
class Learnt:
    """The part of earlier runs that a run took over: designs to train first, and trials that only the sampler knows.

    These have the first numbers of the study; the run's own follow. `notes` describe both in words.
    """

    designs: list[Decisions] = field(default_factory=list)
    trials: list[Trial] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


_LEARNT = TypeAdapter(Learnt)


def write_learnt(folder: Path, learnt: Learnt) -> None:
    """Write what was taken over into a run's folder. Raises OSError."""
    files.write(folder / WARM_START, json.dumps(_LEARNT.dump_python(learnt, mode="json"), indent=1) + "\n")


def read_learnt(folder: Path) -> Learnt:
    """Read what was taken over. Raises RunError where the file is missing or damaged."""
    path = folder / WARM_START
    try:
        data = json.loads(path.read_bytes())
        if isinstance(data, dict) and isinstance(data.get("trials"), list):
            data["trials"] = [t if "outcome" in t else modern(t) for t in data["trials"]]
        return _LEARNT.validate_json(json.dumps(data), strict=True)
    except (OSError, ValueError, TypeError):
        raise RunError(f"{path}: missing or damaged; restore it, or start the search anew") from None
