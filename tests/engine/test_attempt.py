"""Memory of a trial, in processes of their own."""

import platform
import subprocess
import sys

import pytest

ROUNDS = """
import resource
from contextlib import nullcontext
import numpy as np
from nas.engine.attempt import freed_memory_kept

def cleared():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def held():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()

def allocate():
    arrays = [np.ones(2**18) for _ in range(20)]

with {block}():
    allocate()
    before = cleared()
    for _ in range(10):
        allocate()
    print((cleared() - before) / 10 * resource.getpagesize(), held())
print(held())
"""
ARRAYS = 20 * 2**18 * 8  # bytes that are allocated and freed at once


def memory(block: str) -> tuple[float, float, float]:
    """Return the bytes that the system cleared for each round, and those that were held in the block and after it."""
    done = subprocess.run(
        [sys.executable, "-c", ROUNDS.format(block=block)], capture_output=True, text=True, check=True
    )
    cleared, inside, after = map(float, done.stdout.split())
    return cleared, inside, after


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_freed_memory_is_used_again_and_given_back_at_the_end() -> None:
    assert memory("nullcontext")[0] > 0.5 * ARRAYS
    cleared, inside, after = memory("freed_memory_kept")
    assert cleared < 0.05 * ARRAYS
    assert inside - after > 0.9 * ARRAYS
