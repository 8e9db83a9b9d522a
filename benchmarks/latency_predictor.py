"""How well latency is predicted: random networks of cvt_family that no predictor saw, against MACs and the like.

    python benchmarks/latency_predictor.py --target cpu --networks 200 --calibration 40

Each held-out network is measured in full (`--seconds` at most); results are kept in `--record`, so that the benchmark
may be stopped and goes on where it was. The rivals are fitted to the same whole networks as the predictor.
"""

import argparse
import json
import os
from pathlib import Path

import numpy as np
import torch
from sklearn.linear_model import LinearRegression

from nas.costs.counts import count
from nas.costs.deployment import choose_deployment
from nas.costs.latency.measure import measure, reference_seconds
from nas.costs.latency.regression import error_of
from nas.costs.latency.sampling import predictor_for
from nas.network.architecture import Architecture
from nas.network.pieces import pieces
from nas.space.library import load_space
from nas.space.space import draw

HELD_OUT_SEED = 1


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(1)
    space = load_space(arguments.space).fit(resolution=32, channels=3, classes=10)
    deployment = choose_deployment(arguments.target)

    def progress(done: int, of: int) -> None:
        print(f"calibration {done}/{of}, load {os.getloadavg()[0]:.1f}", flush=True)

    predictor = predictor_for(space, deployment, networks=arguments.calibration, progress=progress)
    seen = {architecture.key() for architecture, _ in predictor.networks}
    held_out = [a for a in draw(space, arguments.networks + len(seen), HELD_OUT_SEED) if a.key() not in seen]
    times = _measured(held_out[: arguments.networks], deployment, arguments)
    networks, measured = held_out[: len(times)], np.array(times)
    print(f"\n{arguments.space} on {arguments.target}: {len(networks)} networks held out, "
          f"{len(predictor.networks)} whole networks and {len(predictor.blocks)} blocks measured")  # fmt: skip
    print(f"measured: {measured.min():.2f} to {measured.max():.2f} ms, median {np.median(measured):.2f} ms")
    print(f"the predictor's own statement (cross-validation): median error {predictor.error.median:.1%}, "
          f"tau {predictor.error.tau:.3f}\n")  # fmt: skip
    _row("predictor", np.array([predictor.predict(a) for a in networks]), measured)
    for name, describe in _rivals().items():
        known = LinearRegression().fit(
            [describe(a) for a, _ in predictor.networks], [ms for _, ms in predictor.networks]
        )
        _row(name, known.predict([describe(a) for a in networks]), measured)


def _row(name: str, predicted: np.ndarray, measured: np.ndarray) -> None:
    error = error_of(predicted, measured)
    print(f"{name:<44} median error {error.median:6.1%}   90 % below {error.high:6.1%}   tau {error.tau:.3f}")


def _rivals() -> dict:
    """What a line is fitted to."""

    def total(architecture: Architecture, name: str) -> float:
        return float(sum(getattr(count(p), name) for p in pieces(architecture)))

    names = ("macs", "params", "operators", "traffic")
    return {
        "MACs": lambda a: [total(a, "macs")],
        "parameters": lambda a: [total(a, "params")],
        "regression on MACs, params, operators, traffic": lambda a: [total(a, name) for name in names],
    }


def _measured(architectures: list[Architecture], deployment, arguments: argparse.Namespace) -> list[float]:
    """Milliseconds of each network; what the record holds is not measured again."""
    record = Path(arguments.record)
    known = dict(json.loads(line) for line in record.read_text().splitlines()) if record.exists() else {}
    times = []
    for i, architecture in enumerate(architectures):
        key = architecture.key()
        if key not in known:
            found = measure(architecture, deployment, seconds=arguments.seconds)
            known[key] = found.median / reference_seconds(deployment)
            with record.open("a") as file:
                file.write(json.dumps([key, known[key]]) + "\n")
            print(f"{i + 1}/{len(architectures)} {found.median:.3f} ms, interval {found.high / found.low - 1:.1%}, "
                  f"drift {found.drift:.2f}, load {os.getloadavg()[0]:.1f}", flush=True)  # fmt: skip
        times.append(known[key] * reference_seconds(deployment))  # which may have proved to be faster since
    return times


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--space", default="cvt_family")
    parser.add_argument("--target", default="cpu")
    parser.add_argument("--networks", type=int, default=200)
    parser.add_argument("--calibration", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--record", default="latency_predictor.jsonl")
    return parser.parse_args()


if __name__ == "__main__":
    main()
