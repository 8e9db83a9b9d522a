"""Small models for tests of exporting: one of each kind of part, and one that has learnt something."""

import functools
from collections.abc import Iterator
from typing import NamedTuple

import torch

from nas import data
from nas.network.build import build
from nas.network.options import options_of
from nas.network.properties import scrambled
from nas.registry import BLOCKS, HEADS, STEMS
from nas.report.formats import Examples
from nas.space.library import load_architecture
from nas.training.model import Model, scaled

NARROW = {"head_dim": 8, "heads": 1, "window": 3, "distance": 3}
SMALL = {"width": 16, "heads": 2, "hidden": 16, "encoder": 1, "decoder": 2, "queries": 6}  # of a detector's head


def model_of(blocks: list[str], stem: str = "conv", head: str = "pool", side: int = 16, **facts: object) -> Model:
    """A colour model of four classes, a stage for each kind of block, with no weight that hides a part.

    The first stage halves the map and then keeps it; of a further one, where a second block differs, there are two.
    """
    stages = []
    for i, block in enumerate(blocks):
        options = {name: value for name, value in NARROW.items() if name in options_of(BLOCKS, block)}
        depth = 2 if i == 0 or BLOCKS.get(block).by_position(options) else 1
        stages.append({"block": block, "depth": depth, "width": 16, "stride": 2 if i == 0 else 1} | options)
    architecture = load_architecture(
        {"name": "small", "resolution": side, "classes": 4, "stem": {"kind": stem, "width": 8}, "stages": stages,
         "head": {"kind": head} | (SMALL if HEADS.get(head).wants_maps else {})}
    )  # fmt: skip
    network = scrambled(build(architecture, seed=0))
    return Model(network, ("a", "b", "c", "d"), (0.4, 0.5, 0.6), (0.2, 0.25, 0.3), facts).eval()


def every_part() -> Iterator[tuple[list[str], str, str]]:
    """Yield blocks, stem and head of few networks that have every kind of them."""
    with_token = [name for name in BLOCKS.names() if BLOCKS.get(name).carries_token]
    blocks = [name for name in BLOCKS.names() if name not in with_token] + with_token
    stems, heads = STEMS.names(), [name for name in HEADS.names() if not HEADS.get(name).wants_token]
    tokens = [name for name in HEADS.names() if HEADS.get(name).wants_token]
    count = -(-len(blocks) // len(stems))
    for i, stem in enumerate(stems):
        some = blocks[i * count : (i + 1) * count] or with_token[:1]
        choice = tokens if some[-1] in with_token else heads
        yield some, stem, choice[i] if i < len(choice) else choice[-1]  # some take long: each once


class Learnt(NamedTuple):
    """A model of digits, and images of its data."""

    model: Model
    training: Examples
    validation: Examples


@functools.cache
def learnt(steps: int = 100) -> Learnt:
    """A small network with convolution and attention that was trained on digits for some seconds."""
    digits = data.load("digits", seed=0)
    images, labels = scaled(torch.from_numpy(digits.images[:])), torch.from_numpy(digits.labels[:])
    architecture = load_architecture(
        {"name": "digits", "resolution": 8, "channels": 1, "classes": 10,
         "stem": {"kind": "conv", "width": 8, "stride": 1},
         "stages": [{"block": "mbconv", "depth": 1, "width": 16, "stride": 2},
                    {"block": "transformer", "depth": 1, "width": 16, "stride": 2, "head_dim": 8}],
         "head": {"kind": "pool"}}
    )  # fmt: skip
    train = images[digits.train]
    facts = {"data": "digits", "seed": 0, "test": {"accuracy": {"value": 0.9, "low": 0.87, "high": 0.93}}}
    model = Model(build(architecture, seed=0), digits.classes, [train.mean().item()], [train.std().item()], facts)
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3)
    generator = torch.Generator().manual_seed(0)
    for _ in range(steps):
        rows = torch.randint(len(train), (64,), generator=generator)
        loss = torch.nn.functional.cross_entropy(model(train[rows]), labels[digits.train][rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    parts = (Examples(images[rows], labels[rows]) for rows in (digits.train, digits.validation))
    return Learnt(model.eval(), *parts)


def leave_no_numbers() -> None:
    """Fill memory with what is no number, and free it: who reads it afterwards shows."""
    for size in range(8, 19):
        free = [torch.full((2**size,), torch.nan) for _ in range(20)]
        del free
