"""Does a measurement repeat? Networks of cvt_family, each measured ten times, every time in a process of its own.

    python benchmarks/latency_repeat.py --target cpu

Prints, for each network, the median deviation of the repeats from their median, and the same of the naive way: one run
of the network after one that warms up.
"""

import argparse
import json
import os
import subprocess
import sys

import numpy as np

REPEATS, NETWORKS = 10, 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", default="cpu")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--once", action="store_true", help="one process's part")
    arguments = parser.parse_args()
    if arguments.once:
        print(json.dumps(_measure(arguments)))
        return
    command = [sys.executable, __file__, "--once", "--target", arguments.target, "--seconds", str(arguments.seconds)]
    repeats = []
    for i in range(REPEATS):
        done = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        repeats.append(json.loads(done.splitlines()[-1]))
        print(f"repeat {i + 1}: {repeats[-1]}, load {os.getloadavg()[0]:.1f}", flush=True)
    for column, name in enumerate(("protocol", "one run")):
        values = np.array(repeats)[:, :, column]
        off = np.abs(values / np.median(values, axis=0) - 1)
        print(f"{name:<9} median deviation by network {np.round(100 * np.median(off, axis=0), 2)} %, "
              f"of all {np.median(off):.2%}, largest {off.max():.2%}")  # fmt: skip


def _measure(arguments: argparse.Namespace) -> list[tuple[float, float]]:
    """Milliseconds of each network by the protocol, and of a single run by the wall's clock."""
    import time

    import torch

    from nas.costs.deployment import choose_deployment
    from nas.costs.latency.measure import measure
    from nas.network.build import build
    from nas.space.library import load_space
    from nas.space.space import draw

    torch.set_num_threads(1)
    space = load_space("cvt_family").fit(resolution=32, channels=3, classes=10)
    deployment = choose_deployment(arguments.target)
    found = []
    for architecture in draw(space, NETWORKS):
        network = build(architecture, seed=0).eval()
        x = torch.zeros(1, 3, 32, 32)
        with torch.inference_mode():
            network(x)
            start = time.perf_counter()
            network(x)
            naive = 1e3 * (time.perf_counter() - start)
        found.append((measure(architecture, deployment, seconds=arguments.seconds).median, naive))
    return found


if __name__ == "__main__":
    main()
