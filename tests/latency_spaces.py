"""A small space whose networks take no time."""

from nas.space.library import load_space

TINY = {
    "name": "tiny", "resolution": 8, "classes": 10, "stem": {"kind": "conv", "width": [8, 16]},
    "stages": [
        {"block": ["conv", "mbconv"], "depth": [1, 2], "width": [8, 16], "stride": 2},
        {"block": ["conv", "transformer"], "depth": [1, 2], "width": [16, 32], "stride": 1},
    ],
    "blocks": {"transformer": {"head_dim": 8}},
}  # fmt: skip


def tiny():
    return load_space(TINY)
