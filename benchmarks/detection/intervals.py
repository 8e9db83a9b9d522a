"""How often intervals of a detector's mAP hold what it has on all images of its data.

    python benchmarks/detection/intervals.py runs/detector --images 100 1000 --samples 60

Samples of so many images are drawn from all of the training's data, and each is judged by itself: by the percentiles of
a bootstrap, and by the interval that `nas` gives. Of intervals of 95 % nineteen of twenty should hold the value of all.
"""

import argparse
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from nas.data import load
from nas.record.trained import Trained
from nas.training.catalogue import load_task
from nas.training.full.batches import Batches
from nas.training.full.loop import answers
from nas.training.full.verdict import bootstrap, interval
from nas.training.tasks import Predictions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("training")
    parser.add_argument("--images", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--samples", type=int, default=60)
    given = parser.parse_args()
    trained = Trained(given.training)
    dataset = load(trained.config.data, seed=trained.config.split, resolution=trained.architecture.resolution)
    rows = np.concatenate([dataset.train, dataset.validation, dataset.test])
    every = answers(trained.model(), Batches(dataset, torch.device("cpu")), rows, nullcontext())
    metric, rng = load_task("detection").metrics["map"], np.random.default_rng(0)
    true, plain = metric.value(every), replace(metric, flattered=False)
    columns = ("images", "samples", "mean mAP", "percentiles hold it", "the interval of nas does")
    table = Table(*columns, title=f"{len(rows):,} images, mAP {true:.3f}")
    for count in given.images:
        values, held = [], np.zeros(2)
        for _ in range(given.samples):
            chosen = torch.from_numpy(rng.choice(len(rows), count, replace=False))
            sample = Predictions(*(each[chosen] for each in every))
            drawn = bootstrap({"map": metric}, sample)["map"]
            values.append(metric.value(sample))
            found = (interval(each, values[-1], drawn) for each in (plain, metric))
            held += [low <= true <= high for low, high in found]
        shares = (f"{share:.0%}" for share in held / given.samples)
        table.add_row(f"{count:,}", str(given.samples), f"{np.mean(values):.3f}", *shares)
    Console().print(table)


if __name__ == "__main__":
    main()
