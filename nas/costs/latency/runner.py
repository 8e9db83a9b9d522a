"""Time the networks of this folder on this device and write results.csv, with onnxruntime alone.

    python run.py                     # one thread, about a second a network
    python run.py --threads 4 --seconds 2

Rounds alternate between a network and reference.onnx, so that a slower device slows both. The result is the median
ratio, times the reference's best time. Run it again after an interruption: finished rows are kept, and that time.
"""

import argparse
import csv
import json
import platform
import statistics
import time
from pathlib import Path

import numpy as np
import onnxruntime as ort

HERE = Path(__file__).resolve().parent
SPELL, LEAST_RUNS, LEAST_ROUNDS = 2e-3, 3, 5  # warms up and compares as nas/costs/latency/rounds.py, which it follows
COLUMNS = ("name", "ms", "iqr", "rounds", "threads", "device", "runtime", "package", "reference")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1.0, help="for one network")
    arguments = parser.parse_args()
    manifest = json.loads((HERE / "manifest.json").read_text(encoding="utf-8-sig"))
    results = HERE / "results.csv"
    rows = read(results)
    fixed = {
        "threads": arguments.threads,
        "device": device(),
        "runtime": f"onnxruntime {ort.__version__}",
        "package": manifest["package"],
    }
    check_same(results, rows, fixed)
    now = timer(arguments.threads)
    reference = clock(HERE / "reference.onnx", manifest["reference"], arguments.threads, now)
    kept = next(iter(rows.values()), None)
    best = float(kept["reference"]) / 1e3 if kept else calibrate(reference)  # one unit for all rows
    for i, entry in enumerate(manifest["files"]):
        name = entry["name"]
        if name not in rows:
            network = clock(HERE / f"{name}.onnx", entry["shape"], arguments.threads, now)
            times = compare(network, reference, arguments.seconds)
            ratios = [own / other for own, other in times]
            low, middle, high = statistics.quantiles(ratios, n=4)
            row = {"name": name, "ms": 1e3 * best * middle, "iqr": 1e3 * best * (high - low), "rounds": len(ratios)}
            rows[name] = row | fixed | {"reference": 1e3 * best}
            write(results, rows)
        print(f"{i + 1}/{len(manifest['files'])} {name} {float(rows[name]['ms']):.4f} ms", flush=True)
    print(
        f"\n{results}\nCarry it back into the folder that you carried here, and run there:\n"
        f"  nas latency fit {HERE.name}/{results.name}"
    )


def timer(threads):
    """Return the thread's own time where one works, which other programs do not lengthen, unless it ticks too seldom.

    On Windows it does, every 15.6 ms, and says otherwise.
    """
    if threads == 1 and min(tick(time.thread_time) for _ in range(3)) < SPELL / 20:
        return time.thread_time
    return time.perf_counter


def tick(now):
    """Return the seconds of a step of a clock that goes on while this thread works."""
    start = after = now()
    while after == start:
        after = now()
    return after - start


def clock(path, shape, threads, now):
    """Make a function that runs a network `count` times and returns the seconds."""
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads, options.log_severity_level = threads, 1, 3
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    feed = {session.get_inputs()[0].name: np.zeros(shape, np.float32)}

    def run(count):
        start = now()
        for _ in range(count):
            session.run(None, feed)
        return now() - start

    return run


def warm_up(run):
    """Run until spells no longer get faster, and return the number of runs in a spell."""
    best, settled, spent = run(1), 0, 0.0
    while settled < 3 and spent < 3:
        count = spell(best)
        taken = run(count)
        spent += taken
        settled = settled + 1 if taken / count > 0.98 * best else 0
        best = min(best, taken / count)
    return spell(best)


def spell(once):
    """Return the number of runs of a network before the other's turn."""
    return max(LEAST_RUNS if once < 10 * SPELL else 1, round(SPELL / max(once, 1e-7)))


def calibrate(run, spells=8, rounds=60):
    """Return the seconds of one run on the undisturbed device."""
    count = warm_up(run)
    return min(statistics.median(run(count) / count for _ in range(rounds)) for _ in range(spells))


def compare(run, reference, seconds):
    """Return the seconds of one run, the network's and the reference's, round by round."""
    count, compared, rounds = warm_up(run), warm_up(reference), []
    end, before = time.monotonic() + seconds, reference(compared)
    while time.monotonic() < end or len(rounds) < LEAST_ROUNDS:
        own, after = run(count), reference(compared)
        rounds.append((own / count, (before + after) / 2 / compared))
        before = after
    return rounds


def device():
    """Return the processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    found = dict(reversed([[text.strip() for text in line.split(":", 1)] for line in lines if ":" in line]))
    numbers = [found[name] for name in ("CPU implementer", "CPU part") if name in found]
    plain = [platform.processor() or platform.machine(), *numbers]
    return found.get("model name") or found.get("Hardware") or " ".join(plain)


def read(path):
    """Read the whole rows of an earlier run."""
    if not path.exists():
        return {}
    with path.open(newline="", encoding="utf-8", errors="replace") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or COLUMNS) != COLUMNS:
            raise SystemExit(
                f"{path}: is not as this script wrote it, but changed by another program. Move it away, "
                "and run this again; if it is complete, nas latency fit may read it."
            )
        whole = (row for row in reader if set(row) == set(COLUMNS))
        return {row["name"]: row for row in whole if is_time(row["ms"]) and is_time(row["reference"])}


def check_same(path, rows, fixed):
    """Exit where kept rows were measured otherwise than those that are left would be."""
    for name, row in rows.items():
        for key, value in fixed.items():
            if row[key] != str(value):
                raise SystemExit(
                    f"{path}: {name} was measured with {key} {row[key] or '(none)'}, and this run has {value}. "
                    f"Measure as it began, or move {path.name} away to measure all anew."
                )


def is_time(text):
    """Tell whether a text is a number above 0."""
    try:
        return 0 < float(text) < float("inf")
    except (TypeError, ValueError):
        return False


def write(path, rows):
    """Write all rows, whole or not at all."""
    new = path.with_suffix(".new")
    with new.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows.values())
    new.replace(path)


if __name__ == "__main__":
    main()
