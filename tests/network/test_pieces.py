"""Pieces: together they are the network, and equal pieces are the same computation."""

import os
import pickle
import subprocess
import sys
from itertools import pairwise

import numpy as np
import torch

from nas.network.architecture import Architecture, HeadSpec, StageSpec, StemSpec
from nas.network.build import build, sites
from nas.network.pieces import pieces
from nas.space.library import load_architecture, load_space


def test_random_networks_are_made_of_few_pieces():
    space, rng = load_space("cvt_family").fit(resolution=32, channels=3, classes=10), np.random.default_rng(0)
    several = [list(pieces(space.sample(rng)[1])) for _ in range(60)]
    assert len({p for some in several for p in some}) < 0.7 * sum(map(len, several))


def test_a_piece_runs_on_its_own_and_gives_the_next_ones_shape():
    for name in ("cvt_13", "tiny_moat_0"):
        chain = list(pieces(load_architecture(name)))
        for piece, following in pairwise(chain[:5]):
            with torch.no_grad():
                out = piece.build().eval()(torch.zeros(2, *piece.shape))
            assert tuple(out.shape) == (2, *following.shape)


def test_where_a_block_stands_matters_only_where_it_says_so():
    """Equal pieces have equal modules: Swin's shifted windows, ViT's positions and BAM differ within a stage."""
    for name in ("swin_t", "deit_ti", "bam_resnet_50", "coatnet_0", "cvt_13", "mobilenet_v2"):
        architecture = load_architecture(name)
        blocks = [p for p in pieces(architecture) if p.part == "block"]
        network = build(architecture, seed=0)
        real = [block for stage in network.stages for block in stage]
        seen = {}
        for piece, block in zip(blocks, real, strict=True):
            assert seen.setdefault(piece, repr(block)) == repr(block)


def test_a_piece_has_a_name_of_its_own():
    space, rng = load_space("hybrid_zoo"), np.random.default_rng(1)
    found = {p for _ in range(20) for p in pieces(space.sample(rng)[1])}
    assert len({p.name() for p in found}) == len(found)


def test_equal_stages_get_the_class_token_in_the_last_only():
    stage = StageSpec("vit", 1, 32, 1)
    architecture = Architecture(StemSpec("swin", 32), (stage, stage), HeadSpec("class_token"), resolution=32, classes=5)
    assert [p.token for p in pieces(architecture)] == [False, False, True, True]
    assert [site.token for site in sites(architecture, 4)] == [False, True]


def test_a_piece_is_found_again_in_another_process():
    """Its hash is kept, and another process hashes words otherwise."""
    piece = next(pieces(load_architecture("coatnet_0")))
    assert hash(piece) == hash(pickle.loads(pickle.dumps(piece)))
    code = (
        "import pickle, sys; from nas.network.pieces import Piece\n"
        "found = pickle.loads(sys.stdin.buffer.read())\n"
        "fields = {n: v for n, v in vars(found).items() if n != '_hash'}\n"
        "assert {found: 1}[Piece(**fields)] == 1"
    )
    environment = os.environ | {"PYTHONHASHSEED": "7", "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(
        [sys.executable, "-c", code], input=pickle.dumps(piece), env=environment, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
