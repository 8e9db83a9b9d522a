"""Our training step beside the plain way: the same networks on the same images, alternating epochs in one process.

Ours: images in memory as one tensor, augmentation as tensor code, channels last, fused optimiser.
Plain: a DataLoader over PIL images with a transform per image (shift, to tensor, normalise), contiguous maps, AdamW
as it comes. Both with one thread; the ratio is of images a second.

    python benchmarks/proxy_throughput.py --data cluttered_digits --networks 6
"""

import argparse
import time

import numpy as np
import torch
from PIL import Image, ImageOps
from rich.console import Console
from rich.table import Table
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from nas import data as datasets
from nas.data import Dataset
from nas.network.build import build
from nas.space.library import load_space
from nas.training.catalogue import load_task
from nas.training.images import load_images
from nas.training.loop import train
from nas.training.recipe import Recipe


class PilImages(TorchDataset[tuple[Tensor, int]]):
    """The training part as PIL images, transformed one by one."""

    def __init__(self, dataset: Dataset, shift: int) -> None:
        arrays = dataset.images[dataset.train].transpose(0, 2, 3, 1)
        self.images = [Image.fromarray(a[:, :, 0] if a.shape[2] == 1 else a) for a in arrays]
        self.labels = dataset.labels[dataset.train]
        self.shift, self.mirror = shift, dataset.mirror
        self.mean, self.std = float(arrays.mean()) / 255, float(arrays.std()) / 255

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, row: int) -> tuple[Tensor, int]:
        image = self.images[row]
        if self.mirror and torch.rand(()) < 0.5:
            image = ImageOps.mirror(image)
        left, top = (int(v) for v in torch.randint(0, 2 * self.shift + 1, (2,)))
        image = ImageOps.expand(image, self.shift).crop((left, top, left + image.width, top + image.height))
        x = torch.from_numpy(np.asarray(image, np.float32) / 255)
        x = x[None] if x.ndim == 2 else x.permute(2, 0, 1)
        return (x - self.mean) / self.std, int(self.labels[row])


def plain_epoch(network: torch.nn.Module, loader: DataLoader[tuple[Tensor, int]], recipe: Recipe) -> None:
    """An epoch as most training scripts write it."""
    optimizer = torch.optim.AdamW(network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    network.train()
    for x, y in loader:
        loss = F.cross_entropy(network(x), y, label_smoothing=recipe.label_smoothing)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), recipe.clip)
        optimizer.step()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="cluttered_digits")
    parser.add_argument("--space", default="cvt_family")
    parser.add_argument("--networks", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    recipe, dataset = Recipe(epochs=1), datasets.load(options.data)
    images, task = load_images(dataset, torch.device("cpu")), load_task("classification")
    loader = DataLoader(PilImages(dataset, recipe.shift), recipe.batch_size, shuffle=True, drop_last=True)
    space = load_space(options.space).fit(
        resolution=dataset.resolution, channels=dataset.channels, classes=len(dataset.classes)
    )
    rng = np.random.default_rng(0)
    table = Table("layout", "ours, images/s", "plain, images/s", "ratio", title=f"{options.data}, one thread")
    ratios = []
    for _ in range(options.networks):
        architecture = space.sample(rng)[1]
        seconds = np.zeros((options.rounds, 2))
        for i in range(options.rounds):
            ours = build(architecture, seed=0).to(memory_format=torch.channels_last)
            start = time.perf_counter()
            train(ours, images, recipe, task, seed=i)
            middle = time.perf_counter()
            plain_epoch(build(architecture, seed=0), loader, recipe)
            seconds[i] = middle - start, time.perf_counter() - middle
        rate = len(dataset.train) / np.median(seconds, axis=0)
        ratios.append(float(np.median(seconds[:, 1] / seconds[:, 0])))
        table.add_row(architecture.layout(), f"{rate[0]:.0f}", f"{rate[1]:.0f}", f"{ratios[-1]:.2f}")
    Console().print(table)
    print(f"median ratio {np.median(ratios):.2f}")


if __name__ == "__main__":
    main()
