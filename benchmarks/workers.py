"""What a number of workers brings: the same search by the command line with each number, its start included.

The sampler is random, so every search trains the same architectures from the same seeds. Start-up is the time from
the command to the first training: until the first trial is on disk, less what that trial says it took.

    python benchmarks/workers.py --workers 1 2 --budget 24
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

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Timing:
    """Seconds of a search: from the command to its end, and to the first training; of one trial in the middle."""

    whole: float
    start: float
    trial: float
    load: float


def timed(workers: int, budget: int, options: list[str]) -> Timing:
    """Run one search."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "nas.cli", "search", "--sampler", "random", "--budget", str(budget)]
        command += ["--workers", str(workers), "--runs", folder, "--name", "a", *options]
        record, load = Path(folder) / "a" / "trials.jsonl", os.getloadavg()[0]
        begin, first = time.perf_counter(), 0.0
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            while process.poll() is None:
                if not first and record.exists() and b"\n" in record.read_bytes():
                    first = time.perf_counter()
                time.sleep(0.02)
        whole = time.perf_counter() - begin
        trials = [sum(json.loads(line)["outcome"]["seconds"].values()) for line in record.read_text().splitlines()]
    assert process.returncode == 0
    return Timing(whole, first - begin - trials[0], sorted(trials)[len(trials) // 2], load)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--budget", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--options", default="", help="further options of nas search, in quotes")
    options = parser.parse_args()
    table = Table("workers", "whole (s)", "start (s)", "trials an hour after it", "median trial (s)", "load before")
    for _ in range(options.rounds):
        for workers in options.workers:
            took = timed(workers, options.budget, options.options.split())
            rate = 3600 * options.budget / (took.whole - took.start)
            row = (f"{took.whole:.1f}", f"{took.start:.1f}", f"{rate:.0f}", f"{took.trial:.2f}", f"{took.load:.1f}")
            table.add_row(str(workers), *row)
            print(workers, *row, flush=True)
    Console().print(table)


if __name__ == "__main__":
    main()
