"""Trials an hour of whole searches by two versions of nas, by the command line and in turn, and what they found.

Each version is a folder with its source, such as a worktree of git. Every search has the same space, data and seed; the
rest is what each version does by default. Hypervolumes are shares of one frame around all results, after as many
trainings as every search had; start-up is the time from the command to the first training. Searches take different
courses, so there is also the time from the command until each came as far as the least of them did in all.

    git worktree add /tmp/before 76383fa
    python benchmarks/trials_per_hour.py before=/tmp/before after=. --budget 200 --seeds 0 1
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import numpy as np
from rich.console import Console
from rich.table import Table

from nas.record.analysis.growth import Frame, growth, losses_of, trainings_of
from nas.record.run import Run

LOOK = 0.05  # seconds between looks at a record


@dataclass(frozen=True)
class Search:
    """A search that ended: its version, folder, seconds in all and until the first training, and the load before it."""

    version: str
    folder: Path
    seconds: float
    start: float
    load: float

    @property
    def run(self) -> Run:
        """Its record, as this version reads it."""
        return Run(self.folder)


def search(version: str, source: Path, runs: Path, seed: int, options: list[str]) -> Search:
    """Search by the command of a version."""
    folder = runs / f"{version}-{seed}"
    command = [sys.executable, "-m", "nas.cli", "search", "--runs", str(runs), "--name", folder.name]
    command += ["--seed", str(seed), *options]
    environment = os.environ | {"PYTHONPATH": str(source.resolve())}
    record, load = folder / "trials.jsonl", os.getloadavg()[0]
    begun, first = time.perf_counter(), 0.0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment, cwd=runs) as process:
        while not first and process.poll() is None:
            time.sleep(LOOK)
            if record.exists() and b"\n" in record.read_bytes():
                first = time.perf_counter()
    if process.returncode:
        raise SystemExit(f"{version}: the search ended with {process.returncode}: {' '.join(command)}")
    took = time.perf_counter() - begun
    trial = json.loads(record.read_text().splitlines()[0])
    return Search(version, folder, took, first - begun - sum(trial["outcome"]["seconds"].values()), load)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("versions", nargs="+", metavar="NAME=FOLDER")
    parser.add_argument("--budget", default="200")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--space", default="cvt_family")
    parser.add_argument("--data", default="cluttered_digits")
    parser.add_argument("--options", default="", help="further options of nas search, in quotes")
    parser.add_argument("--runs", type=Path, help="keep the runs here")
    given = parser.parse_args()
    versions = dict(version.split("=", 1) for version in given.versions)
    space, data = _absolute(given.space), _absolute(given.data)
    options = ["--space", space, "--data", data, "--budget", given.budget, *given.options.split()]
    with tempfile.TemporaryDirectory() as folder:
        runs = (given.runs or Path(folder)).resolve()
        runs.mkdir(parents=True, exist_ok=True)
        found = [search(name, Path(source), runs, seed, options) for seed in given.seeds
                 for name, source in versions.items()]  # fmt: skip
        show(found)


def _absolute(text: str) -> str:
    """Make a path absolute, one after `kind:` too: searches run in another folder, where no version's source lies."""
    kind, colon, path = text.rpartition(":")
    return f"{kind}{colon}{Path(path).resolve()}" if path and Path(path).exists() else text


def show(found: list[Search]) -> None:
    """Print a line a search."""
    records = [one.run for one in found]
    frame, fewest = Frame.of(np.concatenate(list(map(losses_of, records)))), min(map(trainings_of, records))
    curves = [growth(run, frame) for run in records]
    least = min(curve.shares[-1] for curve in curves)
    table = Table("version", "seed", "trials", "minutes", "to the first (s)", "a training (s)", "trials an hour",
                  f"hypervolume after {fewest}", "in all", f"minutes to {least:.3f}", "load before")  # fmt: skip
    for one, run, curve in zip(found, records, curves, strict=True):
        trials = len(run.trials)
        trained = [trial.outcome.seconds["train"] for trial in run.trials if "train" in trial.outcome.seconds]
        reached = next(at for at, share in zip(curve.seconds, curve.shares, strict=True) if share >= least)
        shares = [f"{share:.3f}" for share in (frame.share(losses_of(run, fewest)), curve.shares[-1])]
        table.add_row(one.version, str(run.config.seed), str(trials), f"{one.seconds / 60:.1f}", f"{one.start:.0f}",
                      f"{mean(trained):.1f}", f"{3600 * trials / one.seconds:.0f}", *shares,
                      f"{(one.start + reached) / 60:.1f}", f"{one.load:.1f}")  # fmt: skip
    Console(width=160).print(table)


if __name__ == "__main__":
    main()
