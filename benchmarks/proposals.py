"""Processor seconds of one proposal, with the costs of candidates looked up as arrays and told one by one, in turn.

Trials are random networks of the space with a made-up accuracy; latency is predicted from made-up blocks, with the
regressions that a search has. The first proposal of a process is timed in a process of its own, with the counts of
pieces kept from an earlier one and without.

    python benchmarks/proposals.py --trials 200 5000 20000
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace

import numpy as np
import optuna
import torch
from optuna.distributions import CategoricalDistribution
from rich.console import Console
from rich.table import Table

import nas
from nas.config import make_config
from nas.costs.counts import count
from nas.costs.latency.predictor import Predictor
from nas.evaluation.limits import Limits
from nas.evaluation.objectives import Conditions
from nas.network.pieces import Piece, pieces
from nas.space.space import SearchSpace, draw

NETWORKS = 32  # measured for a predictor


def milliseconds(piece: Piece) -> float:
    """A device on which an operator costs something and work costs more in some kinds of blocks."""
    known = count(piece)
    return 0.004 * known.operators + 2e-7 * known.macs * (2 if piece.kind == "moat" else 1) + 1e-7 * known.traffic


def problem(space: SearchSpace) -> nas.Problem:
    networks = draw(space, NETWORKS)
    blocks = {piece: milliseconds(piece) for network in networks for piece in pieces(network)}
    times = tuple((network, 0.05 + 0.9 * sum(blocks[piece] for piece in pieces(network))) for network in networks)
    predictor = Predictor({}, space.name, times, tuple(blocks.items()))
    limits = Limits(make_config({"space": space.name}), Conditions(predictor=predictor))
    return nas.Problem(
        space.decide,
        ("accuracy", "latency"),
        cheap=lambda decisions: limits.cheap(space.replay(decisions)),
        table=limits.table(space),
    )


def study_of(space: SearchSpace, trials: int, told: nas.Problem) -> optuna.Study:
    study, rng = optuna.create_study(directions=["maximize", "minimize"]), np.random.default_rng(0)
    made = []
    for _ in range(trials):
        decisions, network = space.sample(rng)
        offered = {name: CategoricalDistribution(values) for name, values in space.domains(decisions).items()}
        latency = told.cheap(decisions)["latency"]
        late = sum(i for i, stage in enumerate(network.stages) if stage.block in ("transformer", "moat"))
        accuracy = 0.9 - 0.2 / (1 + latency) + 0.01 * late + 0.01 * rng.standard_normal()
        made.append(optuna.trial.create_trial(params=decisions, distributions=offered, values=[accuracy, latency]))
    study.add_trials(made)
    return study


def propose(study: optuna.Study, space: SearchSpace, told: nas.Problem, seed: int) -> float:
    """Ask once, and answer with a middling network. Returns processor seconds."""
    start = time.process_time()
    study.sampler = nas.ParetoSampler(seed, told)
    trial = study.ask()
    decisions, _ = space.record(lambda name, values: trial.suggest_categorical(name, values))
    spent = time.process_time() - start
    study.tell(trial, [0.7, told.cheap(decisions)["latency"]])
    return spent


def first(space: SearchSpace, trials: int, one_by_one: bool) -> None:
    """Print the processor seconds of the first proposal of this process."""
    told = problem(space)
    study = study_of(space, trials, told)
    count.cache_clear()
    print(propose(study, space, replace(told, table=None) if one_by_one else told, 0))


def apart(options: argparse.Namespace, trials: int, *more: str) -> float:
    """Take the first proposal in a process of its own."""
    command = [sys.executable, __file__, "--space", options.space, "--first", str(trials), *more]
    return float(subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--space", default="cvt_family")
    parser.add_argument("--trials", type=int, nargs="+", default=[200, 5000, 20_000])
    parser.add_argument("--repeats", type=int, default=11)
    parser.add_argument("--first", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--one-by-one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    torch.set_num_threads(1)
    space = nas.load_space(options.space).fit(resolution=32, channels=3, classes=10)
    if options.first is not None:
        first(space, options.first, options.one_by_one)
        return
    table = Table("trials", "proposal", "one by one", "ratio", "slowest", "first", "one by one", title=options.space)
    for trials in options.trials:
        told = problem(space)
        ways = {"table": told, "one by one": replace(told, table=None)}
        studies = {way: study_of(space, trials, told) for way in ways}
        times: dict[str, list[float]] = {way: [] for way in ways}
        for seed in range(options.repeats):
            for way, own in ways.items():
                times[way].append(propose(studies[way], space, own, seed))
        fast, slow = (statistics.median(times[way][1:]) for way in ways)
        with tempfile.TemporaryDirectory() as cache:
            os.environ["NAS_CACHE"] = cache
            apart(options, trials)  # fills the cache
            firsts = [f"{apart(options, trials, *more):.2f}" for more in ((), ("--one-by-one",))]
        slowest = max(times["table"][1:])
        row = (f"{fast:.3f}", f"{slow:.3f}", f"{fast / slow:.2f}", f"{slowest:.2f}", *firsts)
        table.add_row(f"{trials:,}", *row)
    Console().print(table)


if __name__ == "__main__":
    main()
